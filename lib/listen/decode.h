/* SPDX-License-Identifier: MIT */
/* The arguments of each display call, one function a call. */
#pragma once

#include "listen/event.h"

/* The call has the signature of the method, and the number of fds is one the method can have. */
typedef bool (*decode_func) (const struct transport_call *call, struct event *event,
                             GError **error);

bool decode_scanout (const struct transport_call *call, struct event *event, GError **error);
bool decode_scanout_map (const struct transport_call *call, struct event *event, GError **error);
bool decode_scanout_dmabuf (const struct transport_call *call, struct event *event, GError **error);
bool
decode_scanout_dmabuf2 (const struct transport_call *call, struct event *event, GError **error);
bool decode_update (const struct transport_call *call, struct event *event, GError **error);
bool decode_update_map (const struct transport_call *call, struct event *event, GError **error);
bool decode_update_dmabuf (const struct transport_call *call, struct event *event, GError **error);
bool decode_disable (const struct transport_call *call, struct event *event, GError **error);
bool decode_mouse_set (const struct transport_call *call, struct event *event, GError **error);
bool decode_cursor_define (const struct transport_call *call, struct event *event, GError **error);

/* All arguments were read from a copy of call->body. Error: PROTOCOL. */
bool decode_end (const struct wire *arguments, GError **error);
