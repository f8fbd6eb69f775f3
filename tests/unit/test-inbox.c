/* SPDX-License-Identifier: MIT */
/* Every order of QEMU's calls that is known to matter, with a clock that the test owns. */
#define _GNU_SOURCE 1 /* memfd_create */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "flow/inbox.h"

static unsigned answered;

static void
answer (void *reply)
{
  assert_non_null (reply);
  answered++;
}

/* Replies are opaque to the inbox. */
static void *
reply (void)
{
  static int dummy;

  return &dummy;
}

struct fixture {
  struct inbox inbox;
};

static int
setup (void **state)
{
  struct fixture *self = g_new0 (struct fixture, 1);

  fds_remember (NULL);
  answered = 0;
  inbox_init (&self->inbox, answer);
  *state = self;
  return 0;
}

static int
teardown (void **state)
{
  struct fixture *self = *state;

  inbox_clear (&self->inbox);
  g_free (self);
  return fds_check (NULL);
}

static QdmabufBuffer *
dmabuf (uint32_t width, uint32_t height, struct rect crop)
{
  struct fdset fds = FDSET_NONE;
  struct layout layout = {
    .width = width,
    .height = height,
    .crop = crop,
    .fourcc = DRM_FORMAT_XRGB8888,
    .n_planes = 1,
    .planes = { { .stride = width * 4 } },
  };
  int fd = memfd_create ("test", MFD_CLOEXEC);

  assert_true (fd >= 0);
  assert_int_equal (ftruncate (fd, (off_t) width * height * 4), 0);
  assert_true (fdset_take (&fds, fd));
  QdmabufBuffer *buffer = buffer_new_dmabuf (&layout, &fds, NULL);
  assert_non_null (buffer);
  return buffer;
}

static QdmabufBuffer *
bytes (uint32_t width, uint32_t height)
{
  uint8_t *data = g_malloc0 ((size_t) width * height * 4);
  QdmabufBuffer *buffer = buffer_new_bytes (width, height, width * 4, DRM_FORMAT_XRGB8888, data,
                                            (size_t) width * height * 4, data, g_free, NULL);

  assert_non_null (buffer);
  return buffer;
}

static void
show (struct inbox *inbox, QdmabufBuffer *buffer, unsigned version, int64_t now)
{
  g_autoptr (GPtrArray) stale = inbox_scanout (inbox, buffer, version, now);

  (void) stale;
  qdmabuf_buffer_unref (buffer);
}

static void
show_dmabuf (struct inbox *inbox, unsigned version, int64_t now)
{
  show (inbox, dmabuf (64, 32, (struct rect){ 0, 0, 64, 32 }), version, now);
}

static void
assert_rect (const struct damage *damage, int x, int y, int width, int height)
{
  struct rect r = damage_bounds (damage);

  assert_int_equal (r.x, x);
  assert_int_equal (r.y, y);
  assert_int_equal (r.width, width);
  assert_int_equal (r.height, height);
}

static void
drop (struct inbox_work *work)
{
  g_ptr_array_unref (work->replies);
  qdmabuf_buffer_unref (work->buffer);
}

static void
test_placeholder_is_never_read (void **state)
{
  struct inbox *inbox = &((struct fixture *) *state)->inbox;
  struct inbox_work work;

  show_dmabuf (inbox, 1, 1000);
  assert_false (inbox_take (inbox, 1000 + INBOX_SETTLE_US - 1, &work));
  show_dmabuf (inbox, 1, 5000);
  assert_false (inbox_take (inbox, 1000 + INBOX_SETTLE_US, &work));
  assert_int_equal (inbox_next (inbox), 5000 + INBOX_SETTLE_US);
  QdmabufBuffer *newest = inbox->current;
  assert_true (inbox_take (inbox, 5000 + INBOX_SETTLE_US, &work));
  assert_ptr_equal (work.buffer, newest);
  assert_rect (&work.damage, 0, 0, 64, 32);
  drop (&work);
  assert_int_equal (inbox_next (inbox), INT64_MAX);
}

