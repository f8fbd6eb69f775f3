/* SPDX-License-Identifier: MIT */
/* How a back end says that a buffer is not for it. */
#pragma once

#include <qemu-dmabuf/qdmabuf-error.h>
#include <stdbool.h>

#include "buffer/buffer.h"

/* The error "XR24 with modifier LINEAR <why>". Returns false, which as a score is
 * BACKEND_SCORE_NO: for the caller to return. */
bool
refuse_buffer (GError **reason, QdmabufError code, const QdmabufBuffer *buffer, const char *why);
