/* SPDX-License-Identifier: MIT */
/* The mailbox: one slot with the newest frame, a limit on what the consumer holds, and the ways to
 * be told. */
#include "deliver/mailbox.h"

#include <qemu-dmabuf/qdmabuf-error.h>

struct shape {
  uint32_t fourcc, width, height;
};

struct mailbox {
  struct pool *pool;
  unsigned max_frames;
  int64_t interval; /* µs between takes at least; 0: none */
  void (*ready) (void *data, int64_t delay_us);
  void *data;

  GMutex lock; /* guards all below; see the header for the order */
  GCond changed;
  QdmabufFrame *newest; /* nullable */
  bool taken;           /* newest was taken */
  struct shape shape;   /* of the frame put last, even after it was stolen */
  struct damage pending;
  int64_t next_take;  /* µs of CLOCK_MONOTONIC; before it max_rate forbids a take */
  int64_t held_until; /* likewise; before it no frame is sure */
  bool waiting;       /* a thread is in mailbox_wait */
  char *closed;       /* message; NULL: open */
  int code;
  uint64_t n_replaced, n_taken;
};

/* With the lock held. */
static bool
has_untaken (const struct mailbox *mailbox)
{
  return mailbox->newest && !mailbox->taken;
}

/* With the lock held: the consumer may hold one more frame than it does. */
static bool
has_room (struct mailbox *mailbox)
{
  const struct pool_buffer *newest = mailbox->newest ? frame_buffer (mailbox->newest) : NULL;

  return pool_n_published_besides (mailbox->pool, newest) < mailbox->max_frames;
}

/* With the lock held. */
static int64_t
earliest_take (const struct mailbox *mailbox)
{
  return MAX (mailbox->next_take, mailbox->held_until);
}

/* With the lock held: µs until a take succeeds; -1: no time helps. */
static int64_t
take_delay (struct mailbox *mailbox)
{
  if (mailbox->closed || !has_untaken (mailbox) || !has_room (mailbox))
    return -1;
  return MAX (0, earliest_take (mailbox) - g_get_monotonic_time ());
}

/* Whatever changed: wakes the waiter and tells the consumer, if a take succeeds now or later.
 * Without the lock. */
static void
announce (struct mailbox *mailbox)
{
  int64_t delay = -1;

  g_mutex_lock (&mailbox->lock);
  if (mailbox->waiting)
    g_cond_broadcast (&mailbox->changed);
  if (mailbox->ready)
    delay = take_delay (mailbox);
  g_mutex_unlock (&mailbox->lock);
  if (delay >= 0)
    mailbox->ready (mailbox->data, delay);
}

static void
frame_came_back (void *data)
{
  announce (data);
}

struct mailbox *
mailbox_new (struct pool *pool, unsigned max_frames, unsigned max_rate,
             void (*ready) (void *data, int64_t delay_us), void *data)
{
  struct mailbox *mailbox = g_new0 (struct mailbox, 1);

  g_mutex_init (&mailbox->lock);
  g_cond_init (&mailbox->changed);
  mailbox->pool = pool_ref (pool);
  mailbox->max_frames = max_frames;
  mailbox->interval = max_rate > 0 ? G_USEC_PER_SEC / max_rate : 0;
  mailbox->ready = ready;
  mailbox->data = data;
  pool_set_notify (pool, frame_came_back, mailbox);
  return mailbox;
}

void
mailbox_close (struct mailbox *mailbox, int code, const char *message)
{
  g_mutex_lock (&mailbox->lock);
  g_free (mailbox->closed);
  mailbox->closed = g_strdup (message);
  mailbox->code = code;
  g_cond_broadcast (&mailbox->changed);
  g_mutex_unlock (&mailbox->lock);
}

void
mailbox_hold (struct mailbox *mailbox, int64_t until)
{
  g_mutex_lock (&mailbox->lock);
  mailbox->held_until = until;
  g_mutex_unlock (&mailbox->lock);
  announce (mailbox);
}

/* What the mailbox has of a frame: a reference, or, once that was handed on, the frame is kept. */
static void
drop (QdmabufFrame *frame, bool taken)
{
  if (frame && taken)
    frame_let_go (frame);
  else if (frame)
    qdmabuf_frame_unref (frame);
}

