/* SPDX-License-Identifier: MIT */
/* What is said at the end of a run. */
#pragma once

#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdbool.h>

#include "options.h"
#include "sink.h"

/* One line on stderr, and JSON on stdout if that is wanted. last: the newest frame. */
void report_done (const struct options *options, QdmabufDisplay *display, struct sink *sink,
                  QdmabufFrame *last, guint64 n_replaced);
/* Why there is none. disabled: QEMU turned the display off. warning: the last one, nullable. */
void report_no_frame (const struct options *options, QdmabufConsole *console, bool disabled,
                      const GError *warning);
