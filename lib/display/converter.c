/* SPDX-License-Identifier: MIT */
/* QdmabufConverter: the reader of a console without the console. */
#include <qemu-dmabuf/qdmabuf-converter.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "buffer/buffer.h"
#include "display/reading.h"
#include "flow/reader.h"

/* How long one conversion may wait for a fence or a driver. */
#define CONVERT_US (2 * G_USEC_PER_SEC)

/**
 * QdmabufConverter:
 *
 * Turns a [struct@QemuDmabuf.Buffer] into a linear [struct@QemuDmabuf.Frame], with no D-Bus: for
 * programs that get DMA-BUFs from elsewhere.
 *
 * May be used from any thread; conversions of one converter run one after the other.
 *
 * Since: 0.1
 */
struct _QdmabufConverter {
  GObject parent_instance;

  GMutex lock; /* guards all below, and every conversion */
  struct reading reading;
  struct reader *reader;   /* made at the first conversion */
  QdmabufBuffer *previous; /* what the newest frame shows */
};

G_DEFINE_FINAL_TYPE (QdmabufConverter, qdmabuf_converter, G_TYPE_OBJECT)

static void
ready (void *data, int64_t delay_us)
{
  (void) data;
  (void) delay_us;
}

static bool
open_reader (QdmabufConverter *self, GError **error)
{
  struct reader_config config = reading_config (&self->reading);

  config.ready = ready;
  if (!self->reader)
    self->reader = reader_new (&config, error);
  return self->reader != NULL;
}

static bool
is_next_of (QdmabufConverter *self, QdmabufBuffer *buffer)
{
  return self->previous &&
         (self->previous == buffer || buffer_same_memory (self->previous, buffer));
}

static QdmabufFrame *
take (QdmabufConverter *self, GError **error)
{
  QdmabufFrame *frame = mailbox_take (reader_mailbox (self->reader));

  if (!frame)
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT,
                 "all %u frames that the application may hold (max-frames) are held",
                 self->reading.max_frames);
  return frame;
}

static QdmabufFrame *
convert_locked (QdmabufConverter *self, QdmabufBuffer *buffer, const struct damage *damage,
                GError **error)
{
  struct damage whole =
      damage_whole ((uint32_t) buffer->layout.crop.width, (uint32_t) buffer->layout.crop.height);
  int64_t now = g_get_monotonic_time ();

  if (!open_reader (self, error) || !buffer_freeze (buffer, error))
    return NULL;
  if (!is_next_of (self, buffer))
    damage = &whole;
  QdmabufFrame *frame = reader_read (self->reader, buffer, damage, now, now + CONVERT_US, error);
  if (!frame)
    return NULL;
  reader_publish (self->reader, frame);
  g_clear_pointer (&self->previous, qdmabuf_buffer_unref);
  self->previous = qdmabuf_buffer_ref (buffer);
  return take (self, error);
}

static QdmabufFrame *
convert (QdmabufConverter *self, QdmabufBuffer *buffer, const struct damage *damage, GError **error)
{
  g_mutex_lock (&self->lock);
  QdmabufFrame *frame = convert_locked (self, buffer, damage, error);
  g_mutex_unlock (&self->lock);
  return frame;
}

/**
 * qdmabuf_converter_new:
 *
 * Returns: (transfer full): a converter that makes XR24 frames by the best back end there is; see
 * its properties
 *
 * Since: 0.1
 */
QdmabufConverter *
qdmabuf_converter_new (void)
{
  return g_object_new (QDMABUF_TYPE_CONVERTER, NULL);
}

/**
 * qdmabuf_converter_convert:
 * @self: a converter
 * @buffer: what to read; frozen from now on
 * @error: return location for an error
 *
 * Reads the whole of @buffer. Blocks until the source is no longer needed: at most 2 s, where a
 * fence or a driver is late. May be called from any thread.
 *
 * Errors: [error@QemuDmabuf.Error] `BAD_LAYOUT`, `BAD_MEMORY`, `UNSUPPORTED_FORMAT`,
 * `UNSUPPORTED_MODIFIER`, `NO_BACKEND`, `DEVICE_LOST`, `TIMED_OUT`, or `LIMIT` when the caller
 * holds `max-frames` frames.
 *
 * Returns: (transfer full): the picture, the right way up
 *
 * Since: 0.1
 */
