/* SPDX-License-Identifier: MIT */
/* Planar targets for tests of back ends, held against a conversion of the packed picture that the
 * same back end reads. Include support/pictures.h first. */
#pragma once

#include "buffer/planes.h"
#include "convert/convert.h"

static inline size_t
planar_size (const struct picture *picture)
{
  return picture->stride[0] * 3 * (picture->height + 1);
}

/* Planes of an odd stride. */
static inline struct picture
planar_new (uint32_t fourcc, uint32_t width, uint32_t height)
{
  unsigned n = output_format_find (fourcc)->n_planes;
  struct picture picture = { .fourcc = fourcc, .width = width, .height = height, .n_planes = n };

  for (unsigned i = 0; i < n; i++)
    picture.stride[i] = (width | 1) + 6;
  picture.owner = g_atomic_rc_box_alloc (planar_size (&picture));
  picture.clear_owner = target_nothing;
  for (unsigned i = 0; i < n; i++)
    picture.data[i] = (uint8_t *) picture.owner + i * picture.stride[0] * (height + 1);
  memset (picture.owner, TARGET_UNTOUCHED, planar_size (&picture));
  return picture;
}

/* Every byte of got: inside damage what XR24's become, outside untouched; within 1, since a back
 * end may read another format than XR24, for which libyuv rounds otherwise. */
static inline void
planar_check (const struct picture *got, const struct picture *xr24, const struct damage *damage)
{
  struct picture want = planar_new (got->fourcc, got->width, got->height);
  struct pixels pixels = { xr24->data[0], (ptrdiff_t) xr24->stride[0], xr24->fourcc };

  for (unsigned i = 0; i < damage->n; i++)
    convert_rect (&pixels, &want, damage->rects[i]);
  for (size_t i = 0; i < planar_size (got); i++) {
    int a = ((const uint8_t *) got->owner)[i], b = ((const uint8_t *) want.owner)[i];

    if (ABS (a - b) > 1)
      fail_msg ("byte %zu of %.4s is %d instead of %d", i, (const char *) &got->fourcc, a, b);
  }
  picture_drop (&want);
}

/* read must fill the picture's damage from one and the same source each time. */
static inline void
planar_check_read (uint32_t width, uint32_t height,
                   void (*read) (void *data, const struct damage *damage,
                                 const struct picture *dst),
                   void *data)
{
  static const uint32_t planar[] = { DRM_FORMAT_NV12, DRM_FORMAT_YUV420, DRM_FORMAT_YUV444 };
  struct damage all = damage_whole (width, height);
  struct picture xr24 = target_new (DRM_FORMAT_XRGB8888, width, height, 0);

  read (data, &all, &xr24);
  for (unsigned i = 0; i < G_N_ELEMENTS (planar); i++) {
    struct damage odd = { .n = 2, .rects = { { 3, 1, 6, 4 }, { 0, 11, 0, 0 } } };

    odd.rects[1].width = (int32_t) width;
    odd.rects[1].height = (int32_t) height - 11;
    for (unsigned whole = 0; whole < 2; whole++) {
      struct damage damage = whole ? all : odd;
      struct picture dst = planar_new (planar[i], width, height);

      output_format_widen (planar[i], &damage, width, height);
      read (data, &damage, &dst);
      planar_check (&dst, &xr24, &damage);
      picture_drop (&dst);
    }
  }
  picture_drop (&xr24);
}
