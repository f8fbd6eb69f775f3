/* SPDX-License-Identifier: MIT */
/* WHEP: an offer is POSTed to /whep/<console>, its session lives at /whep/s/<id>. */
#pragma once

#include <libsoup/soup.h>

#include "http/service.h"

#define WHEP_PATH "/whep/"

/* request->path: behind WHEP_PATH. A POST is answered later, when the viewer has its description.
 */
void
whep_handle (struct service *service, SoupServerMessage *message, const struct request *request);