QdmabufFrame *
qdmabuf_converter_convert (QdmabufConverter *self, QdmabufBuffer *buffer, GError **error)
{
  g_return_val_if_fail (QDMABUF_IS_CONVERTER (self), NULL);
  g_return_val_if_fail (buffer != NULL, NULL);

  struct damage whole =
      damage_whole ((uint32_t) buffer->layout.crop.width, (uint32_t) buffer->layout.crop.height);

  return convert (self, buffer, &whole, error);
}

/**
 * qdmabuf_converter_convert_damage:
 * @self: a converter
 * @buffer: what to read; frozen from now on
 * @x: left edge of what changed, in pixels of the picture the right way up
 * @y: top edge of what changed, in pixels
 * @width: width of what changed, in pixels
 * @height: height of what changed, in pixels
 * @error: return location for an error
 *
 * Like [method@QemuDmabuf.Converter.convert], for a buffer that changed in one rectangle since it
 * was last converted by this converter: only that is read, the rest comes from the frame before. A
 * buffer that was not the last one is read whole. The rectangle is cut to the picture.
 *
 * Errors as of [method@QemuDmabuf.Converter.convert].
 *
 * Returns: (transfer full): the whole picture, the right way up
 *
 * Since: 0.1
 */
QdmabufFrame *
qdmabuf_converter_convert_damage (QdmabufConverter *self, QdmabufBuffer *buffer, int x, int y,
                                  int width, int height, GError **error)
{
  g_return_val_if_fail (QDMABUF_IS_CONVERTER (self), NULL);
  g_return_val_if_fail (buffer != NULL, NULL);

  struct damage damage = DAMAGE_NONE;

  damage_add (&damage, (struct rect){ x, y, width, height });
  return convert (self, buffer, &damage, error);
}

/**
 * qdmabuf_converter_explain:
 * @self: a converter
 * @buffer: a buffer; frozen from now on
 *
 * What each back end says of @buffer: which would read it, and why the others would not. For
 * people. May be called from any thread.
 *
 * Returns: (transfer full): one line for each back end, best first
 *
 * Since: 0.1
 */
char *
qdmabuf_converter_explain (QdmabufConverter *self, QdmabufBuffer *buffer)
{
  g_return_val_if_fail (QDMABUF_IS_CONVERTER (self), NULL);
  g_return_val_if_fail (buffer != NULL, NULL);

  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_mutex_lock (&self->lock);
  if (open_reader (self, &error) && buffer_freeze (buffer, &error))
    text = reader_explain (self->reader, buffer);
  g_mutex_unlock (&self->lock);
  return text ? text : g_strdup (error->message);
}

static void
qdmabuf_converter_finalize (GObject *object)
{
  QdmabufConverter *self = QDMABUF_CONVERTER (object);

  g_clear_pointer (&self->reader, reader_free);
  g_clear_pointer (&self->previous, qdmabuf_buffer_unref);
  reading_clear (&self->reading);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (qdmabuf_converter_parent_class)->finalize (object);
}

static void
qdmabuf_converter_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  QdmabufConverter *self = QDMABUF_CONVERTER (object);

  if (!reading_get (&self->reading, id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
qdmabuf_converter_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  QdmabufConverter *self = QDMABUF_CONVERTER (object);

  if (!reading_set (&self->reading, id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
qdmabuf_converter_class_init (QdmabufConverterClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamSpec *props[READING_N_PROPS] = { NULL };

  object_class->finalize = qdmabuf_converter_finalize;
  object_class->get_property = qdmabuf_converter_get_property;
  object_class->set_property = qdmabuf_converter_set_property;
  reading_describe (props, G_PARAM_CONSTRUCT_ONLY);
  g_object_class_install_properties (object_class, READING_N_PROPS, props);
}

static void
qdmabuf_converter_init (QdmabufConverter *self)
{
  g_mutex_init (&self->lock);
  reading_init (&self->reading);
}
