/* SPDX-License-Identifier: MIT */
/* The mailbox's promises one by one, then all of them under threads that do not wait for each
 * other. */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>

#include "deliver/mailbox.h"

#define W 48
#define H 32
#define MAX_FRAMES 3

struct fixture {
  struct pool *pool;
  struct mailbox *mailbox;
  uint64_t serial;
  unsigned n_ready;
  int64_t delay;
};

static void
ready (void *data, int64_t delay_us)
{
  struct fixture *f = data;

  f->n_ready++;
  f->delay = delay_us;
}

static struct fixture *
setup (unsigned max_rate)
{
  struct fixture *f = g_new0 (struct fixture, 1);

  f->pool = pool_new (MAX_FRAMES + 2);
  f->mailbox = mailbox_new (f->pool, MAX_FRAMES, max_rate, ready, f);
  return f;
}

static void
teardown (struct fixture *f)
{
  mailbox_free (f->mailbox);
  assert_int_equal (pool_n_out (f->pool), 0);
  pool_unref (f->pool);
  g_free (f);
}

/* One step of a producer, as the contract wants it. */
static void
produce_size (struct fixture *f, struct rect r, uint32_t height)
{
  struct damage damage = mailbox_pending_damage (f->mailbox);
  GError *error = NULL;
  struct pool_buffer *buffer = pool_get (f->pool, DRM_FORMAT_XRGB8888, W, height, &error);

  if (!buffer)
    fail_msg ("%s", error->message);
  damage_add (&damage, r);
  mailbox_put (f->mailbox, frame_new (f->pool, buffer, &damage, ++f->serial, 0, "linear"));
}

static void
produce (struct fixture *f, struct rect r)
{
  produce_size (f, r, H);
}

static const struct rect spot = { 2, 3, 4, 5 };

static uint64_t
take_serial (struct fixture *f, QdmabufFrame **frame)
{
  *frame = mailbox_take (f->mailbox);
  return *frame ? qdmabuf_frame_get_serial (*frame) : 0;
}

static void
test_newest_wins (void **state)
{
  struct fixture *f = setup (0);
  QdmabufFrame *frame = NULL;

  (void) state;
  assert_null (mailbox_take (f->mailbox));
  assert_null (mailbox_latest (f->mailbox));
  produce (f, spot);
  produce (f, spot);
  produce (f, spot);
  assert_int_equal (mailbox_n_replaced (f->mailbox), 2);
  assert_int_equal (take_serial (f, &frame), 3);
  qdmabuf_frame_unref (frame);
  assert_null (mailbox_take (f->mailbox)); /* once */
  frame = mailbox_latest (f->mailbox);     /* but it stays */
  assert_int_equal (qdmabuf_frame_get_serial (frame), 3);
  qdmabuf_frame_unref (frame);
  assert_int_equal (mailbox_n_taken (f->mailbox), 1);
  produce (f, spot);
  assert_int_equal (mailbox_n_replaced (f->mailbox), 2);
  frame = mailbox_latest (f->mailbox); /* counts as taken */
  qdmabuf_frame_unref (frame);
  assert_null (mailbox_take (f->mailbox));
  assert_int_equal (mailbox_n_taken (f->mailbox), 2);
  teardown (f);
}

static void
test_merged_damage (void **state)
{
  struct fixture *f = setup (0);
  QdmabufFrame *frame = NULL;
  const struct damage *damage = NULL;

  (void) state;
  produce (f, spot);
  frame = mailbox_take (f->mailbox);
  assert_true (damage_contains (frame_damage (frame), (struct rect){ 0, 0, W, H })); /* the first */
  qdmabuf_frame_unref (frame);
  produce (f, spot);
  produce (f, (struct rect){ 30, 20, 2, 2 });
  frame = mailbox_take (f->mailbox);
  damage = frame_damage (frame);
  assert_int_equal (damage->n, 2);
  assert_true (damage_contains (damage, spot));
  assert_true (damage_contains (damage, (struct rect){ 30, 20, 2, 2 }));
  qdmabuf_frame_unref (frame);
  produce (f, (struct rect){ 1, 1, 1, 1 });
  frame = mailbox_take (f->mailbox);
  assert_int_equal (frame_damage (frame)->n, 1);
  assert_false (damage_contains (frame_damage (frame), spot));
  qdmabuf_frame_unref (frame);
  /* Another size in between that nobody saw still means everything. */
  produce_size (f, spot, H / 2);
  produce (f, spot);
  frame = mailbox_take (f->mailbox);
  assert_true (damage_contains (frame_damage (frame), (struct rect){ 0, 0, W, H }));
  qdmabuf_frame_unref (frame);
  teardown (f);
}

