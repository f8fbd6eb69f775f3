/* SPDX-License-Identifier: MIT */
/* One read: where the pixels go, what is read from QEMU and what is copied from the frame before.
 */
#include <qemu-dmabuf/qdmabuf-error.h>

#include "buffer/fourcc.h"
#include "buffer/planes.h"
#include "convert/convert.h"
#include "flow/reader-private.h"

/* Buffers of the pool's own: one to write, and the newest, which no consumer may have taken yet. */
#define POOL_OWN 2

struct reader *
reader_new (const struct reader_config *config, GError **error)
{
  if (!convert_output_supported (config->format)) {
    g_autofree char *name = fourcc_name (config->format);

    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
                 "frames cannot be made as %s: %s are the formats there are", name,
                 output_format_names ());
    return NULL;
  }

  struct devices *devices = devices_new (config->backend, config->render_node, error);
  if (!devices)
    return NULL;

  struct reader *self = g_new0 (struct reader, 1);
  self->devices = devices;
  self->format = config->format;
  self->color = config->color;
  self->pool = pool_new (config->max_frames + POOL_OWN);
  self->mailbox =
      mailbox_new (self->pool, config->max_frames, config->max_rate, config->ready, config->data);
  if (config->pipelined && config->wake)
    self->waker = waker_new (config->wake, config->data);
  return self;
}

void
reader_free (struct reader *self)
{
  reader_cancel (self);
  for (unsigned i = 0; i < READER_MAX_BEGUN; i++)
    g_clear_pointer (&self->readings[i].watch, watch_unref);
  if (self->waker) {
    waker_cut (self->waker);
    waker_unref (self->waker);
  }
  mailbox_free (self->mailbox);
  pool_unref (self->pool);
  devices_free (self->devices);
  g_free (self);
}

struct mailbox *
reader_mailbox (struct reader *self)
{
  return self->mailbox;
}

void
reader_owe (struct reader *self, const QdmabufBuffer *buffer, const struct damage *damage)
{
  uint32_t width = (uint32_t) buffer->layout.crop.width;
  uint32_t height = (uint32_t) buffer->layout.crop.height;

  if (self->width != width || self->height != height)
    self->owed = damage_whole (width, height);
  else
    damage_add_all (&self->owed, damage);
  damage_clip (&self->owed, width, height);
  output_format_widen (self->format, &self->owed, width, height);
  self->width = width;
  self->height = height;
}

static bool
has_shape (const struct pool_buffer *buffer, uint32_t width, uint32_t height)
{
  return buffer->picture.width == width && buffer->picture.height == height;
}

/* While the consumer holds all it may, the newest frame that it has not seen is brought up to date
 * where it lies. */
static struct pool_buffer *
unpublished (struct reader *self, uint32_t width, uint32_t height, struct damage *pending)
{
  struct damage seen_by_nobody = mailbox_pending_damage (self->mailbox);
  QdmabufFrame *frame = mailbox_steal_unpublished (self->mailbox);

  if (!frame)
    return NULL;
  *pending = seen_by_nobody;
  struct pool_buffer *buffer = frame_steal_buffer (frame);
  if (has_shape (buffer, width, height))
    return buffer;
  pool_put (self->pool, buffer);
  return NULL;
}

struct pool_buffer *
reader_newest (struct reader *self, uint32_t width, uint32_t height)
{
  QdmabufFrame *frame = mailbox_newest (self->mailbox);
  struct pool_buffer *buffer = frame ? frame_buffer (frame) : NULL;

  return buffer && has_shape (buffer, width, height) ? buffer : NULL;
}

static struct pool_buffer *
spare (struct reader *self, uint32_t width, uint32_t height, struct target *target, GError **error)
{
  struct pool_buffer *buffer = pool_get (self->pool, self->format, width, height, error);

  if (!buffer)
    return NULL;
  if (!pool_catch_up (self->pool, buffer, reader_newest (self, width, height), &target->damage))
    target->damage = damage_whole (width, height);
  target->pending = mailbox_pending_damage (self->mailbox);
  return buffer;
}

