/* SPDX-License-Identifier: MIT */
/* What can go wrong between a VM's screen and a browser, as far as somebody acts on it. */
#pragma once

#include <glib.h>

#define SENDER_ERROR (sender_error_quark ())

enum sender_error {
  SENDER_ERROR_OFFER,     /* the SDP is malformed, or lacks what WebRTC needs here: HTTP 400 */
  SENDER_ERROR_CODEC,     /* none of the offered codecs is one of ours: HTTP 406 */
  SENDER_ERROR_PLUGIN,    /* GStreamer lacks an element; the message names its Debian package: HTTP 500 */
  SENDER_ERROR_NO_SCREEN, /* the console shows nothing, or is gone: HTTP 409 */
  SENDER_ERROR_LIMIT,     /* too many viewers: HTTP 503 */
  SENDER_ERROR_PEER,      /* the other side misbehaved or went silent */
  SENDER_ERROR_FAILED,    /* anything else: HTTP 500 */
};

GQuark sender_error_quark (void);