static void
test_updates_become_one_read_and_are_answered_with_it (void **state)
{
  struct inbox *inbox = &((struct fixture *) *state)->inbox;
  struct inbox_work work;

  show_dmabuf (inbox, 1, 0);
  assert_int_equal (inbox_update_dmabuf (inbox, (struct rect){ 0, 0, 8, 8 }, reply (), 10),
                    INBOX_QUEUED);
  assert_true (inbox_take (inbox, 10, &work)); /* the first update ends the settling */
  drop (&work);
  assert_int_equal (answered, 1);

  assert_int_equal (inbox_update_dmabuf (inbox, (struct rect){ 1, 1, 2, 2 }, reply (), 20),
                    INBOX_QUEUED);
  assert_int_equal (inbox_update_dmabuf (inbox, (struct rect){ 5, 5, 2, 2 }, reply (), 30),
                    INBOX_QUEUED);
  assert_true (inbox_take (inbox, 31, &work));
  assert_int_equal (work.replies->len, 2);
  assert_rect (&work.damage, 1, 1, 6, 6);
  assert_int_equal (work.deadline, 20 + INBOX_REPLY_US);
  assert_int_equal (answered, 1);
  drop (&work);
  assert_int_equal (answered, 3);
}

static void
assert_stamps (const struct stamps *stamps, int64_t since, int64_t validated)
{
  assert_int_equal (stamps->since, since);
  assert_int_equal (stamps->at[STAGE_VALIDATED], validated);
}

/* Of calls that become one read the oldest is the one that waited longest. A DMA-BUF that was only
 * announced does not wait. */
static void
test_the_oldest_call_counts (void **state)
{
  struct inbox *inbox = &((struct fixture *) *state)->inbox;
  const struct rect r = { 0, 0, 8, 8 };
  struct inbox_work work;

  show_dmabuf (inbox, 2, 10);
  inbox_validated (inbox, 10, 11);
  inbox_update_dmabuf (inbox, r, reply (), 20);
  inbox_validated (inbox, 20, 22);
  inbox_update_dmabuf (inbox, r, reply (), 30);
  inbox_validated (inbox, 30, 33);
  assert_true (inbox_take (inbox, 31, &work));
  assert_stamps (&work.stamps, 20, 22);
  assert_int_equal (work.time, 30);
  drop (&work);

  /* What failed is still owed from when it came, and the next call is about itself. */
  inbox_retry (inbox, 50);
  assert_true (inbox_take (inbox, 50, &work));
  assert_stamps (&work.stamps, 20, 22);
  drop (&work);
  inbox_update_dmabuf (inbox, r, reply (), 60);
  assert_true (inbox_take (inbox, 60, &work));
  assert_stamps (&work.stamps, 60, 60);
  drop (&work);

  /* Announced, and shown for want of an update. */
  show_dmabuf (inbox, 2, 100);
  inbox_validated (inbox, 100, 101);
  assert_true (inbox_take (inbox, 100 + INBOX_SETTLE_US, &work));
  assert_stamps (&work.stamps, 100, 101);
  drop (&work);
}

static void
take_and_give_back (struct inbox *inbox, int64_t now)
{
  struct inbox_work work;

  inbox_update_dmabuf (inbox, (struct rect){ 1, 1, 2, 2 }, reply (), now);
  assert_true (inbox_take (inbox, now, &work));
  assert_int_equal (work.replies->len, 1);
  g_ptr_array_set_size (work.replies, 0);
  inbox_give_back (inbox, work.replies);
  qdmabuf_buffer_unref (work.buffer);
}

static void
test_what_held_replies_is_used_again (void **state)
{
  struct inbox *inbox = &((struct fixture *) *state)->inbox;

  show_dmabuf (inbox, 1, 0);
  take_and_give_back (inbox, 10);
  GPtrArray *one = inbox->replies;
  GPtrArray *other = inbox->spare;
  assert_non_null (other);
  take_and_give_back (inbox, 20);
  assert_ptr_equal (inbox->replies, other);
  assert_ptr_equal (inbox->spare, one);
  take_and_give_back (inbox, 30);
  assert_ptr_equal (inbox->replies, one);
  assert_int_equal (answered, 3);
  /* There is one to spare already. */
  inbox_give_back (inbox, g_ptr_array_new ());
  assert_ptr_equal (inbox->spare, other);
}

static void
test_update_outside_the_picture_is_answered_all_the_same (void **state)
{
  struct inbox *inbox = &((struct fixture *) *state)->inbox;
  struct inbox_work work;

  show_dmabuf (inbox, 1, 0);
  assert_true (inbox_take (inbox, INBOX_SETTLE_US, &work));
  drop (&work);
  inbox_update_dmabuf (inbox, (struct rect){ 0, 400, 640, 80 }, reply (), 50000);
  assert_true (inbox_take (inbox, 50000, &work));
  assert_true (damage_is_empty (&work.damage));
  assert_int_equal (work.replies->len, 1);
  drop (&work);
}

