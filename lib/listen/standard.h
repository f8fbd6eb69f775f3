/* SPDX-License-Identifier: MIT */
/* The listener's answers to the interfaces that every D-Bus object has: properties, introspection,
 * ping. */
#pragma once

#include "listen/event.h"

/* Is it one of those interfaces? Then *handled, and the answer is in *event or the refusal in error
 * and *dbus_error. */
bool standard_answer (const struct transport_call *call, QdmabufListenerFlags flags,
                      struct event *event, bool *handled, const char **dbus_error, GError **error);
/* FALSE: this listener does not have that interface. */
bool standard_has_interface (QdmabufListenerFlags flags, const char *interface);
