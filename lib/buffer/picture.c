/* SPDX-License-Identifier: MIT */
/* Who may still write into a picture: references on the memory that it lies in. */
#include "buffer/picture.h"

struct picture
picture_hold (const struct picture *picture)
{
  struct picture copy = *picture;

  if (copy.owner)
    g_atomic_rc_box_acquire (copy.owner);
  return copy;
}

void
picture_drop (struct picture *picture)
{
  if (picture->owner)
    g_atomic_rc_box_release_full (picture->owner, picture->clear_owner);
  *picture = (struct picture){ 0 };
}