static void
test_new_scanout_answers_updates_of_the_old_one (void **state)
{
  struct inbox *inbox = &((struct fixture *) *state)->inbox;

  show_dmabuf (inbox, 1, 0);
  inbox_update_dmabuf (inbox, (struct rect){ 0, 0, 8, 8 }, reply (), 10);
  show_dmabuf (inbox, 1, 20);
  assert_int_equal (answered, 1);
}

static void
test_update_without_scanout (void **state)
{
  struct inbox *inbox = &((struct fixture *) *state)->inbox;
  bool unannounced = false;
  g_autoptr (GError) error = NULL;
  uint8_t pixel[4] = { 0 };

  assert_int_equal (inbox_update_dmabuf (inbox, (struct rect){ 0, 0, 8, 8 }, reply (), 0),
                    INBOX_NO_SCANOUT);
  assert_int_equal (answered, 0); /* the caller's */
  assert_false (inbox_update_map (inbox, (struct rect){ 0, 0, 1, 1 }, 0, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL));
  g_clear_error (&error);
  assert_false (inbox_update_pixels (inbox, (struct rect){ 0, 0, 1, 1 }, 4, DRM_FORMAT_XRGB8888,
                                     pixel, sizeof pixel, 0, &unannounced, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL));
}

static void
test_disable_at_a_page_flip (void **state)
{
  struct inbox *inbox = &((struct fixture *) *state)->inbox;

  /* Arrived: scanout, then the release of the old buffer. */
  show_dmabuf (inbox, 1, 0);
  inbox_disable (inbox, 5);
  assert_int_equal (inbox_update_dmabuf (inbox, (struct rect){ 0, 0, 8, 8 }, reply (), 10),
                    INBOX_QUEUED);
  assert_false (inbox_take_disabled (inbox, 10 + INBOX_DISABLE_US));
  /* Lost: the Disable threw the next scanout away. */
  inbox_disable (inbox, 20);
  assert_int_equal (inbox_update_dmabuf (inbox, (struct rect){ 0, 0, 8, 8 }, reply (), 30),
                    INBOX_LOST);
  /* ScanoutDMABUF2 is never thrown away: what was shown is shown again. */
  show_dmabuf (inbox, 2, 40);
  inbox_update_dmabuf (inbox, (struct rect){ 0, 0, 8, 8 }, reply (), 41);
  inbox_disable (inbox, 42);
  assert_int_equal (inbox_update_dmabuf (inbox, (struct rect){ 0, 0, 8, 8 }, reply (), 43),
                    INBOX_QUEUED);
}

static void
test_disable_for_good (void **state)
{
  struct inbox *inbox = &((struct fixture *) *state)->inbox;
  struct inbox_work work;

  show_dmabuf (inbox, 1, 0);
  assert_true (inbox_take (inbox, INBOX_SETTLE_US, &work));
  drop (&work);
  inbox_disable (inbox, 100);
  assert_int_equal (inbox_next (inbox), 100 + INBOX_DISABLE_US);
  inbox_disable (inbox, 50000); /* again: it is no picture */
  assert_false (inbox_take_disabled (inbox, 99 + INBOX_DISABLE_US));
  assert_true (inbox_take_disabled (inbox, 100 + INBOX_DISABLE_US));
  assert_false (inbox_take_disabled (inbox, 200 + INBOX_DISABLE_US));
}

static void
test_crop_takes_everything (void **state)
{
  struct inbox *inbox = &((struct fixture *) *state)->inbox;
  struct inbox_work work;

  show (inbox, dmabuf (64, 32, (struct rect){ 16, 8, 32, 16 }), 2, 0);
  assert_true (inbox_take (inbox, INBOX_SETTLE_US, &work));
  drop (&work);
  inbox_update_dmabuf (inbox, (struct rect){ 20, 20, 4, 4 }, reply (), 50000);
  assert_true (inbox_take (inbox, 50000, &work));
  assert_rect (&work.damage, 0, 0, 32, 16);
  drop (&work);
}

static bool
put (struct inbox *inbox, struct rect r, int64_t now, bool *unannounced)
{
  size_t size = (size_t) r.width * (size_t) r.height * 4;
  g_autofree uint8_t *pixels = g_malloc (size);

  memset (pixels, 0xaa, size);
  return inbox_update_pixels (inbox, r, (uint32_t) r.width * 4, DRM_FORMAT_XRGB8888, pixels, size,
                              now, unannounced, NULL);
}

