/* SPDX-License-Identifier: MIT */
/* Who converts what: packed formats here, planes there. */
#include "convert/convert.h"

#include <glib.h>

#include "buffer/planes.h"
#include "convert/packed.h"
#include "convert/planar.h"

bool
convert_output_supported (uint32_t fourcc)
{
  return output_format_find (fourcc) != NULL;
}

bool
convert_supported (uint32_t from, uint32_t to)
{
  return packed_supported (from, to) || planar_supported (from, to);
}

static bool
is_whole (const struct picture *to, struct rect r)
{
  struct damage damage = { .n = 1, .rects = { r } };

  output_format_widen (to->fourcc, &damage, to->width, to->height);
  return rect_contains (r, damage.rects[0]);
}

void
convert_rect (const struct pixels *from, const struct picture *to, struct rect r)
{
  g_return_if_fail (!rect_is_empty (r) && convert_supported (from->fourcc, to->fourcc) &&
                    is_whole (to, r));

  if (to->n_planes == 1)
    packed_convert (from, to, r);
  else
    planar_convert (from, to, r);
}