static void
test_max_frames (void **state)
{
  struct fixture *f = setup (0);
  QdmabufFrame *held[MAX_FRAMES] = { NULL }, *frame = NULL;
  GError *error = NULL;

  (void) state;
  for (unsigned i = 0; i < MAX_FRAMES; i++) {
    produce (f, spot);
    assert_int_equal (take_serial (f, &held[i]), i + 1);
  }
  /* The newest is one of those held, so one more may be made, but not taken; producing goes on for
   * ever. */
  for (unsigned i = 0; i < 10; i++)
    produce (f, spot);
  assert_null (mailbox_take (f->mailbox));
  assert_null (mailbox_latest (f->mailbox));
  assert_int_equal (pool_n_out (f->pool), MAX_FRAMES + 1);
  assert_null (mailbox_wait (f->mailbox, 0, NULL, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT));
  assert_non_null (strstr (error->message, "max-frames"));
  g_clear_error (&error);
  qdmabuf_frame_unref (held[1]);
  assert_int_equal (take_serial (f, &frame), MAX_FRAMES + 10);
  qdmabuf_frame_unref (frame);
  qdmabuf_frame_unref (held[0]);
  qdmabuf_frame_unref (held[2]);
  teardown (f);
}

static void
test_steal (void **state)
{
  struct fixture *f = setup (0);
  QdmabufFrame *held[MAX_FRAMES] = { NULL }, *frame = NULL;
  struct pool_buffer *buffer = NULL;
  struct damage damage = DAMAGE_NONE;

  (void) state;
  assert_null (mailbox_steal_unpublished (f->mailbox));
  produce (f, spot);
  assert_null (mailbox_steal_unpublished (f->mailbox)); /* the consumer may take it */
  for (unsigned i = 0; i < MAX_FRAMES; i++) {
    held[i] = mailbox_take (f->mailbox);
    assert_null (mailbox_steal_unpublished (f->mailbox)); /* taken */
    produce (f, spot);
  }
  frame = mailbox_steal_unpublished (f->mailbox);
  assert_int_equal (qdmabuf_frame_get_serial (frame), MAX_FRAMES + 1);
  assert_null (mailbox_newest (f->mailbox));
  /* The consumer could take one now, but there is none until the put; its damage is not forgotten.
   */
  qdmabuf_frame_unref (held[0]);
  assert_null (mailbox_take (f->mailbox));
  assert_null (mailbox_latest (f->mailbox));
  damage = mailbox_pending_damage (f->mailbox);
  assert_true (damage_contains (&damage, spot));
  buffer = frame_steal_buffer (frame);
  damage_add (&damage, (struct rect){ 20, 20, 3, 3 });
  f->n_ready = 0;
  mailbox_put (f->mailbox, frame_new (f->pool, buffer, &damage, 99, 0, "linear"));
  assert_int_equal (f->n_ready, 1);
  assert_int_equal (take_serial (f, &frame), 99);
  assert_int_equal (frame_damage (frame)->n, 2);
  qdmabuf_frame_unref (frame);
  qdmabuf_frame_unref (held[1]);
  qdmabuf_frame_unref (held[2]);
  teardown (f);
}

/* Was ready called since this was asked last? */
static bool
heard (struct fixture *f)
{
  bool heard = f->n_ready > 0;

  f->n_ready = 0;
  return heard;
}

