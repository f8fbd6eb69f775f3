/* SPDX-License-Identifier: MIT */
/* Pace: when a picture is coded, and why. Knows no clock and no picture: it is told the time (µs,
 * never going back) and that there is a newer picture.
 *
 *   - a newer picture at once, while that makes no more than fps a second, or one more; above that it
 *     waits, and still newer ones replace it
 *   - a picture that stays is coded again a few times, so that the encoder brings it to full quality
 *   - then it rests, but for a heartbeat each second: without one a browser asks for key frames
 *   - a key frame where one is wanted, also of a picture that stays, at most one each 300 ms */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PACE_KEY_INTERVAL_US 300000
#define PACE_HEARTBEAT_US 1000000
/* After the last change: how long it counts as motion, then how often and how many times it is coded
 * again: more times while the encoder still has much to say about it. */
#define PACE_QUIET_US 100000
#define PACE_REFINE_US 40000
#define PACE_MIN_REFINE 6
#define PACE_MAX_REFINE 30

enum pace_why { PACE_NOTHING, PACE_DAMAGE, PACE_KEY, PACE_REFINE, PACE_HEARTBEAT };

struct pace {
  int64_t period;     /* µs between pictures, in the long run */
  int64_t bucket;     /* a newer picture is coded no earlier than a period before that time */
  int64_t last_coded; /* valid once a picture was coded */
  int64_t last_change, last_key;
  unsigned n_refined;
  bool has_picture, changed;
  bool unsettled; /* set by the owner: the last repetition was large */
  bool key_wanted, restarts; /* restarts: a key frame with the next change, however soon after the last */
};

/* What to code now. key: as a key frame. */
struct pace_step {
  enum pace_why why;
  bool key;
};

/* fps: 1 to 1000. */
void pace_init (struct pace *pace, unsigned fps);
/* There is a newer picture. restarts: the encoder begins anew with it, and so with a key frame. */
void pace_change (struct pace *pace, bool restarts);
void pace_want_key (struct pace *pace);
/* What is due; it counts as done. */
struct pace_step pace_next (struct pace *pace, int64_t now);
/* When something will be due, if nothing else happens; INT64_MAX: never. May have passed already. */
int64_t pace_deadline (const struct pace *pace);
/* "damage", "key", "refine", "heartbeat". */
const char *pace_why_name (enum pace_why why);