bool
reader_aim (struct reader *self, uint32_t width, uint32_t height, const struct damage *damage,
            struct target *target, GError **error)
{
  *target = (struct target){ .damage = *damage };
  target->buffer = unpublished (self, width, height, &target->pending);
  if (!target->buffer)
    target->buffer = spare (self, width, height, target, error);
  return target->buffer != NULL;
}

/* After a driver was left behind, it may still write: that buffer is never used again. */
void
reader_give_up (struct reader *self, struct target *target, const GError *error)
{
  pool_spoil (self->pool, target->buffer);
  if (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST))
    pool_abandon (self->pool, target->buffer);
  else
    pool_put (self->pool, target->buffer);
}

QdmabufFrame *
reader_commit (struct reader *self, struct target *target, int64_t time, const char *backend)
{
  const struct picture *picture = &target->buffer->picture;

  pool_committed (self->pool, target->buffer, &target->damage);
  damage_add_all (&target->damage, &target->pending);
  damage_clip (&target->damage, picture->width, picture->height);
  return frame_new (self->pool, target->buffer, &target->damage, ++self->serial, time, backend);
}

static QdmabufFrame *
read_once (struct reader *self, QdmabufBuffer *buffer, int64_t time, int64_t deadline,
           GError **error)
{
  struct target target;
  const char *backend = NULL;
  GError *failure = NULL;

  if (!reader_aim (self, self->width, self->height, &self->owed, &target, error))
    return NULL;
  struct picture picture = target.buffer->picture;
  picture.color = self->color;
  if (!devices_read (self->devices, buffer, &target.damage, &picture, deadline, &backend,
                     &failure)) {
    reader_give_up (self, &target, failure);
    g_propagate_error (error, failure);
    return NULL;
  }
  self->owed = DAMAGE_NONE;
  return reader_commit (self, &target, time, backend);
}

QdmabufFrame *
reader_read_owed (struct reader *self, QdmabufBuffer *buffer, int64_t time, int64_t deadline,
                  GError **error)
{
  GError *failure = NULL;
  QdmabufFrame *frame = read_once (self, buffer, time, deadline, &failure);

  /* The next back end may still make it, into another buffer. */
  if (!frame && g_error_matches (failure, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST) &&
      g_get_monotonic_time () < deadline) {
    g_clear_error (&failure);
    frame = read_once (self, buffer, time, deadline, &failure);
  }
  if (failure)
    g_propagate_error (error, failure);
  return frame;
}

QdmabufFrame *
reader_read (struct reader *self, QdmabufBuffer *buffer, const struct damage *damage, int64_t time,
             int64_t deadline, GError **error)
{
  reader_owe (self, buffer, damage);
  return reader_read_owed (self, buffer, time, deadline, error);
}

QdmabufFrame *
reader_lend (struct reader *self, QdmabufBuffer *buffer, const struct damage *damage, int64_t time,
             struct lender *lender, GPtrArray *replies, int64_t arrival)
{
  struct damage changed = mailbox_pending_damage (self->mailbox);

  damage_add_all (&changed, damage);
  return frame_new_lent (self->pool, buffer, &changed, ++self->serial, time, lender, replies,
                         arrival);
}

int64_t
reader_publish (struct reader *self, QdmabufFrame *frame)
{
  return mailbox_put (self->mailbox, frame);
}

/* The last picture has nothing to do with the next one. */
static void
forget (struct reader *self)
{
  self->width = 0;
  self->height = 0;
}

void
reader_discard (struct reader *self, QdmabufFrame *frame)
{
  struct pool_buffer *buffer = frame_steal_buffer (frame);

  pool_spoil (self->pool, buffer);
  pool_put (self->pool, buffer);
  forget (self);
}

char *
reader_explain (struct reader *self, QdmabufBuffer *buffer)
{
  return devices_explain (self->devices, buffer);
}

GVariant *
reader_verify_stats (struct reader *self)
{
  return devices_verify_stats (self->devices);
}
