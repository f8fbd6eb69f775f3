/* SPDX-License-Identifier: MIT */
/* When the pictures of a video with a fixed rate are due. */
#pragma once

#include <stdint.h>

struct pace {
  int64_t start;    /* µs: the time of picture 0 */
  unsigned fps;     /* pictures a second, at least 1 */
  uint64_t written; /* pictures */
};

/* How many pictures with a time before `until` (µs) are not written yet. Does not count them as
 * written. */
uint64_t pace_due (const struct pace *pace, int64_t until);
/* µs of the next picture that is not written yet. */
int64_t pace_next (const struct pace *pace);