static void
test_inline_size_follows_the_console (void **state)
{
  struct inbox *inbox = &((struct fixture *) *state)->inbox;
  struct inbox_work work;
  bool unannounced = false;

  show (inbox, bytes (640, 480), 0, 0);
  assert_true (
      inbox_take (inbox, 0, &work)); /* its pixels are in the message: nothing to wait for */
  drop (&work);

  /* The update comes before the console's size... */
  assert_true (put (inbox, (struct rect){ 0, 0, 720, 16 }, 10, &unannounced));
  assert_true (unannounced);
  assert_int_equal (inbox->current->layout.width, 720);
  assert_int_equal (inbox->current->layout.height, 480);
  assert_true (inbox_take (inbox, 10, &work));
  drop (&work);
  inbox_console_size (inbox, 720, 400, 20);
  assert_int_equal (inbox_next (inbox), 20 + INBOX_SETTLE_US);
  assert_false (inbox_take (inbox, 19 + INBOX_SETTLE_US, &work));
  assert_true (inbox_take (inbox, 20 + INBOX_SETTLE_US, &work));
  drop (&work);
  assert_int_equal (inbox->current->layout.height, 400);
  assert_int_equal (inbox->current->bytes[0], 0xaa); /* what was updated is kept */

  /* ... or after it. */
  inbox_console_size (inbox, 800, 600, 30000);
  assert_true (put (inbox, (struct rect){ 0, 599, 800, 1 }, 30010, &unannounced));
  assert_false (unannounced);
  assert_int_equal (inbox->current->layout.width, 800);
  assert_int_equal (inbox->current->layout.height, 600);
}

/* A size that QEMU sent before the newest Scanout arrives after it, over the other socket. */
static void
test_old_sizes_cut_nothing (void **state)
{
  struct inbox *inbox = &((struct fixture *) *state)->inbox;
  struct inbox_work work;

  show (inbox, bytes (800, 600), 0, 0);
  inbox_console_size (inbox, 640, 480, 10);
  inbox_console_size (inbox, 800, 600, 5000);
  assert_true (inbox_take (inbox, 100000, &work));
  assert_int_equal (work.buffer->layout.width, 800);
  drop (&work);
  inbox_console_size (inbox, 640, 480, 200000);
  show (inbox, bytes (800, 600), 0, 200010);
  assert_true (inbox_take (inbox, 300000, &work));
  assert_int_equal (work.buffer->layout.width, 800);
  drop (&work);
  assert_int_equal (inbox_next (inbox), INT64_MAX);
}

/* One pixel far out would be a gigabyte. */
static void
test_no_picture_is_larger_than_a_message (void **state)
{
  struct inbox *inbox = &((struct fixture *) *state)->inbox;
  g_autoptr (GError) error = NULL;
  uint8_t pixel[4] = { 0 };
  bool unannounced = false;

  show (inbox, bytes (16, 16), 0, 0);
  assert_false (inbox_update_pixels (inbox, (struct rect){ 16383, 16383, 1, 1 }, 4,
                                     DRM_FORMAT_XRGB8888, pixel, sizeof pixel, 0, &unannounced,
                                     &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT));
  inbox_console_size (inbox, 16384, 16384, 10);
  struct inbox_work work;
  assert_true (inbox_take (inbox, 100000, &work));
  assert_int_equal (work.buffer->layout.width, 16);
  drop (&work);
}

static void
test_impossible_rectangles_are_refused (void **state)
{
  struct inbox *inbox = &((struct fixture *) *state)->inbox;
  const struct rect bad[] = {
    { -1, 0, 4, 4 },    { 0, -5, 4, 4 },        { 0, 0, 0, 4 },
    { 0, 0, 4, -4 },    { 0, 0, INT32_MAX, 1 }, { INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX },
    { 16384, 0, 1, 1 },
  };
  uint8_t pixels[64] = { 0 };

  show (inbox, bytes (16, 16), 0, 0);
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++) {
    bool unannounced = false;
    g_autoptr (GError) error = NULL;

    assert_false (inbox_update_pixels (inbox, bad[i], 16, DRM_FORMAT_XRGB8888, pixels,
                                       sizeof pixels, 0, &unannounced, &error));
    assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL));
    assert_int_equal (inbox->current->layout.width, 16);
  }
}

