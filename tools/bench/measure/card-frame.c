/* SPDX-License-Identifier: MIT */
/* Only rows in which a counter can be are made XR24 again: reading must not cost what is measured.
 */
#include "measure/card-frame.h"

#include <drm_fourcc.h>
#include <libyuv.h>

struct rows {
  int y, height; /* both even, so that chroma comes along */
};

struct view {
  const guint8 *plane[3];
  int stride[3];
};

static struct view
view_of (QdmabufFrame *frame)
{
  struct view view = { { NULL, NULL, NULL }, { 0, 0, 0 } };

  for (guint i = 0; i < MIN (qdmabuf_frame_get_n_planes (frame), 3); i++) {
    view.plane[i] = qdmabuf_frame_get_data (frame, i, NULL);
    view.stride[i] = (int) qdmabuf_frame_get_stride (frame, i);
  }
  return view;
}

static const guint8 *
row (const struct view *view, unsigned plane, int y)
{
  return view->plane[plane] + (gsize) y * (gsize) view->stride[plane];
}

static void
make_rows (struct card_frame *card, QdmabufFrame *frame, struct rows rows)
{
  struct view view = view_of (frame);
  int width = (int) qdmabuf_frame_get_width (frame);
  guint8 *to = card->shadow + (gsize) rows.y * (gsize) width * 4;

  switch (qdmabuf_frame_get_format (frame)) {
  case DRM_FORMAT_BGR888:
    RAWToARGB (row (&view, 0, rows.y), view.stride[0], to, width * 4, width, rows.height);
    break;
  case DRM_FORMAT_NV12:
    NV12ToARGB (row (&view, 0, rows.y), view.stride[0], row (&view, 1, rows.y / 2), view.stride[1],
                to, width * 4, width, rows.height);
    break;
  case DRM_FORMAT_YUV420:
    I420ToARGB (row (&view, 0, rows.y), view.stride[0], row (&view, 1, rows.y / 2), view.stride[1],
                row (&view, 2, rows.y / 2), view.stride[2], to, width * 4, width, rows.height);
    break;
  default:
    break;
  }
}

static struct rows
clip (int from, int until, int height)
{
  from = CLAMP (from, 0, height) & ~1;
  until = CLAMP (until, from, height);
  return (struct rows){ from, MIN ((until - from + 1) & ~1, height - from) };
}

/* The rows that the box left or entered. */
static struct rows
damaged_rows (QdmabufFrame *frame, int height)
{
  int from = height;
  int until = 0;

  for (guint i = 0; i < qdmabuf_frame_get_n_damage (frame); i++) {
    int x, y, w, h;

    qdmabuf_frame_get_damage (frame, i, &x, &y, &w, &h);
    from = MIN (from, y);
    until = MAX (until, y + h);
  }
  return clip (from, until, height);
}

/* True: the shadow is as large as the frame already. */
static bool
fit (struct card_frame *card, QdmabufFrame *frame)
{
  gsize size =
      (gsize) qdmabuf_frame_get_width (frame) * 4 * (gsize) qdmabuf_frame_get_height (frame);
  bool fits = card->shadow_size == size;

  if (!fits) {
    g_free (card->shadow);
    card->shadow = g_malloc0 (size);
    card->shadow_size = size;
  }
  return fits;
}

static void
update_shadow (struct card_frame *card, QdmabufFrame *frame)
{
  int height = (int) qdmabuf_frame_get_height (frame);
  int strip = height / 8 + 18; /* more than the testcard's edge strips have */

  if (!fit (card, frame)) {
    make_rows (card, frame, clip (0, height, height));
  } else if (card->damage == CARD_DAMAGE_BOX) {
    make_rows (card, frame, damaged_rows (frame, height));
  } else {
    make_rows (card, frame, clip (0, strip, height));
    make_rows (card, frame, clip (height - strip, height, height));
  }
}

struct sighting
card_frame_read (struct card_frame *card, QdmabufFrame *frame)
{
  gint32 width = (gint32) qdmabuf_frame_get_width (frame);
  gint32 height = (gint32) qdmabuf_frame_get_height (frame);
  const guint8 *pixels = qdmabuf_frame_get_data (frame, 0, NULL);
  gsize stride = qdmabuf_frame_get_stride (frame, 0);
  struct sighting seen = { .top = false };

  if (qdmabuf_frame_get_format (frame) != DRM_FORMAT_XRGB8888) {
    update_shadow (card, frame);
    pixels = card->shadow;
    stride = (gsize) width * 4;
  }
  unsigned read = card_read_counter_near (pixels, stride, width, height, card->damage, card->guess,
                                          &seen.top_counter, &seen.bottom_counter);
  seen.top = read & CARD_READ_TOP;
  seen.bottom = read & CARD_READ_BOTTOM;
  if (seen.top)
    card->guess = seen.top_counter + 1;
  return seen;
}

void
card_frame_clear (struct card_frame *card)
{
  g_clear_pointer (&card->shadow, g_free);
  card->shadow_size = 0;
}
