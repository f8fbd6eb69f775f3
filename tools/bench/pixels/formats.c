/* SPDX-License-Identifier: MIT */
/* Formats: those of sources as the library lists them, those of frames as its documentation does.
 */
#include "pixels/formats.h"

#include <drm_fourcc.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdbool.h>

const struct frame_format frame_formats[] = {
  { DRM_FORMAT_XRGB8888, 32 }, { DRM_FORMAT_XBGR8888, 32 },
  { DRM_FORMAT_BGR888, 24 },   { DRM_FORMAT_RGB888, 24 },
  { DRM_FORMAT_NV12, 12 },     { DRM_FORMAT_YUV420, 12 },
  { DRM_FORMAT_YUV444, 24 },   { 0, 0 },
};

/* DRM's names end in the bits of a pixel or of its channels. */
unsigned
format_source_bytes (uint32_t fourcc)
{
  g_autofree char *name = format_name (fourcc);

  if (g_str_has_suffix (name, "16"))
    return 2;
  if (g_str_has_suffix (name, "30"))
    return 4;
  if (g_str_has_suffix (name, "4H"))
    return 8;
  if (g_str_equal (name, "RG24") || g_str_equal (name, "BG24"))
    return 3;
  return g_str_has_suffix (name, "24") ? 4 : 0;
}

char *
format_name (uint32_t fourcc)
{
  char text[5] = { (char) (fourcc & 0xff), (char) (fourcc >> 8 & 0xff),
                   (char) (fourcc >> 16 & 0xff), (char) (fourcc >> 24), 0 };

  return g_strdup (g_strchomp (text));
}

static bool
contains (GVariant *fourccs, uint32_t fourcc)
{
  for (gsize i = 0; i < g_variant_n_children (fourccs); i++) {
    uint32_t other = 0;

    g_variant_get_child (fourccs, i, "u", &other);
    if (other == fourcc)
      return true;
  }
  return false;
}

/* AR24 is XR24 with another meaning of one byte. */
static bool
is_another (GVariant *fourccs, uint32_t fourcc)
{
  return (fourcc & 0xff) == 'A' && contains (fourccs, (fourcc & ~0xffu) | 'X');
}

/* RA24 and BA24 have it last. */
static bool
is_another_last (GVariant *fourccs, uint32_t fourcc)
{
  return (fourcc >> 8 & 0xff) == 'A' && contains (fourccs, (fourcc & ~0xff00u) | 'X' << 8);
}

GArray *
format_sources (void)
{
  g_autoptr (GVariant) answer = g_variant_take_ref (qdmabuf_query_backends (NULL));
  g_autoptr (GVariant) fourccs =
      g_variant_lookup_value (answer, "cpu-formats", G_VARIANT_TYPE ("au"));
  GArray *sources = g_array_new (FALSE, FALSE, sizeof (uint32_t));

  for (gsize i = 0; i < g_variant_n_children (fourccs); i++) {
    uint32_t fourcc = 0;

    g_variant_get_child (fourccs, i, "u", &fourcc);
    if (!is_another (fourccs, fourcc) && !is_another_last (fourccs, fourcc))
      g_array_append_val (sources, fourcc);
  }
  return sources;
}
