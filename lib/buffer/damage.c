/* SPDX-License-Identifier: MIT */
/* Damage: small sets of rectangles that only ever grow to cover more, never less. */
#include "buffer/damage.h"

#include <glib.h>

bool
rect_is_empty (struct rect r)
{
  return r.width <= 0 || r.height <= 0;
}

/* Edges as 64 bits: x + width of 32-bit numbers from a peer need not fit into 32. */
static int64_t
rect_right (struct rect r)
{
  return (int64_t) r.x + r.width;
}

static int64_t
rect_bottom (struct rect r)
{
  return (int64_t) r.y + r.height;
}

static int64_t
rect_area (struct rect r)
{
  return (int64_t) r.width * r.height;
}

/* A rectangle from its edges; what is too large for 32 bits is cut off at the right and bottom. */
static struct rect
rect_from_edges (int64_t left, int64_t top, int64_t right, int64_t bottom)
{
  struct rect r = { 0, 0, 0, 0 };

  if (right <= left || bottom <= top)
    return r;
  r.x = (int32_t) left;
  r.y = (int32_t) top;
  r.width = (int32_t) MIN (right - left, INT32_MAX);
  r.height = (int32_t) MIN (bottom - top, INT32_MAX);
  return r;
}

bool
rect_contains (struct rect outer, struct rect inner)
{
  if (rect_is_empty (inner))
    return true;
  if (rect_is_empty (outer))
    return false;
  return inner.x >= outer.x && inner.y >= outer.y && rect_right (inner) <= rect_right (outer) &&
         rect_bottom (inner) <= rect_bottom (outer);
}

struct rect
rect_intersect (struct rect a, struct rect b)
{
  if (rect_is_empty (a) || rect_is_empty (b))
    return (struct rect){ 0, 0, 0, 0 };
  return rect_from_edges (MAX (a.x, b.x), MAX (a.y, b.y), MIN (rect_right (a), rect_right (b)),
                          MIN (rect_bottom (a), rect_bottom (b)));
}

struct rect
rect_union (struct rect a, struct rect b)
{
  if (rect_is_empty (a))
    return rect_is_empty (b) ? (struct rect){ 0, 0, 0, 0 } : b;
  if (rect_is_empty (b))
    return a;
  return rect_from_edges (MIN (a.x, b.x), MIN (a.y, b.y), MAX (rect_right (a), rect_right (b)),
                          MAX (rect_bottom (a), rect_bottom (b)));
}

struct damage
damage_whole (uint32_t width, uint32_t height)
{
  struct damage damage = DAMAGE_NONE;

  damage_add (&damage, (struct rect){ 0, 0, (int32_t) MIN (width, INT32_MAX),
                                      (int32_t) MIN (height, INT32_MAX) });
  return damage;
}

static void
damage_remove (struct damage *damage, unsigned i)
{
  damage->rects[i] = damage->rects[--damage->n];
}

/* How many pixels one rectangle around both has that neither of them has; negative when they
 * overlap by more. */
static int64_t
merge_waste (struct rect a, struct rect b)
{
  return rect_area (rect_union (a, b)) - rect_area (a) - rect_area (b);
}

/* The rectangle of damage that costs least to merge r with. damage is not empty. */
static unsigned
cheapest_partner (const struct damage *damage, struct rect r, int64_t *waste)
{
  unsigned best = 0;

  *waste = INT64_MAX;
  for (unsigned i = 0; i < damage->n; i++) {
    int64_t w = merge_waste (damage->rects[i], r);
    if (w < *waste) {
      *waste = w;
      best = i;
    }
  }
  return best;
}

void
damage_add (struct damage *damage, struct rect r)
{
  /* Pictures begin at 0, 0; without negative corners no union below can leave 32 bits. */
  r = rect_intersect (r, (struct rect){ 0, 0, INT32_MAX, INT32_MAX });
  if (rect_is_empty (r))
    return;

  /* Each turn takes a rectangle out, so this ends. */
  while (damage->n > 0) {
    int64_t waste = 0;
    unsigned i = cheapest_partner (damage, r, &waste);

    if (rect_contains (damage->rects[i], r))
      return;
    /* One rectangle that is no larger than the two together is never worse to read. */
    if (waste > 0 && damage->n < DAMAGE_MAX_RECTS)
      break;
    r = rect_union (damage->rects[i], r);
    damage_remove (damage, i);
  }
  damage->rects[damage->n++] = r;
}

void
damage_add_all (struct damage *damage, const struct damage *more)
{
  for (unsigned i = 0; i < more->n; i++)
    damage_add (damage, more->rects[i]);
}

void
damage_clip (struct damage *damage, uint32_t width, uint32_t height)
{
  struct rect whole = { 0, 0, (int32_t) MIN (width, INT32_MAX), (int32_t) MIN (height, INT32_MAX) };
  struct damage clipped = DAMAGE_NONE;

  for (unsigned i = 0; i < damage->n; i++)
    damage_add (&clipped, rect_intersect (damage->rects[i], whole));
  *damage = clipped;
}

bool
damage_is_empty (const struct damage *damage)
{
  return damage->n == 0;
}

bool
damage_contains (const struct damage *damage, struct rect r)
{
  if (rect_is_empty (r))
    return true;
  for (unsigned i = 0; i < damage->n; i++) {
    if (rect_contains (damage->rects[i], r))
      return true;
  }
  return false;
}

struct rect
damage_bounds (const struct damage *damage)
{
  struct rect bounds = { 0, 0, 0, 0 };

  for (unsigned i = 0; i < damage->n; i++)
    bounds = rect_union (bounds, damage->rects[i]);
  return bounds;
}