static void
test_ready (void **state)
{
  struct fixture *f = setup (0);
  QdmabufFrame *held[MAX_FRAMES] = { NULL };

  (void) state;
  produce (f, spot);
  assert_true (heard (f));
  assert_int_equal (f->delay, 0);
  produce (f, spot); /* whoever was not there the first time hears of this one */
  assert_true (heard (f));
  held[0] = mailbox_take (f->mailbox);
  assert_null (mailbox_take (f->mailbox));
  assert_false (heard (f));
  for (unsigned i = 1; i < MAX_FRAMES; i++) {
    produce (f, spot);
    assert_true (heard (f));
    held[i] = mailbox_take (f->mailbox);
    assert_false (heard (f));
  }
  produce (f, spot); /* may not be taken */
  assert_false (heard (f));
  qdmabuf_frame_unref (held[0]); /* now it may */
  assert_true (heard (f));
  held[0] = mailbox_take (f->mailbox);
  qdmabuf_frame_unref (held[2]); /* nothing is left to take */
  assert_false (heard (f));
  qdmabuf_frame_unref (held[0]);
  qdmabuf_frame_unref (held[1]);
  teardown (f);
}

static void
test_max_rate (void **state)
{
  struct fixture *f = setup (20); /* 50 ms */
  QdmabufFrame *frame = NULL;
  int64_t first = 0, second = 0;

  (void) state;
  produce (f, spot);
  first = g_get_monotonic_time ();
  frame = mailbox_take (f->mailbox);
  assert_non_null (frame);
  qdmabuf_frame_unref (frame);
  f->n_ready = 0;
  produce (f, spot);
  assert_true (heard (f));
  assert_in_range (f->delay, 1, 50000);
  produce (f, spot);
  frame = mailbox_wait (f->mailbox, 5 * G_USEC_PER_SEC, NULL, NULL);
  second = g_get_monotonic_time ();
  assert_int_equal (qdmabuf_frame_get_serial (frame), 3);
  assert_true (second - first > 49000); /* clocks of two processors may differ a little */
  qdmabuf_frame_unref (frame);
  produce (f, spot);
  frame = mailbox_latest (f->mailbox); /* whatever the rate */
  assert_int_equal (qdmabuf_frame_get_serial (frame), 4);
  qdmabuf_frame_unref (frame);
  produce (f, spot);
  f->n_ready = 0;
  assert_null (mailbox_take (f->mailbox)); /* too early: told when */
  assert_int_equal (f->n_ready, 1);
  assert_in_range (f->delay, 1, 50000);
  teardown (f);
}

static void
test_hold (void **state)
{
  struct fixture *f = setup (0);
  int64_t until = g_get_monotonic_time () + 50000;
  QdmabufFrame *frame = NULL;

  (void) state;
  mailbox_hold (f->mailbox, until);
  produce (f, spot);
  assert_int_equal (f->n_ready, 1);
  assert_in_range (f->delay, 1, 50000);
  assert_null (mailbox_take (f->mailbox));
  assert_null (mailbox_latest (f->mailbox));
  produce (f, spot); /* what was held is replaced as ever */
  frame = mailbox_wait (f->mailbox, 5 * G_USEC_PER_SEC, NULL, NULL);
  assert_true (g_get_monotonic_time () > until - 1000);
  assert_int_equal (qdmabuf_frame_get_serial (frame), 2);
  qdmabuf_frame_unref (frame);
  teardown (f);
}

static void
test_wait_limits (void **state)
{
  struct fixture *f = setup (0);
  GError *error = NULL;

  (void) state;
  assert_null (mailbox_wait (f->mailbox, 1000, NULL, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT));
  assert_null (strstr (error->message, "max-frames"));
  g_clear_error (&error);
  produce (f, spot);
  QdmabufFrame *frame = mailbox_wait (f->mailbox, G_MAXINT64, NULL, NULL);
  assert_int_equal (qdmabuf_frame_get_serial (frame), 1);
  qdmabuf_frame_unref (frame);
  teardown (f);
}