static void
test_update_pixels_after_a_map (void **state)
{
  struct inbox *inbox = &((struct fixture *) *state)->inbox;
  int fd = memfd_create ("test", MFD_CLOEXEC);
  bool unannounced = false;

  assert_int_equal (ftruncate (fd, 64 * 64 * 4), 0);
  show (inbox, buffer_new_map (fd, 0, 64, 64, 64 * 4, DRM_FORMAT_XRGB8888, NULL), 0, 0);
  inbox_console_size (inbox, 128, 64, 5);
  assert_true (put (inbox, (struct rect){ 0, 0, 128, 8 }, 10, &unannounced));
  assert_int_equal (inbox->current->kind, BUFFER_BYTES);
  assert_int_equal (inbox->current->layout.width, 128);
  assert_int_equal (inbox->current->layout.height, 64);
}

/* Pixels that cannot be the picture's: it stays, whatever else the update would have made of it. */
static void
test_bad_pixels_cost_no_picture (void **state)
{
  struct inbox *inbox = &((struct fixture *) *state)->inbox;
  const struct rect sizes[] = { { 0, 0, 64, 32 }, { 0, 0, 200, 8 } };
  uint8_t pixels[200 * 8 * 2] = { 0 };
  bool unannounced = false;

  show_dmabuf (inbox, 2, 0);
  inbox_console_size (inbox, 64, 32, 0);
  QdmabufBuffer *shown = inbox->current;
  for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (GError) error = NULL;
    uint32_t stride = (uint32_t) sizes[i].width * 2;

    assert_false (inbox_update_pixels (inbox, sizes[i], stride, DRM_FORMAT_RGB565, pixels,
                                       (size_t) stride * (size_t) sizes[i].height, 10, &unannounced,
                                       &error));
    assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_FORMAT));
    assert_ptr_equal (inbox->current, shown);
  }
  assert_int_equal (inbox_update_dmabuf (inbox, sizes[0], reply (), 20), INBOX_QUEUED);
}

/* QEMU waits for each answer. Who does not is not waited for. */
static void
test_replies_are_counted (void **state)
{
  struct inbox *inbox = &((struct fixture *) *state)->inbox;
  struct inbox_work work;

  show_dmabuf (inbox, 1, 0);
  assert_true (inbox_take (inbox, INBOX_SETTLE_US, &work));
  drop (&work);
  for (unsigned i = 0; i < INBOX_MAX_REPLIES; i++)
    assert_int_equal (inbox_update_dmabuf (inbox, (struct rect){ 0, 0, 8, 8 }, reply (), 50000),
                      INBOX_QUEUED);
  assert_int_equal (inbox_update_dmabuf (inbox, (struct rect){ 8, 0, 8, 8 }, reply (), 50001),
                    INBOX_FULL);
  assert_int_equal (answered, 0);
  assert_true (inbox_take (inbox, 50001, &work));
  assert_int_equal (work.replies->len, INBOX_MAX_REPLIES);
  assert_rect (&work.damage, 0, 0, 16, 8);
  drop (&work);
  assert_int_equal (answered, INBOX_MAX_REPLIES);
}

static void
test_retry (void **state)
{
  struct inbox *inbox = &((struct fixture *) *state)->inbox;
  struct inbox_work work;

  inbox_retry (inbox, 5); /* nothing shown: nothing to try */
  assert_int_equal (inbox_next (inbox), INT64_MAX);
  show_dmabuf (inbox, 1, 0);
  assert_true (inbox_take (inbox, INBOX_SETTLE_US, &work));
  drop (&work);
  inbox_retry (inbox, 70000);
  assert_false (inbox_take (inbox, 69999, &work));
  assert_true (inbox_take (inbox, 70000, &work));
  drop (&work);
}

#define test(f) cmocka_unit_test_setup_teardown (f, setup, teardown)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    test (test_placeholder_is_never_read),
    test (test_updates_become_one_read_and_are_answered_with_it),
    test (test_the_oldest_call_counts),
    test (test_what_held_replies_is_used_again),
    test (test_update_outside_the_picture_is_answered_all_the_same),
    test (test_new_scanout_answers_updates_of_the_old_one),
    test (test_update_without_scanout),
    test (test_disable_at_a_page_flip),
    test (test_disable_for_good),
    test (test_crop_takes_everything),
    test (test_inline_size_follows_the_console),
    test (test_old_sizes_cut_nothing),
    test (test_no_picture_is_larger_than_a_message),
    test (test_impossible_rectangles_are_refused),
    test (test_update_pixels_after_a_map),
    test (test_bad_pixels_cost_no_picture),
    test (test_replies_are_counted),
    test (test_retry),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
