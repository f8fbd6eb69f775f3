/* SPDX-License-Identifier: MIT */
/* The table of packed RGB formats that a scanout can have, by DRM's number and by QEMU's. */
#include "buffer/fourcc.h"

#include <drm_fourcc.h>

/* QEMU sends pixman's codes: bits per pixel << 24 | order << 16 | widths of a, r, g, b. pixman
 * names a native word from its highest bits down, as DRM does a little-endian one, so x8r8g8b8 is
 * XR24 and both are B, G, R, X in memory. */
static const struct pixel_format formats[] = {
  { DRM_FORMAT_XRGB8888, 0x20020888, 4, false, DRM_FORMAT_XRGB8888 },
  { DRM_FORMAT_ARGB8888, 0x20028888, 4, true, DRM_FORMAT_XRGB8888 },
  { DRM_FORMAT_XBGR8888, 0x20030888, 4, false, DRM_FORMAT_XBGR8888 },
  { DRM_FORMAT_ABGR8888, 0x20038888, 4, true, DRM_FORMAT_XBGR8888 },
  { DRM_FORMAT_BGRX8888, 0x20080888, 4, false, DRM_FORMAT_BGRX8888 },
  { DRM_FORMAT_BGRA8888, 0x20088888, 4, true, DRM_FORMAT_BGRX8888 },
  { DRM_FORMAT_RGBX8888, 0x20090888, 4, false, DRM_FORMAT_RGBX8888 },
  { DRM_FORMAT_RGBA8888, 0x20098888, 4, true, DRM_FORMAT_RGBX8888 },
  { DRM_FORMAT_RGB888, 0x18020888, 3, false, DRM_FORMAT_RGB888 },
  { DRM_FORMAT_BGR888, 0x18030888, 3, false, DRM_FORMAT_BGR888 },
  { DRM_FORMAT_RGB565, 0x10020565, 2, false, DRM_FORMAT_RGB565 },
  { DRM_FORMAT_XRGB2101010, 0, 4, false, DRM_FORMAT_XRGB2101010 },
  { DRM_FORMAT_ARGB2101010, 0, 4, true, DRM_FORMAT_XRGB2101010 },
  { DRM_FORMAT_XBGR2101010, 0, 4, false, DRM_FORMAT_XBGR2101010 },
  { DRM_FORMAT_ABGR2101010, 0, 4, true, DRM_FORMAT_XBGR2101010 },
};

const struct pixel_format *
pixel_format_find (uint32_t fourcc)
{
  for (size_t i = 0; i < G_N_ELEMENTS (formats); i++) {
    if (formats[i].fourcc == fourcc)
      return &formats[i];
  }
  return NULL;
}

const struct pixel_format *
pixel_format_from_pixman (uint32_t pixman)
{
  if (pixman == 0)
    return NULL;
  for (size_t i = 0; i < G_N_ELEMENTS (formats); i++) {
    if (formats[i].pixman == pixman)
      return &formats[i];
  }
  return NULL;
}

size_t
pixel_format_count (void)
{
  return G_N_ELEMENTS (formats);
}

const struct pixel_format *
pixel_format_at (size_t i)
{
  return &formats[i];
}

char *
fourcc_name (uint32_t fourcc)
{
  char text[5] = { 0 };

  for (unsigned i = 0; i < 4; i++) {
    text[i] = (char) (fourcc >> (8 * i) & 0xff);
    if (!g_ascii_isprint (text[i]))
      return g_strdup_printf ("0x%08x", fourcc);
  }
  g_strchomp (text); /* "R8  " */
  return g_strdup_printf ("%s (0x%08x)", text, fourcc);
}