static void
test_close (void **state)
{
  struct fixture *f = setup (0);
  QdmabufFrame *frame = NULL;
  GError *error = NULL;

  (void) state;
  produce (f, spot);
  mailbox_close (f->mailbox, QDMABUF_ERROR_CLOSED, "gone for good");
  assert_null (mailbox_wait (f->mailbox, -1, NULL, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_CLOSED));
  assert_string_equal (error->message, "gone for good");
  g_clear_error (&error);
  assert_null (mailbox_take (f->mailbox));
  frame = mailbox_latest (f->mailbox);
  assert_int_equal (qdmabuf_frame_get_serial (frame), 1);
  /* The frame outlives its mailbox and our reference on the pool. */
  mailbox_free (f->mailbox);
  pool_unref (f->pool);
  g_free (f);
  assert_non_null (qdmabuf_frame_get_data (frame, 0, NULL));
  qdmabuf_frame_unref (frame);
}

struct waiter {
  struct mailbox *mailbox;
  GCancellable *cancellable;
  QdmabufFrame *frame;
  GError *error;
};

static bool
is_busy (const GError *error)
{
  return g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_BUSY);
}

static gpointer
wait_thread (gpointer data)
{
  struct waiter *w = data;

  do { /* start_waiter may be inside just now */
    g_clear_error (&w->error);
    w->frame = mailbox_wait (w->mailbox, 20 * G_USEC_PER_SEC, w->cancellable, &w->error);
  } while (is_busy (w->error));
  return NULL;
}

/* Starts w's wait, with nothing to take, and returns once it is inside: then a second one is
 * refused. */
static GThread *
start_waiter (struct waiter *w)
{
  GThread *thread = g_thread_new ("waiter", wait_thread, w);
  GError *error = NULL;
  bool inside = false;

  while (!inside) {
    assert_null (mailbox_wait (w->mailbox, 0, NULL, &error));
    inside = is_busy (error);
    g_clear_error (&error);
    g_thread_yield ();
  }
  return thread;
}

static void
test_wake_by_frame (void **state)
{
  (void) state;
  for (unsigned i = 0; i < 50; i++) {
    struct fixture *f = setup (0);
    struct waiter w = { f->mailbox, NULL, NULL, NULL };
    GThread *thread = start_waiter (&w);

    produce (f, spot);
    g_thread_join (thread);
    assert_non_null (w.frame);
    qdmabuf_frame_unref (w.frame);
    teardown (f);
  }
}

static void
test_wake_by_release (void **state)
{
  (void) state;
  for (unsigned i = 0; i < 50; i++) {
    struct fixture *f = setup (0);
    struct waiter w = { f->mailbox, NULL, NULL, NULL };
    QdmabufFrame *held[MAX_FRAMES] = { NULL };
    GThread *thread = NULL;

    for (unsigned n = 0; n < MAX_FRAMES; n++) {
      produce (f, spot);
      held[n] = mailbox_take (f->mailbox);
    }
    produce (f, spot);
    thread = start_waiter (&w);
    qdmabuf_frame_unref (held[i % MAX_FRAMES]);
    g_thread_join (thread);
    assert_int_equal (qdmabuf_frame_get_serial (w.frame), MAX_FRAMES + 1);
    qdmabuf_frame_unref (w.frame);
    for (unsigned n = 0; n < MAX_FRAMES; n++) {
      if (n != i % MAX_FRAMES)
        qdmabuf_frame_unref (held[n]);
    }
    teardown (f);
  }
}

