/* SPDX-License-Identifier: MIT */
/* What the files of QdmabufDisplay share: display.c (what it is), display-open.c (the ways to get
 * one). */
#pragma once

#include <qemu-dmabuf/qdmabuf-display.h>

#include "listen/comeback.h"
#include "listen/peer.h"

/* Takes peer and comeback (nullable). context: where signals are emitted. Full transfer. */
QdmabufDisplay *display_new (struct peer *peer, struct comeback *comeback, GMainContext *context);
