/* SPDX-License-Identifier: MIT */
/* The log of coded frames: a line of JSON each, for those who measure. */
#pragma once

#include "media/encoder.h"

struct frame_log;

/* Replaces what is there. Errors: FAILED. */
struct frame_log *frame_log_open (const char *path, GError **error);
/* Any thread. Each line is in the file when it returns. */
void frame_log_write (struct frame_log *log, enum codec codec, const struct coded *coded);
void frame_log_close (struct frame_log *log);
