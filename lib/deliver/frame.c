/* SPDX-License-Identifier: MIT */
/* QdmabufFrame: one pool buffer with what is known of its picture, immutable from the moment others
 * see it. */
#include "deliver/frame.h"

#include "buffer/layout.h"
#include "buffer/planes.h"
#include "deliver/frame-private.h"

GType
qdmabuf_color_get_type (void)
{
  static GType type;
  static const GEnumValue values[] = {
    { QDMABUF_COLOR_BT601_LIMITED, "QDMABUF_COLOR_BT601_LIMITED", "bt601-limited" },
    { QDMABUF_COLOR_BT601_FULL, "QDMABUF_COLOR_BT601_FULL", "bt601-full" },
    { QDMABUF_COLOR_BT709_LIMITED, "QDMABUF_COLOR_BT709_LIMITED", "bt709-limited" },
    { QDMABUF_COLOR_BT709_FULL, "QDMABUF_COLOR_BT709_FULL", "bt709-full" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("QdmabufColor", values));
  return type;
}

G_DEFINE_BOXED_TYPE (QdmabufFrame, qdmabuf_frame, qdmabuf_frame_ref, qdmabuf_frame_unref)

static struct rect
plane_samples (uint32_t fourcc, unsigned plane, uint32_t width, uint32_t height)
{
  struct rect whole = { 0, 0, (int32_t) width, (int32_t) height };

  return plane_rect (&output_format_find (fourcc)->planes[plane], whole);
}

/* GStreamer and what follows it lay planes out like this when nobody says otherwise: luma has an
 * even number of rows where chroma is made of pairs. */
static bool
has_subsampling (const struct output_format *format)
{
  return format->n_planes > 1 && format->planes[1].y_shift > 0;
}

bool
frame_shape (uint32_t fourcc, uint32_t width, uint32_t height, unsigned *n_planes,
             size_t stride[PICTURE_MAX_PLANES], size_t offset[PICTURE_MAX_PLANES], size_t *size)
{
  const struct output_format *format = output_format_find (fourcc);

  if (!format || width == 0 || height == 0 || width > LAYOUT_MAX_SIZE || height > LAYOUT_MAX_SIZE)
    return false;
  *n_planes = format->n_planes;
  *size = 0;
  for (unsigned i = 0; i < PICTURE_MAX_PLANES; i++)
    stride[i] = offset[i] = 0;
  for (unsigned i = 0; i < format->n_planes; i++) {
    struct rect samples = plane_samples (fourcc, i, width, height);

    stride[i] = ((size_t) samples.width * format->planes[i].cpp + 3) & ~(size_t) 3;
    offset[i] = *size;
    *size += stride[i] * (size_t) samples.height; /* at most 1 GiB in all */
    if (i == 0 && has_subsampling (format))
      *size += stride[0] * (height % 2);
  }
  return true;
}

QdmabufFrame *
frame_new (struct pool *pool, struct pool_buffer *buffer, const struct damage *damage,
           uint64_t serial, int64_t time, const char *backend)
{
  QdmabufFrame *frame = g_new0 (QdmabufFrame, 1);

  frame->refs = 1;
  frame->pool = pool_ref (pool);
  frame->buffer = buffer;
  frame->damage = *damage;
  damage_clip (&frame->damage, buffer->picture.width, buffer->picture.height);
  frame->serial = serial;
  frame->time = time;
  frame->backend = backend;
  return frame;
}

struct pool_buffer *
frame_buffer (QdmabufFrame *frame)
{
  return frame->buffer;
}

const struct damage *
frame_damage (QdmabufFrame *frame)
{
  return &frame->damage;
}

void
frame_damage_all (QdmabufFrame *frame)
{
  frame->damage = damage_whole (frame->buffer->picture.width, frame->buffer->picture.height);
}

bool
frame_is_shared (QdmabufFrame *frame)
{
  return g_atomic_int_get (&frame->refs) != 1;
}

struct pool_buffer *
frame_steal_buffer (QdmabufFrame *frame)
{
  struct pool_buffer *buffer = frame->buffer;

  pool_unref (frame->pool);
  g_free (frame);
  return buffer;
}

/**
 * qdmabuf_frame_ref:
 * @frame: a frame
 *
 * Adds a reference. Any thread.
 *
 * Returns: (transfer full): @frame
 *
 * Since: 0.1
 */
QdmabufFrame *
qdmabuf_frame_ref (QdmabufFrame *frame)
{
  g_return_val_if_fail (frame, NULL);

  g_atomic_int_add (&frame->refs, 1);
  return frame;
}

static void
frame_free (QdmabufFrame *frame)
{
  struct pool *pool = frame->pool;

  if (frame->lent)
    lent_clear (frame->lent);
  pool_put (pool, frame->buffer);
  g_free (frame);
  pool_unref (pool);
}

QdmabufFrame *
frame_keep (QdmabufFrame *frame)
{
  g_atomic_int_or (&frame->refs, FRAME_KEPT);
  return frame;
}

void
frame_let_go (QdmabufFrame *frame)
{
  if (g_atomic_int_and (&frame->refs, ~FRAME_KEPT) == FRAME_KEPT)
    frame_free (frame);
}

/**
 * qdmabuf_frame_unref:
 * @frame: (transfer full): a frame
 *
 * Gives a reference back. With the last one the memory goes back to the pool that it came from, and
 * is soon used for another picture; a frame that lends a buffer is released
 * ([method@Frame.release]). Any thread.
 *
 * Since: 0.1
 */
void
qdmabuf_frame_unref (QdmabufFrame *frame)
{
  guint refs = 0;

  g_return_if_fail (frame);

  /* A frame that is only kept may be gone at any time, so its loan ends before the reference does.
   */
  do {
    refs = (guint) g_atomic_int_get (&frame->refs);
    if (refs == (FRAME_KEPT | 1) && frame->lent)
      loan_end (&frame->lent->loan);
  } while (!g_atomic_int_compare_and_exchange (&frame->refs, (int) refs, (int) (refs - 1)));
  if (refs == 1)
    frame_free (frame);
}

/**
 * qdmabuf_frame_get_width:
 * @frame: a frame
 *
 * Returns: width in pixels; of what is to be shown, also where a lent buffer is larger
 *
 * Since: 0.1
 */
guint
qdmabuf_frame_get_width (QdmabufFrame *frame)
{
  g_return_val_if_fail (frame, 0);

  return frame->buffer->picture.width;
}

/**
 * qdmabuf_frame_get_height:
 * @frame: a frame
 *
 * Returns: height in pixels; of what is to be shown, also where a lent buffer is larger
 *
 * Since: 0.1
 */
guint
qdmabuf_frame_get_height (QdmabufFrame *frame)
{
  g_return_val_if_fail (frame, 0);

  return frame->buffer->picture.height;
}

/**
 * qdmabuf_frame_get_format:
 * @frame: a frame
 *
 * In memory a pixel of XR24 is B, G, R, X, one of XB24 is R, G, B, X, one of BG24 is R, G, B, and
 * one of RG24 is B, G, R. The byte X is undefined.
 *
 * NV12 has a plane of Y and one of pairs U, V; YU12 (which others call I420) and YU24 have planes
 * of Y, U and V, made as the console's or converter's `color` says. A sample of U and V belongs to
 * 2 × 2 pixels in NV12 and YU12, and to one in YU24.
 *
 * A frame that lends a buffer ([method@Frame.get_buffer]) has the buffer's format.
 *
 * Returns: pixel format, a DRM fourcc
 *
 * Since: 0.1
 */
guint32
qdmabuf_frame_get_format (QdmabufFrame *frame)
{
  g_return_val_if_fail (frame, 0);

  return frame->buffer->picture.fourcc;
}

/**
 * qdmabuf_frame_get_n_planes:
 * @frame: a frame
 *
 * Returns: number of planes: 1 for packed RGB, 2 for NV12, 3 for YU12 and YU24; 0 for a frame that
 *   lends a buffer ([method@Frame.get_buffer]), whose planes are the buffer's
 *
 * Since: 0.1
 */
guint
qdmabuf_frame_get_n_planes (QdmabufFrame *frame)
{
  g_return_val_if_fail (frame, 0);

  return frame->buffer->picture.n_planes;
}

/**
 * qdmabuf_frame_get_stride:
 * @frame: a frame
 * @plane: number of a plane, from 0
 *
 * Rows of each plane begin at multiples of 4 bytes, with no more space between them than that
 * takes: those of 4-byte formats follow each other without a gap. Chroma planes of NV12 and YU12
 * have half the picture's columns and rows, rounded up.
 *
 * Returns: bytes from one row to the next; 0 if there is no such plane
 *
 * Since: 0.1
 */
gsize
qdmabuf_frame_get_stride (QdmabufFrame *frame, guint plane)
{
  g_return_val_if_fail (frame, 0);

  return plane < frame->buffer->picture.n_planes ? frame->buffer->picture.stride[plane] : 0;
}

/**
 * qdmabuf_frame_get_offset:
 * @frame: a frame
 * @plane: number of a plane, from 0
 *
 * Planes follow each other in one piece of memory, after an even number of rows of Y in NV12 and
 * YU12: strides and offsets are those of GStreamer's default layout.
 *
 * Returns: bytes from the start of [method@Frame.get_fd] to the plane; 0 if there is no such plane
 *
 * Since: 0.1
 */
gsize
qdmabuf_frame_get_offset (QdmabufFrame *frame, guint plane)
{
  g_return_val_if_fail (frame, 0);

  return plane < frame->buffer->picture.n_planes ? frame->buffer->offset[plane] : 0;
}

/* Bytes of a plane, its last row with all of its stride. */
static gsize
plane_size (QdmabufFrame *frame, guint plane)
{
  const struct picture *picture = &frame->buffer->picture;
  struct rect samples = plane_samples (picture->fourcc, plane, picture->width, picture->height);

  return picture->stride[plane] * (gsize) samples.height;
}

/**
 * qdmabuf_frame_get_data: (skip)
 * @frame: a frame
 * @plane: number of a plane, from 0
 * @size: (out) (optional): bytes of the plane
 *
 * The pixels, top row first, valid as long as the caller holds @frame. Read only.
 *
 * Returns: (nullable): first byte of the plane, or %NULL if there is no such plane, as in a frame
 *   that lends a buffer
 *
 * Since: 0.1
 */
const guint8 *
qdmabuf_frame_get_data (QdmabufFrame *frame, guint plane, gsize *size)
{
  bool there = false;

  g_return_val_if_fail (frame, NULL);

  there = plane < frame->buffer->picture.n_planes;
  if (size)
    *size = there ? plane_size (frame, plane) : 0;
  return there ? frame->buffer->picture.data[plane] : NULL;
}

/**
 * qdmabuf_frame_dup_bytes:
 * @frame: a frame
 * @plane: number of a plane, from 0
 *
 * The pixels, top row first, without a copy: the bytes hold a reference on @frame.
 *
 * Returns: (transfer full) (nullable): the plane, or %NULL if there is no such plane, as in a frame
 *   that lends a buffer
 *
 * Since: 0.1
 */
GBytes *
qdmabuf_frame_dup_bytes (QdmabufFrame *frame, guint plane)
{
  g_return_val_if_fail (frame, NULL);

  if (plane >= frame->buffer->picture.n_planes)
    return NULL;
  return g_bytes_new_with_free_func (frame->buffer->picture.data[plane], plane_size (frame, plane),
                                     (GDestroyNotify) qdmabuf_frame_unref,
                                     qdmabuf_frame_ref (frame));
}

/**
 * qdmabuf_frame_get_fd:
 * @frame: a frame
 *
 * A memfd with all planes, to map or to hand to another process. It is lent: valid as long as
 * @frame lives, and not to be closed. It is sealed: nobody can change its size, nor write through
 * it (Linux 5.1 and later). The picture in it stays as it is only as long as somebody holds @frame,
 * so hold it while other processes read.
 *
 * Returns: file descriptor; -1 for a frame that lends a buffer
 *
 * Since: 0.1
 */
int
qdmabuf_frame_get_fd (QdmabufFrame *frame)
{
  g_return_val_if_fail (frame, -1);

  return frame->buffer->fd;
}

/**
 * qdmabuf_frame_get_serial:
 * @frame: a frame
 *
 * Returns: number of the frame, counted from 1 by what made it (a console, a converter); numbers
 * that a consumer does not see are frames that newer ones replaced
 *
 * Since: 0.1
 */
guint64
qdmabuf_frame_get_serial (QdmabufFrame *frame)
{
  g_return_val_if_fail (frame, 0);

  return frame->serial;
}

/**
 * qdmabuf_frame_get_time:
 * @frame: a frame
 *
 * Returns: when the call that made this frame arrived, in µs of CLOCK_MONOTONIC, the clock of
 * g_get_monotonic_time()
 *
 * Since: 0.1
 */
gint64
qdmabuf_frame_get_time (QdmabufFrame *frame)
{
  g_return_val_if_fail (frame, 0);

  return frame->time;
}

/**
 * qdmabuf_frame_get_backend:
 * @frame: a frame
 *
 * Returns: name of the back end that read the pixels, as "linear" or "egl"; "lent" for a frame that
 *   lends a buffer
 *
 * Since: 0.1
 */
const char *
qdmabuf_frame_get_backend (QdmabufFrame *frame)
{
  g_return_val_if_fail (frame, NULL);

  return frame->backend;
}

/**
 * qdmabuf_frame_get_n_damage:
 * @frame: a frame
 *
 * Returns: number of rectangles that hold all pixels that differ from the last frame that the same
 * consumer got; 0 means that nothing changed
 *
 * Since: 0.1
 */
guint
qdmabuf_frame_get_n_damage (QdmabufFrame *frame)
{
  g_return_val_if_fail (frame, 0);

  return frame->damage.n;
}

/**
 * qdmabuf_frame_get_damage:
 * @frame: a frame
 * @index: number of a rectangle, less than [method@Frame.get_n_damage]
 * @x: (out) (optional): left edge in pixels
 * @y: (out) (optional): top edge in pixels
 * @width: (out) (optional): width in pixels
 * @height: (out) (optional): height in pixels
 *
 * One rectangle of what changed; it lies inside the picture. Rectangles may overlap. The first
 * frame, and a frame of another size or format than the one before, is damaged as a whole. Out of
 * range all four are 0.
 *
 * Since: 0.1
 */
void
qdmabuf_frame_get_damage (QdmabufFrame *frame, guint index, int *x, int *y, int *width, int *height)
{
  struct rect r = { 0, 0, 0, 0 };

  g_return_if_fail (frame);

  if (index < frame->damage.n)
    r = frame->damage.rects[index];
  if (x)
    *x = r.x;
  if (y)
    *y = r.y;
  if (width)
    *width = r.width;
  if (height)
    *height = r.height;
}
