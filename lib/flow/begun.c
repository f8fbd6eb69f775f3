/* SPDX-License-Identifier: MIT */
/* Reads in two steps. At the first nobody knows what the frame before will be, so only the second
 * chooses where the picture goes; and a frame that is lost takes those with it that build upon it.
 */
#include <qemu-dmabuf/qdmabuf-error.h>

#include "buffer/planes.h"
#include "flow/reader-private.h"

/* i: 0: begun first. */
static struct begun_read *
reading_at (struct reader *self, unsigned i)
{
  return &self->readings[(self->first + i) % READER_MAX_BEGUN];
}

/* Will there be a frame that this picture can be caught up from, if all goes well? */
static bool
has_predecessor (struct reader *self)
{
  if (self->n_begun == 0)
    return reader_newest (self, self->width, self->height) != NULL;
  const struct begun_read *last = reading_at (self, self->n_begun - 1);
  return last->width == self->width && last->height == self->height;
}

/* A picture of another size is owed as a whole already. */
static void
owe_again (struct reader *self, const struct begun_read *reading)
{
  if (reading->width != self->width || reading->height != self->height)
    return;
  damage_add_all (&self->owed, &reading->damage);
  damage_clip (&self->owed, self->width, self->height);
  output_format_widen (self->format, &self->owed, self->width, self->height);
}

static struct begun_read *
pop_reading (struct reader *self)
{
  struct begun_read *reading = reading_at (self, 0);

  self->first = (self->first + 1) % READER_MAX_BEGUN;
  self->n_begun--;
  return reading;
}

void
reader_cancel (struct reader *self)
{
  while (self->n_begun > 0) {
    struct begun_read *reading = pop_reading (self);
    const char *backend = NULL;

    owe_again (self, reading);
    g_clear_pointer (&reading->frame, qdmabuf_frame_unref);
    if (reading->pending.ticket)
      devices_finish (self->devices, &reading->pending, NULL, 0, &backend, NULL);
  }
}

static struct picture
shape_of (const struct reader *self)
{
  return (struct picture){ .fourcc = self->format,
                           .color = self->color,
                           .width = self->width,
                           .height = self->height,
                           .n_planes = output_format_find (self->format)->n_planes };
}

/* One that nobody waits by any more. Lent; NULL: reads are not pipelined. */
static struct watch *
free_watch (struct reader *self, struct begun_read *reading)
{
  if (!self->waker)
    return NULL;
  if (reading->watch && !watch_is_done (reading->watch))
    g_clear_pointer (&reading->watch, watch_unref);
  if (!reading->watch)
    reading->watch = watch_new (self->waker);
  return reading->watch;
}

/* Where a back end does it in one step the frame is there before those that were begun, so it takes
 * in what they are about. If it fails they still come. */
static bool
read_at_once (struct reader *self, QdmabufBuffer *buffer, int64_t time, const struct stamps *stamps,
              int64_t deadline, GError **error)
{
  for (unsigned i = 0; i < self->n_begun; i++)
    owe_again (self, reading_at (self, i));
  QdmabufFrame *frame = reader_read_owed (self, buffer, time, deadline, error);
  if (!frame)
    return false;
  struct stamps oldest = self->n_begun > 0 ? reading_at (self, 0)->stamps : *stamps;
  reader_cancel (self);
  self->owed = DAMAGE_NONE;

  struct begun_read *reading = reading_at (self, 0);
  reading->frame = frame;
  /* What the consumer has not seen of the frame before is in this one too. */
  reading->damage = damage_whole (self->width, self->height);
  reading->width = self->width;
  reading->height = self->height;
  reading->time = time;
  reading->deadline = deadline;
  reading->stamps = oldest;
  stamps_take_read (&reading->stamps, devices_stamps (self->devices));
  self->n_begun = 1;
  return true;
}

bool
reader_begin (struct reader *self, QdmabufBuffer *buffer, const struct damage *damage, int64_t time,
              const struct stamps *stamps, int64_t deadline, GError **error)
{
  struct begun_read *reading = reading_at (self, self->n_begun);

  g_return_val_if_fail (self->n_begun < READER_MAX_BEGUN, false);

  reader_owe (self, buffer, damage);
  struct picture shape = shape_of (self);
  reading->damage = has_predecessor (self) ? self->owed : damage_whole (self->width, self->height);
  if (!devices_begin (self->devices, buffer, &reading->damage, &shape, deadline,
                      free_watch (self, reading), &reading->pending, error))
    return false;
  if (!reading->pending.ticket)
    return read_at_once (self, buffer, time, stamps, deadline, error);
  reading->width = self->width;
  reading->height = self->height;
  reading->time = time;
  reading->deadline = deadline;
  reading->stamps = *stamps;
  self->owed = DAMAGE_NONE;
  self->n_begun++;
  return true;
}

unsigned
reader_n_begun (struct reader *self)
{
  return self->n_begun;
}

bool
reader_is_ready (struct reader *self)
{
  struct begun_read *reading = reading_at (self, 0);

  if (self->n_begun == 0)
    return false;
  return reading->frame || !reading->watch || watch_is_done (reading->watch) ||
         g_get_monotonic_time () >= reading->deadline;
}

int64_t
reader_due (struct reader *self)
{
  return self->n_begun > 0 ? reading_at (self, 0)->deadline : INT64_MAX;
}

/* Is damage all that target needs? It is, unless the frame that was to be before this one is not.
 */
static bool
is_enough (const struct damage *damage, const struct target *target, GError **error)
{
  for (unsigned i = 0; i < target->damage.n; i++) {
    if (damage_contains (damage, target->damage.rects[i]))
      continue;
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_FAILED,
                 "the picture before the one that was read is gone");
    return false;
  }
  return true;
}

static QdmabufFrame *
finish_reading (struct reader *self, struct begun_read *reading, GError **error)
{
  struct target target;
  const char *backend = NULL;
  GError *failure = NULL;

  if (!reader_aim (self, reading->width, reading->height, &reading->damage, &target, error)) {
    devices_finish (self->devices, &reading->pending, NULL, 0, &backend, NULL);
    return NULL;
  }
  struct picture picture = target.buffer->picture;
  bool enough = is_enough (&reading->damage, &target, &failure);
  picture.color = self->color;
  if (devices_finish (self->devices, &reading->pending, enough ? &picture : NULL, reading->deadline,
                      &backend, enough ? &failure : NULL) &&
      enough) {
    stamps_take_read (&reading->stamps, &reading->pending.stamps);
    return reader_commit (self, &target, reading->time, backend);
  }
  reader_give_up (self, &target, failure);
  g_propagate_error (error, failure);
  return NULL;
}

QdmabufFrame *
reader_finish (struct reader *self, struct stamps *stamps, GError **error)
{
  g_return_val_if_fail (self->n_begun > 0, NULL);

  struct begun_read *reading = pop_reading (self);
  QdmabufFrame *frame = g_steal_pointer (&reading->frame);

  if (!frame)
    frame = finish_reading (self, reading, error);
  *stamps = reading->stamps;
  if (!frame) {
    owe_again (self, reading);
    reader_cancel (self);
  }
  return frame;
}
