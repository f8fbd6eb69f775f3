/* SPDX-License-Identifier: MIT */
/* Rectangles and small sets of them: what changed, in pixels of the picture as shown (top left is
 * 0, 0). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rect {
  int32_t x, y, width, height; /* pixels; empty when width or height is not positive */
};

/* More rectangles than this become fewer, larger ones: a reader pays per call, not only per pixel.
 */
#define DAMAGE_MAX_RECTS 8

struct damage {
  unsigned n;
  struct rect rects[DAMAGE_MAX_RECTS]; /* none empty, none inside another */
};

#define DAMAGE_NONE ((struct damage){ .n = 0 })

bool rect_is_empty (struct rect r);
bool rect_contains (struct rect outer, struct rect inner);
/* Never overflows, whatever the peer sent; empty result has width = height = 0. */
struct rect rect_intersect (struct rect a, struct rect b);
struct rect rect_union (struct rect a, struct rect b);

struct damage damage_whole (uint32_t width, uint32_t height);
void damage_add (struct damage *damage, struct rect r);
void damage_add_all (struct damage *damage, const struct damage *more);
/* Cuts everything off that lies outside width × height. */
void damage_clip (struct damage *damage, uint32_t width, uint32_t height);
bool damage_is_empty (const struct damage *damage);
bool damage_contains (const struct damage *damage, struct rect r); /* by one rectangle of it */
struct rect damage_bounds (const struct damage *damage);