void
mailbox_free (struct mailbox *mailbox)
{
  pool_set_notify (mailbox->pool, NULL, NULL);
  drop (mailbox->newest, mailbox->taken);
  pool_unref (mailbox->pool);
  g_free (mailbox->closed);
  g_mutex_clear (&mailbox->lock);
  g_cond_clear (&mailbox->changed);
  g_free (mailbox);
}

QdmabufFrame *
mailbox_newest (struct mailbox *mailbox)
{
  QdmabufFrame *frame = NULL;

  g_mutex_lock (&mailbox->lock);
  frame = mailbox->newest;
  g_mutex_unlock (&mailbox->lock);
  return frame;
}

QdmabufFrame *
mailbox_steal_unpublished (struct mailbox *mailbox)
{
  QdmabufFrame *frame = NULL;

  g_mutex_lock (&mailbox->lock);
  bool owned = has_untaken (mailbox) && !has_room (mailbox) && !frame_is_shared (mailbox->newest);
  if (owned && !frame_is_lent (mailbox->newest)) {
    frame = g_steal_pointer (&mailbox->newest);
    pool_unpublish (mailbox->pool, frame_buffer (frame));
    mailbox->n_replaced++;
  }
  g_mutex_unlock (&mailbox->lock);
  return frame;
}

/* With the lock held: damage of a picture of another shape, or of none, says nothing about this
 * one. */
static void
check_shape (struct mailbox *mailbox, QdmabufFrame *frame)
{
  const struct picture *picture = &frame_buffer (frame)->picture;
  struct shape *shape = &mailbox->shape;

  if (shape->fourcc == picture->fourcc && shape->width == picture->width &&
      shape->height == picture->height)
    return;
  frame_damage_all (frame);
  *shape = (struct shape){ picture->fourcc, picture->width, picture->height };
}

int64_t
mailbox_put (struct mailbox *mailbox, QdmabufFrame *frame)
{
  QdmabufFrame *old = NULL;
  bool old_taken = false;

  g_mutex_lock (&mailbox->lock);
  check_shape (mailbox, frame);
  old = mailbox->newest;
  old_taken = mailbox->taken;
  if (has_untaken (mailbox)) {
    mailbox->n_replaced++;
    /* Nobody has it, so it must not count for the moment until it is released. */
    pool_unpublish (mailbox->pool, frame_buffer (old));
  }
  pool_publish (mailbox->pool, frame_buffer (frame));
  mailbox->newest = frame;
  mailbox->taken = false;
  mailbox->pending = *frame_damage (frame);
  g_mutex_unlock (&mailbox->lock);
  int64_t now = g_get_monotonic_time ();
  /* Only now, with no lock: the last reference of old comes back through frame_came_back. */
  drop (old, old_taken);
  announce (mailbox);
  return now;
}

int64_t
mailbox_next_take (struct mailbox *mailbox)
{
  g_mutex_lock (&mailbox->lock);
  int64_t next = mailbox->next_take;
  g_mutex_unlock (&mailbox->lock);
  return next;
}

struct damage
mailbox_pending_damage (struct mailbox *mailbox)
{
  struct damage pending = DAMAGE_NONE;

  g_mutex_lock (&mailbox->lock);
  pending = mailbox->pending;
  g_mutex_unlock (&mailbox->lock);
  return pending;
}

/* With the lock held; newest is there. */
static QdmabufFrame *
hand_out (struct mailbox *mailbox)
{
  if (!mailbox->taken) {
    mailbox->taken = true;
    mailbox->pending = DAMAGE_NONE;
    mailbox->n_taken++;
    if (mailbox->interval > 0)
      mailbox->next_take = g_get_monotonic_time () + mailbox->interval;
    return frame_keep (mailbox->newest);
  }
  return qdmabuf_frame_ref (mailbox->newest);
}

QdmabufFrame *
mailbox_take (struct mailbox *mailbox)
{
  QdmabufFrame *frame = NULL;

  g_mutex_lock (&mailbox->lock);
  if (take_delay (mailbox) == 0)
    frame = hand_out (mailbox);
  g_mutex_unlock (&mailbox->lock);
  /* Too early for max_rate: then the time can be told at once. */
  if (!frame)
    announce (mailbox);
  return frame;
}

