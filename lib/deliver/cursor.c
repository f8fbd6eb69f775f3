/* SPDX-License-Identifier: MIT */
/* QdmabufCursor: the guest's pointer at one moment; moving it makes a new one that shares the
 * picture. */
#include "deliver/cursor.h"

struct _QdmabufCursor {
  gatomicrefcount refs;
  uint32_t width, height;
  int hot_x, hot_y;
  int x, y;
  bool visible;
  GBytes *pixels; /* never NULL */
};

G_DEFINE_BOXED_TYPE (QdmabufCursor, qdmabuf_cursor, qdmabuf_cursor_ref, qdmabuf_cursor_unref)

QdmabufCursor *
cursor_new (uint32_t width, uint32_t height, int hot_x, int hot_y, GBytes *pixels)
{
  uint64_t need = (uint64_t) width * height;
  uint64_t have = pixels ? g_bytes_get_size (pixels) / 4 : 0;
  QdmabufCursor *cursor = NULL;

  if (have < need)
    return NULL;
  cursor = g_new0 (QdmabufCursor, 1);
  g_atomic_ref_count_init (&cursor->refs);
  cursor->width = width;
  cursor->height = height;
  cursor->hot_x = hot_x;
  cursor->hot_y = hot_y;
  /* Exactly the picture, whatever came behind it. */
  cursor->pixels =
      pixels ? g_bytes_new_from_bytes (pixels, 0, (gsize) need * 4) : g_bytes_new_static ("", 0);
  return cursor;
}

QdmabufCursor *
cursor_moved (QdmabufCursor *old, int x, int y, bool visible)
{
  QdmabufCursor *cursor =
      old ? cursor_new (old->width, old->height, old->hot_x, old->hot_y, old->pixels)
          : cursor_new (0, 0, 0, 0, NULL);

  cursor->x = x;
  cursor->y = y;
  cursor->visible = visible;
  return cursor;
}

/**
 * qdmabuf_cursor_ref:
 * @cursor: a cursor
 *
 * Adds a reference.
 *
 * Returns: (transfer full): @cursor
 *
 * Since: 0.1
 */
QdmabufCursor *
qdmabuf_cursor_ref (QdmabufCursor *cursor)
{
  g_return_val_if_fail (cursor, NULL);

  g_atomic_ref_count_inc (&cursor->refs);
  return cursor;
}

/**
 * qdmabuf_cursor_unref:
 * @cursor: (transfer full): a cursor
 *
 * Gives a reference back.
 *
 * Since: 0.1
 */
void
qdmabuf_cursor_unref (QdmabufCursor *cursor)
{
  g_return_if_fail (cursor);

  if (!g_atomic_ref_count_dec (&cursor->refs))
    return;
  g_bytes_unref (cursor->pixels);
  g_free (cursor);
}

/**
 * qdmabuf_cursor_get_visible:
 * @cursor: a cursor
 *
 * Returns: %TRUE if the guest shows it. %FALSE is usual for guests that draw the pointer into their
 * picture
 *
 * Since: 0.1
 */
gboolean
qdmabuf_cursor_get_visible (QdmabufCursor *cursor)
{
  g_return_val_if_fail (cursor, FALSE);

  return cursor->visible;
}

/**
 * qdmabuf_cursor_get_position:
 * @cursor: a cursor
 * @x: (out) (optional): pixels from the left edge of the screen
 * @y: (out) (optional): pixels from the top edge of the screen
 *
 * Where the top left pixel of the cursor is on the screen, as the guest said; it may lie outside.
 *
 * Since: 0.1
 */
void
qdmabuf_cursor_get_position (QdmabufCursor *cursor, int *x, int *y)
{
  g_return_if_fail (cursor);

  if (x)
    *x = cursor->x;
  if (y)
    *y = cursor->y;
}

/**
 * qdmabuf_cursor_get_hot_spot:
 * @cursor: a cursor
 * @x: (out) (optional): pixels from the left edge of the cursor
 * @y: (out) (optional): pixels from the top edge of the cursor
 *
 * The point of the cursor that points, as the guest said; it may lie outside of the picture.
 *
 * Since: 0.1
 */
void
qdmabuf_cursor_get_hot_spot (QdmabufCursor *cursor, int *x, int *y)
{
  g_return_if_fail (cursor);

  if (x)
    *x = cursor->hot_x;
  if (y)
    *y = cursor->hot_y;
}

/**
 * qdmabuf_cursor_get_width:
 * @cursor: a cursor
 *
 * Returns: width in pixels; 0 if the guest has not defined a picture
 *
 * Since: 0.1
 */
guint
qdmabuf_cursor_get_width (QdmabufCursor *cursor)
{
  g_return_val_if_fail (cursor, 0);

  return cursor->width;
}

/**
 * qdmabuf_cursor_get_height:
 * @cursor: a cursor
 *
 * Returns: height in pixels; 0 if the guest has not defined a picture
 *
 * Since: 0.1
 */
guint
qdmabuf_cursor_get_height (QdmabufCursor *cursor)
{
  g_return_val_if_fail (cursor, 0);

  return cursor->height;
}

/**
 * qdmabuf_cursor_get_data: (skip)
 * @cursor: a cursor
 * @size: (out) (optional): number of bytes
 *
 * The picture: rows without gaps, top row first, four bytes a pixel: B, G, R, A with straight (not
 * premultiplied) alpha. Valid as long as the caller holds @cursor.
 *
 * Returns: (nullable): first byte, or %NULL if the guest has not defined a picture
 *
 * Since: 0.1
 */
const guint8 *
qdmabuf_cursor_get_data (QdmabufCursor *cursor, gsize *size)
{
  gsize length = 0;
  const guint8 *data = NULL;

  g_return_val_if_fail (cursor, NULL);

  data = g_bytes_get_data (cursor->pixels, &length);
  if (size)
    *size = length;
  return length > 0 ? data : NULL;
}

/**
 * qdmabuf_cursor_dup_bytes:
 * @cursor: a cursor
 *
 * The picture as [method@Cursor.get_data] describes it; empty if the guest has not defined one.
 *
 * Returns: (transfer full): the bytes
 *
 * Since: 0.1
 */
GBytes *
qdmabuf_cursor_dup_bytes (QdmabufCursor *cursor)
{
  g_return_val_if_fail (cursor, NULL);

  return g_bytes_ref (cursor->pixels);
}