static void
test_wake_by_cancel_or_close (void **state)
{
  (void) state;
  for (unsigned i = 0; i < 100; i++) {
    struct fixture *f = setup (0);
    struct waiter w = { f->mailbox, g_cancellable_new (), NULL, NULL };
    GThread *thread = start_waiter (&w);

    if (i % 2)
      g_cancellable_cancel (w.cancellable);
    else
      mailbox_close (f->mailbox, QDMABUF_ERROR_STOPPED, "stopped");
    g_thread_join (thread);
    assert_null (w.frame);
    if (i % 2)
      assert_true (g_error_matches (w.error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
    else
      assert_true (g_error_matches (w.error, QDMABUF_ERROR, QDMABUF_ERROR_STOPPED));
    g_clear_error (&w.error);
    /* Cancelled before it begins: nothing is lost by it. */
    produce (f, spot);
    if (i % 2) {
      assert_null (mailbox_wait (f->mailbox, -1, w.cancellable, NULL));
      w.frame = mailbox_take (f->mailbox);
      assert_non_null (w.frame);
      qdmabuf_frame_unref (w.frame);
    }
    g_object_unref (w.cancellable);
    teardown (f);
  }
}

/* The stress: a producer that makes pictures from damage alone, a consumer that keeps its own
 * picture by the damage it is told, and a third thread that releases frames whenever it likes.
 * Serials index the checksums of the true pictures. */
#define N_PICTURES 6000

struct stress {
  struct fixture *f;
  uint32_t sums[N_PICTURES + 1];
  GMutex lock;
  QdmabufFrame *bin[MAX_FRAMES];
  bool done;
  unsigned n_steals;
  uint64_t last_serial;
};

static uint32_t
checksum (const uint8_t *data)
{
  uint32_t sum = 1;

  for (size_t i = 0; i < W * H * 4; i++)
    sum = sum * 31 + data[i];
  return sum;
}

static struct rect
random_rect (GRand *rand)
{
  struct rect r = { g_rand_int_range (rand, 0, W), g_rand_int_range (rand, 0, H), 0, 0 };

  r.width = g_rand_int_range (rand, 1, W - r.x + 1);
  r.height = g_rand_int_range (rand, 1, H - r.y + 1);
  return r;
}

static void
draw (uint8_t *data, struct rect r, uint8_t value)
{
  for (int y = r.y; y < r.y + r.height; y++)
    memset (data + ((size_t) y * W + (size_t) r.x) * 4, value, (size_t) r.width * 4);
}

/* A buffer to draw r into: the newest in place where it cannot be taken, else another, caught up.
 */
static struct pool_buffer *
next_buffer (struct stress *s, struct damage *damage)
{
  struct fixture *f = s->f;
  QdmabufFrame *stolen = mailbox_steal_unpublished (f->mailbox);
  QdmabufFrame *newest = NULL;
  struct pool_buffer *buffer = NULL;

  if (stolen) {
    s->n_steals++;
    return frame_steal_buffer (stolen);
  }
  buffer = pool_get (f->pool, DRM_FORMAT_XRGB8888, W, H, NULL);
  assert_non_null (buffer); /* never out of buffers, whatever the consumer holds */
  newest = mailbox_newest (f->mailbox);
  if (!pool_catch_up (f->pool, buffer, newest ? frame_buffer (newest) : NULL, damage))
    *damage = damage_whole (W, H);
  return buffer;
}

static gpointer
producer (gpointer data)
{
  struct stress *s = data;
  struct fixture *f = s->f;
  GRand *rand = g_rand_new_with_seed (4);
  uint8_t truth[W * H * 4] = { 0 };

  for (uint64_t serial = 1; serial <= N_PICTURES; serial++) {
    struct rect r = random_rect (rand);
    struct damage damage = DAMAGE_NONE, pending = DAMAGE_NONE;
    struct pool_buffer *buffer = NULL;

    damage_add (&damage, r);
    draw (truth, r, (uint8_t) serial);
    s->sums[serial] = checksum (truth);
    buffer = next_buffer (s, &damage);
    for (unsigned i = 0; i < damage.n; i++) {
      struct rect d = damage.rects[i];
      for (int y = d.y; y < d.y + d.height; y++) {
        size_t at = ((size_t) y * W + (size_t) d.x) * 4;
        memcpy (buffer->map + at, truth + at, (size_t) d.width * 4);
      }
    }
    pool_committed (f->pool, buffer, &damage);
    pending = mailbox_pending_damage (f->mailbox);
    damage_add_all (&pending, &damage);
    mailbox_put (f->mailbox, frame_new (f->pool, buffer, &pending, serial, 0, "linear"));
    if (serial % 16 == 0)
      g_thread_yield ();
  }
  g_rand_free (rand);
  return NULL;
}

static gpointer
releaser (gpointer data)
{
  struct stress *s = data;
  GRand *rand = g_rand_new_with_seed (5);
  bool done = false;

  while (!done) {
    QdmabufFrame *frame = NULL;

    g_mutex_lock (&s->lock);
    frame = g_steal_pointer (&s->bin[g_rand_int_range (rand, 0, MAX_FRAMES)]);
    done = s->done;
    g_mutex_unlock (&s->lock);
    g_clear_pointer (&frame, qdmabuf_frame_unref);
    g_thread_yield ();
  }
  g_rand_free (rand);
  return NULL;
}

static void
check_picture (struct stress *s, QdmabufFrame *frame, uint8_t *own)
{
  const uint8_t *data = qdmabuf_frame_get_data (frame, 0, NULL);
  uint64_t serial = qdmabuf_frame_get_serial (frame);

  assert_true (serial > s->last_serial);
  s->last_serial = serial;
  assert_int_equal (checksum (data), s->sums[serial]);
  for (guint i = 0; i < qdmabuf_frame_get_n_damage (frame); i++) {
    int x = 0, y = 0, width = 0, height = 0;

    qdmabuf_frame_get_damage (frame, i, &x, &y, &width, &height);
    for (int row = y; row < y + height; row++) {
      size_t at = ((size_t) row * W + (size_t) x) * 4;
      memcpy (own + at, data + at, (size_t) width * 4);
    }
  }
  assert_memory_equal (own, data, W * H * 4);
}

/* Leaves frame to the releaser; one that lies there already is released here. */
static void
throw_away (struct stress *s, QdmabufFrame *frame)
{
  unsigned slot = (unsigned) qdmabuf_frame_get_serial (frame) % MAX_FRAMES;
  QdmabufFrame *old = NULL;

  g_mutex_lock (&s->lock);
  old = s->bin[slot];
  s->bin[slot] = frame;
  g_mutex_unlock (&s->lock);
  if (old)
    qdmabuf_frame_unref (old);
}

static void
no_ready (void *data, int64_t delay_us)
{
  assert_non_null (data);
  assert_int_equal (delay_us, 0);
}

static void
test_stress (void **state)
{
  struct fixture *f = g_new0 (struct fixture, 1);
  struct stress *s = g_new0 (struct stress, 1);
  GThread *threads[2] = { NULL };
  uint8_t own[W * H * 4] = { 0 };

  (void) state;
  f->pool = pool_new (MAX_FRAMES + 2);
  f->mailbox = mailbox_new (f->pool, MAX_FRAMES, 0, no_ready, f);
  s->f = f;
  g_mutex_init (&s->lock);
  threads[0] = g_thread_new ("producer", producer, s);
  threads[1] = g_thread_new ("releaser", releaser, s);
  while (s->last_serial < N_PICTURES) {
    GError *error = NULL;
    QdmabufFrame *frame = mailbox_wait (f->mailbox, 20 * G_USEC_PER_SEC, NULL, &error);

    if (!frame)
      fail_msg ("%s", error->message);
    check_picture (s, frame, own);
    throw_away (s, frame);
  }
  g_thread_join (threads[0]);
  g_mutex_lock (&s->lock);
  s->done = true;
  g_mutex_unlock (&s->lock);
  g_thread_join (threads[1]);
  for (unsigned i = 0; i < MAX_FRAMES; i++)
    g_clear_pointer (&s->bin[i], qdmabuf_frame_unref);
  print_message ("%u pictures: %u taken, %u replaced, %u of them in place\n", N_PICTURES,
                 (unsigned) mailbox_n_taken (f->mailbox),
                 (unsigned) mailbox_n_replaced (f->mailbox), s->n_steals);
  assert_int_equal (mailbox_n_taken (f->mailbox) + mailbox_n_replaced (f->mailbox), N_PICTURES);
  g_mutex_clear (&s->lock);
  g_free (s);
  teardown (f);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_newest_wins),
    fds_unit_test (test_merged_damage),
    fds_unit_test (test_max_frames),
    fds_unit_test (test_steal),
    fds_unit_test (test_ready),
    fds_unit_test (test_max_rate),
    fds_unit_test (test_hold),
    fds_unit_test (test_wait_limits),
    fds_unit_test (test_close),
    fds_unit_test (test_wake_by_frame),
    fds_unit_test (test_wake_by_release),
    fds_unit_test (test_wake_by_cancel_or_close),
    fds_unit_test (test_stress),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