QdmabufFrame *
mailbox_latest (struct mailbox *mailbox)
{
  QdmabufFrame *frame = NULL;

  g_mutex_lock (&mailbox->lock);
  bool room = has_room (mailbox) || mailbox->closed;
  bool sure = mailbox->taken || (room && mailbox->held_until <= g_get_monotonic_time ());

  if (mailbox->newest && sure)
    frame = hand_out (mailbox);
  g_mutex_unlock (&mailbox->lock);
  return frame;
}

static void
cancelled (GCancellable *cancellable G_GNUC_UNUSED, void *data)
{
  struct mailbox *mailbox = data;

  g_mutex_lock (&mailbox->lock);
  g_cond_broadcast (&mailbox->changed);
  g_mutex_unlock (&mailbox->lock);
}

/* With the lock held. */
static void
set_timed_out (struct mailbox *mailbox, int64_t timeout_us, GError **error)
{
  double seconds = (double) timeout_us / G_USEC_PER_SEC;

  if (has_room (mailbox))
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT, "no new frame within %.3f s",
                 seconds);
  else
    g_set_error (
        error, QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT,
        "no frame within %.3f s: the application holds all %u that it may (max-frames) and "
        "must release one first",
        seconds, mailbox->max_frames);
}

/* With the lock held, which the wait gives up. deadline: µs of CLOCK_MONOTONIC, INT64_MAX: none. */
static QdmabufFrame *
wait_locked (struct mailbox *mailbox, int64_t deadline, int64_t timeout_us,
             GCancellable *cancellable, GError **error)
{
  for (;;) {
    int64_t delay = 0;
    int64_t until = deadline;

    if (g_cancellable_set_error_if_cancelled (cancellable, error))
      return NULL;
    if (mailbox->closed) {
      g_set_error_literal (error, QDMABUF_ERROR, mailbox->code, mailbox->closed);
      return NULL;
    }
    delay = take_delay (mailbox);
    if (delay == 0)
      return hand_out (mailbox);
    if (g_get_monotonic_time () >= deadline) {
      set_timed_out (mailbox, timeout_us, error);
      return NULL;
    }
    if (delay > 0)
      until = MIN (deadline, earliest_take (mailbox));
    if (until == INT64_MAX)
      g_cond_wait (&mailbox->changed, &mailbox->lock);
    else
      g_cond_wait_until (&mailbox->changed, &mailbox->lock, until);
  }
}

QdmabufFrame *
mailbox_wait (struct mailbox *mailbox, int64_t timeout_us, GCancellable *cancellable,
              GError **error)
{
  int64_t now = g_get_monotonic_time ();
  int64_t deadline = timeout_us < 0 || timeout_us > INT64_MAX - now ? INT64_MAX : now + timeout_us;
  gulong handler = 0;
  QdmabufFrame *frame = NULL;

  g_mutex_lock (&mailbox->lock);
  if (mailbox->waiting) {
    g_mutex_unlock (&mailbox->lock);
    g_set_error_literal (error, QDMABUF_ERROR, QDMABUF_ERROR_BUSY,
                         "another thread waits for a frame of this console");
    return NULL;
  }
  mailbox->waiting = true;
  g_mutex_unlock (&mailbox->lock);

  /* Both calls below may wait for a running `cancelled`, which takes the lock. */
  if (cancellable)
    handler = g_cancellable_connect (cancellable, G_CALLBACK (cancelled), mailbox, NULL);
  g_mutex_lock (&mailbox->lock);
  frame = wait_locked (mailbox, deadline, timeout_us, cancellable, error);
  g_mutex_unlock (&mailbox->lock);
  g_cancellable_disconnect (cancellable, handler);

  g_mutex_lock (&mailbox->lock);
  mailbox->waiting = false;
  g_mutex_unlock (&mailbox->lock);
  return frame;
}

uint64_t
mailbox_n_replaced (struct mailbox *mailbox)
{
  uint64_t n = 0;

  g_mutex_lock (&mailbox->lock);
  n = mailbox->n_replaced;
  g_mutex_unlock (&mailbox->lock);
  return n;
}

uint64_t
mailbox_n_taken (struct mailbox *mailbox)
{
  uint64_t n = 0;

  g_mutex_lock (&mailbox->lock);
  n = mailbox->n_taken;
  g_mutex_unlock (&mailbox->lock);
  return n;
}
