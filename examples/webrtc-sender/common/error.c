/* SPDX-License-Identifier: MIT */
/* The domain of the sender's errors. */
#include "common/error.h"

G_DEFINE_QUARK (qdmabuf-webrtc-error-quark, sender_error)
