/* SPDX-License-Identifier: MIT */
/* The page, as a resource below /qdmabuf-webrtc/page. */
#pragma once

#include <gio/gio.h>

/* Generated. */
GResource *webrtc_page_get_resource (void);
/* So that g_resources_lookup_data() finds it. */
void webrtc_page_register_resource (void);
