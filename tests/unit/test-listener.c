/* SPDX-License-Identifier: MIT */
/* The listener against the fake QEMU: every call, well formed and not, and every way it can end. */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <inttypes.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen/call-queue.h"
#include "listen/deadline.h"
#include "listen/event.h"
#include "listen/listener.h"
#include "listen/names.h"
#include "listen/peer.h"
#include "listen/warnings.h"
#include "peer/fake-qemu.h"

#define PATIENCE_MS 5000u

struct fixture {
  struct fake_qemu *fake;
  struct peer *peer;
  struct listener *listener;
  GAsyncQueue *events; /* char * */
  GAsyncQueue *replies; /* struct listener_reply *, of UpdateDMABUF */
  QdmabufBuffer *buffer; /* of the newest scanout; test reads it behind expect */
  bool quiet;            /* counts instead of recording */
  int n_quiet;           /* atomic */
  GMutex *gate;          /* nullable: handlers wait here */
};

/* ---- handlers: each call becomes one line ---- */

static void G_GNUC_PRINTF (2, 3)
record (struct fixture *f, const char *format, ...)
{
  va_list arguments;

  if (f->gate) {
    g_mutex_lock (f->gate);
    g_mutex_unlock (f->gate);
  }
  g_atomic_int_inc (&f->n_quiet);
  if (f->quiet)
    return;
  va_start (arguments, format);
  g_async_queue_push (f->events, g_strdup_vprintf (format, arguments));
  va_end (arguments);
}

static void
on_scanout (void *data, QdmabufBuffer *buffer, unsigned version, int64_t time)
{
  struct fixture *f = data;
  const struct layout *l = &buffer->layout;

  assert_true (time > 0 && time <= g_get_monotonic_time ());
  g_clear_pointer (&f->buffer, qdmabuf_buffer_unref);
  f->buffer = qdmabuf_buffer_ref (buffer);
  record (f, "scanout v%u %ux%u %.4s stride %u offset %u planes %u crop %d,%d %dx%d mod %" PRIx64 "%s", version,
          l->width, l->height, (const char *) &l->fourcc, l->planes[0].stride, l->planes[0].offset, l->n_planes,
          l->crop.x, l->crop.y, l->crop.width, l->crop.height, l->modifier, l->y0_top ? " flip" : "");
}

static void
on_update_pixels (void *data, struct rect r, uint32_t stride, uint32_t fourcc, const uint8_t *pixels, size_t size,
                  int64_t time)
{
  (void) time;
  record (data, "pixels %d,%d %dx%d %.4s stride %u size %zu last %02x", r.x, r.y, r.width, r.height,
          (const char *) &fourcc, stride, size, pixels[size - 1]);
}

static void
on_update_map (void *data, struct rect r, int64_t time)
{
  (void) time;
  record (data, "map %d,%d %dx%d", r.x, r.y, r.width, r.height);
}

static void
on_update_dmabuf (void *data, struct rect r, struct listener_reply *reply, int64_t time)
{
  struct fixture *f = data;

  (void) time;
  g_async_queue_push (f->replies, reply);
  record (f, "dmabuf %d,%d %dx%d", r.x, r.y, r.width, r.height);
}

static void
on_disable (void *data)
{
  record (data, "disable");
}

static void
on_mouse_set (void *data, int x, int y, bool visible)
{
  record (data, "mouse %d,%d %s", x, y, visible ? "on" : "off");
}

static void
on_cursor_define (void *data, uint32_t width, uint32_t height, int hot_x, int hot_y, GBytes *pixels)
{
  record (data, "cursor %ux%u hot %d,%d size %zu", width, height, hot_x, hot_y, g_bytes_get_size (pixels));
}

static const char *
code_name (const GError *error)
{
  GEnumClass *class = g_type_class_ref (QDMABUF_TYPE_ERROR);
  const GEnumValue *value = error->domain == QDMABUF_ERROR ? g_enum_get_value (class, error->code) : NULL;

  g_type_class_unref (class);
  return value ? value->value_nick : "foreign";
}

static void
on_warning (void *data, const GError *error)
{
  record (data, "warning %s: %s", code_name (error), error->message);
}

static void
on_closed (void *data, const GError *error)
{
  record (data, "closed %s: %s", code_name (error), error->message);
}

static const struct listener_handler handler = {
  .scanout = on_scanout,
  .update_pixels = on_update_pixels,
  .update_map = on_update_map,
  .update_dmabuf = on_update_dmabuf,
  .disable = on_disable,
  .mouse_set = on_mouse_set,
  .cursor_define = on_cursor_define,
  .warning = on_warning,
  .closed = on_closed,
};

/* ---- the fixture ---- */

static void
fixture_connect (struct fixture *f, const struct fake_options *options)
{
  GError *error = NULL;

  *f = (struct fixture){ .events = g_async_queue_new_full (g_free), .replies = g_async_queue_new () };
  f->fake = fake_new (options);
  f->peer = peer_open_fd (fake_client_fd (f->fake), NULL, &error);
  assert_null (error);
  assert_non_null (f->peer);
}

static void
fixture_listen (struct fixture *f, QdmabufListenerFlags flags)
{
  GError *error = NULL;
  int fds[2];

  assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  f->listener = listener_new (fds[0], flags, &handler, f, &error);
  assert_null (error);
  assert_true (peer_register_listener (f->peer, 0, fds[1], NULL, &error));
  assert_null (error);
  close (fds[1]);
}

static void
fixture_start (struct fixture *f, QdmabufListenerFlags flags)
{
  fixture_connect (f, &(struct fake_options){ .n_consoles = 1 });
  fixture_listen (f, flags);
  assert_true (fake_wait_listeners (f->fake, 0, 1, PATIENCE_MS));
}

static void
fixture_end (struct fixture *f)
{
  struct listener_reply *reply = NULL;

  g_clear_pointer (&f->listener, listener_free);
  while ((reply = g_async_queue_try_pop (f->replies)))
    listener_reply_send (reply);
  g_clear_pointer (&f->buffer, qdmabuf_buffer_unref);
  g_clear_pointer (&f->peer, peer_free);
  fake_free (f->fake);
  g_async_queue_unref (f->events);
  g_async_queue_unref (f->replies);
}

/* The next line; an expected text with "…" at its end stands for any rest. */
static void
expect (struct fixture *f, const char *expected)
{
  g_autofree char *line = g_async_queue_timeout_pop (f->events, PATIENCE_MS * 1000);

  if (!line)
    fail_msg ("nothing came; expected “%s”", expected);
  if (g_str_has_suffix (expected, "…")
          ? strncmp (line, expected, strlen (expected) - strlen ("…")) != 0
          : strcmp (line, expected) != 0)
    fail_msg ("“%s” came; expected “%s”", line, expected);
}

/* Calls are handled in order, so when this one came, those before it are done. */
static void
expect_alive (struct fixture *f)
{
  static int n;
  g_autofree char *line = g_strdup_printf ("mouse %d,2 on", ++n);

  fake_mouse_set (f->fake, 0, n, 2, true);
  expect (f, line);
}

static void
assert_answered (struct fixture *f, unsigned call)
{
  GError *error = NULL;
  g_autoptr (GVariant) body = fake_wait_reply (f->fake, call, PATIENCE_MS, NULL, &error);

  if (!body)
    fail_msg ("no good answer: %s", error->message);
  assert_string_equal (g_variant_get_type_string (body), "()");
}

static void
assert_refused (struct fixture *f, unsigned call, const char *name)
{
  GError *error = NULL;

  assert_null (fake_wait_reply (f->fake, call, PATIENCE_MS, NULL, &error));
  g_autofree char *remote = g_dbus_error_get_remote_error (error);
  if (!remote)
    fail_msg ("no answer: %s", error->message);
  assert_string_equal (remote, name);
  g_clear_error (&error);
}

/* ---- tests ---- */

static void
test_interfaces (void **state)
{
  static const char *const expected[] = { "", INTERFACE_MAP, INTERFACE_DMABUF2, INTERFACE_MAP " " INTERFACE_DMABUF2 };

  (void) state;
  for (unsigned flags = 0; flags < G_N_ELEMENTS (expected); flags++) {
    struct fixture f;

    fixture_start (&f, flags);
    g_autofree char *interfaces = fake_listener_interfaces (f.fake, 0);
    assert_string_equal (interfaces, expected[flags]);
    fixture_end (&f);
  }
}

static void
test_pixels (void **state)
{
  g_autofree uint8_t *picture = g_malloc0 (64 * 16);
  struct fixture f;

  (void) state;
  fixture_start (&f, QDMABUF_LISTENER_ALL);
  picture[64 * 15 + 63] = 0x5a;
  fake_scanout (f.fake, 0, 15, 16, 64, FAKE_XRGB, picture, 64 * 16);
  expect (&f, "scanout v0 15x16 XR24 stride 64 offset 0 planes 1 crop 0,0 15x16 mod 0");
  /* The message's own memory: whole, and ours to write into. */
  assert_int_equal (f.buffer->size, 64 * 16);
  assert_int_equal (f.buffer->bytes[64 * 15 + 63], 0x5a);
  memset (f.buffer->bytes, 0xff, f.buffer->size);

  fake_update (f.fake, 0, 3, -4, 4, 16, 64, FAKE_XRGB, picture, 64 * 16);
  expect (&f, "pixels 3,-4 4x16 XR24 stride 64 size 1024 last 5a");
  /* Rows of the last line need not be padded; more bytes than needed do no harm. */
  fake_update (f.fake, 0, 0, 0, 4, 2, 64, 0x20030888, picture, 64 + 16);
  expect (&f, "pixels 0,0 4x2 XB24 stride 64 size 80 last 00");
  fake_disable (f.fake, 0);
  expect (&f, "disable");
  fixture_end (&f);
}

static void
test_map (void **state)
{
  struct fixture f;
  int fd = fake_memfd (64 * 1024);
  int64_t us = 0;

  (void) state;
  fixture_start (&f, QDMABUF_LISTENER_MAP);
  unsigned call = fake_scanout_map (f.fake, 0, fd, 12, 100, 50, 400, FAKE_XRGB);
  g_autoptr (GVariant) body = fake_wait_reply (f.fake, call, PATIENCE_MS, &us, NULL);
  assert_non_null (body);
  print_message ("ScanoutMap was answered after %d µs\n", (int) us);
  assert_true (us < 500000);
  expect (&f, "scanout v0 100x50 XR24 stride 400 offset 12 planes 1 crop 0,0 100x50 mod 0");
  fake_update_map (f.fake, 0, -1, 0, 700, 5);
  expect (&f, "map -1,0 700x5");

  /* Past the end: QEMU gets an error, and then sends pixels. */
  assert_refused (&f, fake_scanout_map (f.fake, 0, fd, 12, 100, 1000, 400, FAKE_XRGB), ERROR_FAILED);
  expect (&f, "warning bad-layout: ScanoutMap: …");
  assert_refused (&f, fake_scanout_map (f.fake, 0, fd, 12, 100, 50, 400, 0x12345678), ERROR_FAILED);
  expect (&f, "warning unsupported-format: ScanoutMap: pixman format 0x12345678 is unknown");
  expect_alive (&f);
  assert_int_equal (listener_get_counters (f.listener).map_replies, 1);
  assert_int_equal (listener_get_counters (f.listener).refused, 2);
  close (fd);
  fixture_end (&f);
}

static void
test_dmabuf (void **state)
{
  struct fixture f;
  int fd = fake_memfd (1 << 20);

  (void) state;
  fixture_start (&f, QDMABUF_LISTENER_ALL);
  fake_scanout_dmabuf (f.fake, 0, fd, 320, 200, 1280, DRM_FORMAT_ABGR8888, DRM_FORMAT_MOD_LINEAR, true);
  expect (&f, "scanout v1 320x200 AB24 stride 1280 offset 0 planes 1 crop 0,0 320x200 mod 0 flip");

  struct fake_dmabuf2 two = { .fds = { fd, fd },
                              .n_fds = 2,
                              .x = 10,
                              .y = 20,
                              .width = 300,
                              .height = 100,
                              .offsets = { 64, 4096 },
                              .strides = { 1280, 640 },
                              .n_planes = 2,
                              .fourcc = DRM_FORMAT_XRGB8888,
                              .backing_width = 320,
                              .backing_height = 200,
                              .modifier = I915_FORMAT_MOD_Y_TILED_CCS };
  fake_scanout_dmabuf2 (f.fake, 0, &two);
  expect (&f, "scanout v2 320x200 XR24 stride 1280 offset 64 planes 2 crop 10,20 300x100 mod 100000000000004");
  /* Upside down: 20 rows below the crop as stored are 80 above it as shown. One fd serves both planes. */
  two.y0_top = true;
  two.n_fds = 1;
  fake_scanout_dmabuf2 (f.fake, 0, &two);
  expect (&f, "scanout v2 320x200 XR24 stride 1280 offset 64 planes 2 crop 10,80 300x100 mod 100000000000004 flip");

  unsigned first = fake_update_dmabuf (f.fake, 0, 0, 400, 640, 80);
  unsigned second = fake_update_dmabuf (f.fake, 0, 1, 2, 3, 4);
  expect (&f, "dmabuf 0,400 640x80");
  expect (&f, "dmabuf 1,2 3x4");
  /* Nobody but the owner of the reply answers. */
  GError *error = NULL;
  assert_null (fake_wait_reply (f.fake, first, 50, NULL, &error));
  assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT));
  g_clear_error (&error);
  listener_reply_send (g_async_queue_pop (f.replies));
  listener_reply_send (g_async_queue_pop (f.replies));
  assert_answered (&f, first);
  assert_answered (&f, second);
  assert_int_equal (listener_get_counters (f.listener).dmabuf_replies, 2);

  /* With the flag that no answer is expected there is none, and the reply is good for nothing but being sent. */
  fake_call (f.fake, 0, "UpdateDMABUF", g_variant_new ("(iiii)", 0, 0, 1, 1), NULL, 0, false);
  expect (&f, "dmabuf 0,0 1x1");
  listener_reply_send (g_async_queue_pop (f.replies));
  assert_int_equal (listener_get_counters (f.listener).dmabuf_replies, 2);
  close (fd);
  fixture_end (&f);
}

static void
test_cursor (void **state)
{
  g_autofree uint8_t *pixels = g_malloc0 (64 * 64 * 4);
  struct fixture f;

  (void) state;
  fixture_start (&f, QDMABUF_LISTENER_NONE);
  fake_cursor_define (f.fake, 0, 64, 64, 3, 4, pixels, 64 * 64 * 4);
  expect (&f, "cursor 64x64 hot 3,4 size 16384");
  fake_cursor_define (f.fake, 0, 64, 64, -5, 0x7fffffff, pixels, 64 * 64 * 4);
  expect (&f, "cursor 64x64 hot 0,63 size 16384");
  fake_mouse_set (f.fake, 0, -2147483647 - 1, 2147483647, false);
  expect (&f, "mouse -2147483648,2147483647 off");
  fixture_end (&f);
}

/* Answers also where QEMU never asks for any, as another peer may. */
static void
test_all_answer (void **state)
{
  static const char *const calls[][2] = {
    { "Disable", "()" },
    { "MouseSet", "(1, 2, 0)" },
    { "UpdateMap", "(0, 0, 1, 1)" },
    { "Update", "(0, 0, 1, 1, uint32 4, uint32 0x20020888, [byte 1, 2, 3, 4])" },
    { "Scanout", "(uint32 1, uint32 1, uint32 4, uint32 0x20020888, [byte 1, 2, 3, 4])" },
    { "CursorDefine", "(1, 1, 0, 0, [byte 1, 2, 3, 4])" },
  };
  struct fixture f;

  (void) state;
  fixture_start (&f, QDMABUF_LISTENER_ALL);
  f.quiet = true;
  for (unsigned i = 0; i < G_N_ELEMENTS (calls); i++)
    assert_answered (&f, fake_call (f.fake, 0, calls[i][0], g_variant_new_parsed (calls[i][1]), NULL, 0, true));
  fixture_end (&f);
}

struct bad_call {
  const char *method;
  const char *arguments; /* NULL: none */
  unsigned n_fds;
  const char *warning;
};

#define PIXEL "[byte 1, 2, 3, 4]"
#define XRGB "uint32 0x20020888"
#define LINEAR_TAIL "uint32 875713112, uint64 0, false)"

static const struct bad_call bad_calls[] = {
  /* wrong arguments */
  { "Scanout", NULL, 0, "warning protocol: Scanout: arguments of the types (); (uuuuay) are expected" },
  { "Scanout", "(1, 1, 4, 537004168, " PIXEL ")", 0, "warning protocol: Scanout: …" },
  { "Update", "(uint32 1,)", 0, "warning protocol: Update: …" },
  { "ScanoutDMABUF", "(1, 2)", 1, "warning protocol: ScanoutDMABUF: …" },
  { "ScanoutDMABUF2", "(1, 2)", 1, "warning protocol: ScanoutDMABUF2: …" },
  { "ScanoutMap", "('x',)", 1, "warning protocol: ScanoutMap: …" },
  { "UpdateMap", "(1, 2, 3)", 0, "warning protocol: UpdateMap: …" },
  { "UpdateDMABUF", "(1, 2, 3, 4, 5)", 0, "warning protocol: UpdateDMABUF: …" },
  { "Disable", "(1,)", 0, "warning protocol: Disable: …" },
  { "MouseSet", "('', '', '')", 0, "warning protocol: MouseSet: …" },
  { "CursorDefine", "(1, 1, 0, 0, 'abcd')", 0, "warning protocol: CursorDefine: …" },
  /* unknown */
  { "ScanoutDMABUF3", "(1,)", 0, "warning protocol: the call org.qemu.Display1.Listener.ScanoutDMABUF3 is unknown" },
  { "org.example.Disable", NULL, 0, "warning protocol: the call org.example.Disable is unknown" },
  /* pictures in messages */
  { "Scanout", "(uint32 0, uint32 1, uint32 4, " XRGB ", " PIXEL ")", 0, "warning bad-layout: Scanout: …" },
  { "Scanout", "(uint32 1, uint32 0, uint32 4, " XRGB ", " PIXEL ")", 0, "warning bad-layout: Scanout: …" },
  { "Scanout", "(uint32 1, uint32 1, uint32 4, " XRGB ", @ay [])", 0, "warning bad-layout: Scanout: …" },
  { "Scanout", "(uint32 1, uint32 2, uint32 4, " XRGB ", " PIXEL ")", 0, "warning bad-layout: Scanout: …" },
  { "Scanout", "(uint32 1, uint32 1, uint32 3, " XRGB ", " PIXEL ")", 0, "warning bad-layout: Scanout: …" },
  { "Scanout", "(uint32 4294967295, uint32 4294967295, uint32 4294967295, " XRGB ", " PIXEL ")", 0,
    "warning limit: Scanout: …" },
  { "Scanout", "(uint32 1, uint32 1, uint32 4, uint32 7, " PIXEL ")", 0,
    "warning unsupported-format: Scanout: pixman format 0x00000007 is unknown" },
  /* updates in messages */
  { "Update", "(0, 0, 0, 1, uint32 4, " XRGB ", " PIXEL ")", 0, "warning bad-layout: Update: an update of 0×1 pixels" },
  { "Update", "(0, 0, 1, -1, uint32 4, " XRGB ", " PIXEL ")", 0, "warning bad-layout: Update: …" },
  { "Update", "(0, 0, 2, 1, uint32 8, " XRGB ", " PIXEL ")", 0, "warning bad-layout: Update: …" },
  { "Update", "(0, 0, 1, 2, uint32 4294967295, " XRGB ", " PIXEL ")", 0, "warning bad-layout: Update: …" },
  { "Update", "(0, 0, 1, 1, uint32 4, " XRGB ", @ay [])", 0, "warning bad-layout: Update: …" },
  { "Update", "(0, 0, 2147483647, 2147483647, uint32 4, " XRGB ", " PIXEL ")", 0, "warning limit: Update: …" },
  { "Update", "(0, 0, 1, 1, uint32 4, uint32 0, " PIXEL ")", 0, "warning unsupported-format: Update: …" },
  /* file descriptors */
  { "ScanoutMap", "(handle 0, uint32 0, uint32 8, uint32 8, uint32 32, " XRGB ")", 0,
    "warning bad-layout: ScanoutMap: 0 file descriptors came with the call; 1 expected" },
  { "ScanoutMap", "(handle 0, uint32 0, uint32 8, uint32 8, uint32 32, " XRGB ")", 2,
    "warning bad-layout: ScanoutMap: 2 file descriptors came with the call; 1 expected" },
  { "ScanoutMap", "(handle 1, uint32 0, uint32 8, uint32 8, uint32 32, " XRGB ")", 1,
    "warning bad-layout: ScanoutMap: the message names file descriptor 1 and carries 1" },
  { "ScanoutMap", "(handle -1, uint32 0, uint32 8, uint32 8, uint32 32, " XRGB ")", 1,
    "warning bad-layout: ScanoutMap: the message names file descriptor -1 and carries 1" },
  { "ScanoutMap", "(handle 0, uint32 4294967295, uint32 8, uint32 8, uint32 32, " XRGB ")", 1,
    "warning bad-layout: ScanoutMap: …" },
  { "ScanoutDMABUF", "(handle 0, uint32 8, uint32 8, uint32 32, " LINEAR_TAIL, 0,
    "warning bad-layout: ScanoutDMABUF: 0 file descriptors came with the call; 1 expected" },
  { "ScanoutDMABUF", "(handle 0, uint32 8, uint32 8, uint32 32, " LINEAR_TAIL, 9, "warning bad-layout: …" },
  { "ScanoutDMABUF", "(handle 7, uint32 8, uint32 8, uint32 32, " LINEAR_TAIL, 1, "warning bad-layout: …" },
  { "UpdateDMABUF", "(0, 0, 1, 1)", 1, "warning bad-layout: UpdateDMABUF: 1 file descriptors came with the call; 0 …" },
  { "Disable", NULL, 100, "warning bad-layout: Disable: 100 file descriptors …" },
  /* sizes of DMA-BUFs */
  { "ScanoutDMABUF", "(handle 0, uint32 0, uint32 8, uint32 32, " LINEAR_TAIL, 1, "warning bad-layout: …" },
  { "ScanoutDMABUF", "(handle 0, uint32 65536, uint32 8, uint32 32, " LINEAR_TAIL, 1, "warning limit: …" },
  { "ScanoutDMABUF", "(handle 0, uint32 8, uint32 8, uint32 31, " LINEAR_TAIL, 1, "warning bad-layout: …" },
  { "ScanoutDMABUF", "(handle 0, uint32 8, uint32 8000, uint32 4096, " LINEAR_TAIL, 1, "warning bad-layout: …" },
  { "ScanoutDMABUF", "(handle 0, uint32 8, uint32 8, uint32 32, uint32 0, uint64 0, false)", 1,
    "warning unsupported-format: …" },
  /* DMABUF2: nothing to show, outside, too many planes, arrays that do not fit */
  { "ScanoutDMABUF2",
    "(@ah [], uint32 0, uint32 0, uint32 8, uint32 8, [uint32 0], [uint32 32], uint32 1, uint32 875713112, uint32 8, "
    "uint32 8, uint64 0, false)", 1, "warning bad-layout: ScanoutDMABUF2: 0 file descriptors for 1 planes" },
  { "ScanoutDMABUF2",
    "([handle 0], uint32 1, uint32 0, uint32 8, uint32 8, [uint32 0], [uint32 32], uint32 1, uint32 875713112, "
    "uint32 8, uint32 8, uint64 0, false)", 1, "warning bad-layout: ScanoutDMABUF2: the picture of 8×8 at 1, 0 lies …" },
  { "ScanoutDMABUF2",
    "([handle 0], uint32 0, uint32 4294967295, uint32 8, uint32 8, [uint32 0], [uint32 32], uint32 1, "
    "uint32 875713112, uint32 8, uint32 8, uint64 0, true)", 1, "warning bad-layout: …" },
  { "ScanoutDMABUF2",
    "([handle 0], uint32 0, uint32 0, uint32 8, uint32 9, [uint32 0], [uint32 32], uint32 1, uint32 875713112, "
    "uint32 8, uint32 8, uint64 0, true)", 1, "warning bad-layout: …" },
  { "ScanoutDMABUF2",
    "([handle 0], uint32 0, uint32 0, uint32 8, uint32 8, [uint32 0], [uint32 32], uint32 5, uint32 875713112, "
    "uint32 8, uint32 8, uint64 0, false)", 1, "warning bad-layout: ScanoutDMABUF2: 5 planes with 1 offsets and 1 …" },
  { "ScanoutDMABUF2",
    "([handle 0], uint32 0, uint32 0, uint32 8, uint32 8, [uint32 0, 0], [uint32 32], uint32 2, uint32 875713112, "
    "uint32 8, uint32 8, uint64 0, false)", 1, "warning bad-layout: …" },
  { "ScanoutDMABUF2",
    "([handle 0, 0], uint32 0, uint32 0, uint32 8, uint32 8, [uint32 0], [uint32 32], uint32 1, uint32 875713112, "
    "uint32 8, uint32 8, uint64 0, false)", 1, "warning bad-layout: ScanoutDMABUF2: 2 file descriptors for 1 planes" },
  { "ScanoutDMABUF2",
    "([handle 0, 3], uint32 0, uint32 0, uint32 8, uint32 8, [uint32 0, 0], [uint32 32, 32], uint32 2, "
    "uint32 875713112, uint32 8, uint32 8, uint64 0, false)", 2, "warning bad-layout: …" },
  /* cursors */
  { "CursorDefine", "(0, 1, 0, 0, @ay [])", 0, "warning bad-layout: CursorDefine: a cursor of 0×1…" },
  { "CursorDefine", "(-1, -1, 0, 0, " PIXEL ")", 0, "warning bad-layout: CursorDefine: …" },
  { "CursorDefine", "(1025, 1, 0, 0, " PIXEL ")", 0, "warning limit: CursorDefine: …" },
  { "CursorDefine", "(65536, 65536, 0, 0, " PIXEL ")", 0, "warning limit: CursorDefine: …" },
  { "CursorDefine", "(2, 1, 0, 0, " PIXEL ")", 0, "warning bad-layout: CursorDefine: …" },
  { "CursorDefine", "(1, 1, 0, 0, [byte 1, 2, 3, 4, 5])", 0, "warning bad-layout: CursorDefine: …" },
  /* properties */
  { INTERFACE_PROPERTIES ".GetAll", "('org.example.Foo\\n',)", 0,
    "warning protocol: QEMU asks for the properties of “org.example.Foo?”" },
  { INTERFACE_PROPERTIES ".Get", "('" INTERFACE_LISTENER "', 'Foo')", 0,
    "warning protocol: QEMU asks for the property “Foo”" },
  { INTERFACE_PROPERTIES ".Get", "('" INTERFACE_MAP "', 'Interfaces')", 0, "warning protocol: …" },
  { INTERFACE_PROPERTIES ".GetAll", "(1,)", 0, "warning protocol: …" },
  { INTERFACE_PROPERTIES ".Set", "('" INTERFACE_LISTENER "', 'Interfaces', <'x'>)", 0, "warning protocol: …" },
};

static GVariant *
parse (const char *text)
{
  GError *error = NULL;
  GVariant *value = text ? g_variant_parse (NULL, text, NULL, NULL, &error) : NULL;

  if (error)
    fail_msg ("%s: %s", text, error->message);
  return value;
}

/* Each gets its own listener, so that the limit of one warning a second hides none; asks for an answer, so that it must
 * also be an error; and the calls behind it work. */
static void
test_bad_calls (void **state)
{
  int fds[128];

  (void) state;
  for (unsigned i = 0; i < G_N_ELEMENTS (fds); i++)
    fds[i] = fake_memfd (4096);
  for (unsigned i = 0; i < G_N_ELEMENTS (bad_calls); i++) {
    const struct bad_call *bad = &bad_calls[i];
    g_autoptr (GVariant) arguments = parse (bad->arguments);
    GError *error = NULL;
    struct fixture f;

    fixture_start (&f, QDMABUF_LISTENER_ALL);
    unsigned call = fake_call (f.fake, 0, bad->method, arguments, fds, bad->n_fds, true);
    expect (&f, bad->warning);
    assert_null (fake_wait_reply (f.fake, call, PATIENCE_MS, NULL, &error));
    assert_true (g_dbus_error_is_remote_error (error));
    g_clear_error (&error);
    /* Without an answer wanted it is the same, and none comes. */
    fake_call (f.fake, 0, bad->method, arguments, fds, bad->n_fds, false);
    expect_alive (&f);
    assert_int_equal (listener_get_counters (f.listener).refused, 2);
    fixture_end (&f);
  }
  for (unsigned i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
}

static void
test_not_offered (void **state)
{
  int fd = fake_memfd (4096);
  struct fixture f;

  (void) state;
  fixture_start (&f, QDMABUF_LISTENER_NONE);
  assert_refused (&f, fake_scanout_map (f.fake, 0, fd, 0, 8, 8, 32, FAKE_XRGB), ERROR_UNKNOWN_METHOD);
  expect (&f, "warning protocol: the call " INTERFACE_MAP ".ScanoutMap is unknown");
  assert_refused (&f, fake_call (f.fake, 0, INTERFACE_PROPERTIES ".GetAll", parse ("('" INTERFACE_MAP "',)"), NULL, 0, true),
                  ERROR_UNKNOWN_INTERFACE);
  expect_alive (&f);
  close (fd);
  fixture_end (&f);
}

static char *
call_for_text (struct fixture *f, const char *method, const char *arguments)
{
  unsigned call = fake_call (f->fake, 0, method, parse (arguments), NULL, 0, true);
  GError *error = NULL;
  g_autoptr (GVariant) body = fake_wait_reply (f->fake, call, PATIENCE_MS, NULL, &error);

  assert_null (error);
  return g_variant_print (body, FALSE);
}

static void
test_standard (void **state)
{
  struct fixture f;

  (void) state;
  fixture_start (&f, QDMABUF_LISTENER_MAP);
  g_autofree char *get = call_for_text (&f, INTERFACE_PROPERTIES ".Get", "('" INTERFACE_LISTENER "', 'Interfaces')");
  assert_string_equal (get, "(<['" INTERFACE_MAP "']>,)");
  g_autofree char *all = call_for_text (&f, INTERFACE_PROPERTIES ".GetAll", "('" INTERFACE_MAP "',)");
  assert_string_equal (all, "({},)");
  g_autofree char *ping = call_for_text (&f, INTERFACE_PEER ".Ping", NULL);
  assert_string_equal (ping, "()");
  fixture_end (&f);
}

/* What the listener says about itself is what the description of the interfaces says, and what is decoded. */
static void
test_description (void **state)
{
  g_autofree char *path = g_build_filename (g_getenv ("SOURCE_DIR"), "lib/listen/org.qemu.Display1.xml", NULL);
  g_autofree char *text = NULL;
  GError *error = NULL;
  struct fixture f;

  (void) state;
  assert_true (g_file_get_contents (path, &text, NULL, &error));
  g_autoptr (GDBusNodeInfo) description = g_dbus_node_info_new_for_xml (text, &error);
  assert_null (error);
  fixture_start (&f, QDMABUF_LISTENER_ALL);
  unsigned call = fake_call (f.fake, 0, INTERFACE_INTROSPECTABLE ".Introspect", NULL, NULL, 0, true);
  g_autoptr (GVariant) body = fake_wait_reply (f.fake, call, PATIENCE_MS, NULL, &error);
  const char *xml = NULL;
  g_variant_get (body, "(&s)", &xml);
  g_autoptr (GDBusNodeInfo) own = g_dbus_node_info_new_for_xml (xml, &error);
  assert_null (error);

  unsigned n = 0;
  for (GDBusInterfaceInfo **i = description->interfaces; *i; i++) {
    if (!g_str_has_prefix ((*i)->name, INTERFACE_LISTENER))
      continue;
    GDBusInterfaceInfo *mine = g_dbus_node_info_lookup_interface (own, (*i)->name);
    assert_non_null (mine);
    for (GDBusMethodInfo **m = (*i)->methods; m && *m; m++, n++) {
      GDBusMethodInfo *method = g_dbus_interface_info_lookup_method (mine, (*m)->name);

      assert_non_null (method);
      for (unsigned a = 0; (*m)->in_args && (*m)->in_args[a]; a++)
        assert_string_equal (method->in_args[a]->signature, (*m)->in_args[a]->signature);
    }
  }
  assert_int_equal (n, event_n_methods ());
  fixture_end (&f);
}

/* A path of its own, and a call without an interface: QEMU sends neither, so the peer cannot. */
static void
test_addressing (void **state)
{
  g_autoptr (GVariant) body = g_variant_ref_sink (g_variant_new_tuple (NULL, 0));
  struct transport_call call = { .path = "/elsewhere", .member = "Disable", .body = body };
  const char *dbus_error = NULL;
  struct event event;
  GError *error = NULL;
  unsigned method = 0;

  (void) state;
  assert_false (event_decode (&call, QDMABUF_LISTENER_ALL, &event, &method, &dbus_error, &error));
  assert_string_equal (dbus_error, ERROR_UNKNOWN_OBJECT);
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL));
  g_clear_error (&error);
  call.path = PATH_LISTENER;
  assert_true (event_decode (&call, QDMABUF_LISTENER_ALL, &event, &method, &dbus_error, &error));
  assert_int_equal (event.kind, EVENT_DISABLE);
  assert_string_equal (event_method_member (method), "Disable");
  event_clear (&event);
}

static void
test_warnings_once_a_second (void **state)
{
  struct fixture f;

  (void) state;
  fixture_start (&f, QDMABUF_LISTENER_ALL);
  for (unsigned i = 0; i < 1000; i++)
    fake_call (f.fake, 0, "Disable", parse ("(1,)"), NULL, 0, false);
  expect (&f, "warning protocol: Disable: …");
  /* Another kind is not held back by it. */
  fake_call (f.fake, 0, "MouseSet", parse ("(1,)"), NULL, 0, false);
  expect (&f, "warning protocol: MouseSet: …");
  expect_alive (&f);
  fixture_end (&f);

  struct warnings *warnings = g_new0 (struct warnings, 1);
  g_autoptr (GError) error = g_error_new_literal (QDMABUF_ERROR, QDMABUF_ERROR_LIMIT, "");
  unsigned kind = warnings_kind (event_n_methods (), error);
  uint32_t n = 9;
  assert_true (kind < WARNINGS_KINDS);
  assert_true (warnings_allow (warnings, kind, 1000, &n));
  assert_int_equal (n, 0);
  assert_false (warnings_allow (warnings, kind, 1001, &n));
  assert_false (warnings_allow (warnings, kind, 1000999, &n));
  assert_true (warnings_allow (warnings, kind + 1, 1000999, &n));
  assert_true (warnings_allow (warnings, kind, 1001000, &n));
  assert_int_equal (n, 2);
  g_free (warnings);
}

/* 10000 messages: all are read and handed on, in order. */
static void
test_flood (void **state)
{
  g_autofree uint8_t *picture = g_malloc0 (4096);
  unsigned last = 0;
  struct fixture f;

  (void) state;
  fixture_start (&f, QDMABUF_LISTENER_ALL);
  f.quiet = true;
  for (unsigned i = 0; i < 5000; i++) {
    fake_update (f.fake, 0, 0, 0, 32, 32, 128, FAKE_XRGB, picture, 4096);
    last = fake_call (f.fake, 0, "MouseSet", g_variant_new ("(iii)", 1, 1, 1), NULL, 0, i == 4999);
  }
  assert_answered (&f, last);
  assert_int_equal (g_atomic_int_get (&f.n_quiet), 10000);
  assert_int_equal (listener_get_counters (f.listener).dropped, 0);
  fixture_end (&f);
}

static void
push (struct call_queue *queue, const char *member, GVariant *body, bool taken)
{
  GDBusMessage *message = g_dbus_message_new_method_call (NULL, PATH_LISTENER, INTERFACE_LISTENER, member);

  g_dbus_message_set_flags (message, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  g_dbus_message_set_body (message, body);
  assert_int_equal (call_queue_push (queue, message, 1), taken);
}

static unsigned
count_calls (struct call_queue *queue, const char *member)
{
  struct queued_call *call = NULL;
  unsigned n = 0;

  while ((call = call_queue_pop (queue))) {
    n += g_str_equal (g_dbus_message_get_member (call->message), member);
    queued_call_free (call);
  }
  return n;
}

/* What is thrown out of a full queue, and what never is. */
static void
test_queue (void **state)
{
  const unsigned room = CALL_QUEUE_MAX_BYTES / ((16 << 20) + 2048);
  struct call_queue *queue = call_queue_new ();
  g_autofree uint8_t *bytes = g_malloc0 (16 << 20);
  g_autoptr (GVariant) large = g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, 16 << 20, 1);
  g_autoptr (GVariant) body = g_variant_ref_sink (g_variant_new ("(@ay)", g_variant_ref_sink (large)));

  (void) state;
  /* Updates belong to the picture before them: when there is no room, the newest are refused. */
  for (unsigned i = 0; i < room + 5; i++)
    push (queue, "Update", body, i < room);
  assert_int_equal (call_queue_take_dropped (queue), 5);
  assert_int_equal (call_queue_take_dropped (queue), 0);
  /* A new picture makes them needless. */
  push (queue, "Scanout", body, true);
  assert_int_equal (call_queue_take_dropped (queue), room);
  assert_int_equal (count_calls (queue, "Scanout"), 1);

  /* The pointer is no picture, and one call may be larger than all. */
  push (queue, "CursorDefine", body, true);
  for (unsigned i = 0; i < 100; i++)
    push (queue, "Scanout", body, true);
  assert_int_equal (count_calls (queue, "CursorDefine"), 1);
  g_autofree uint8_t *more = g_malloc0 (CALL_QUEUE_MAX_BYTES + 1);
  g_autoptr (GVariant) huge = g_variant_ref_sink (
      g_variant_new ("(@ay)", g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, more, CALL_QUEUE_MAX_BYTES + 1, 1)));
  push (queue, "Update", huge, true);
  push (queue, "Update", huge, false);
  push (queue, "Scanout", huge, true);
  assert_int_equal (count_calls (queue, "Scanout"), 1);
  call_queue_free (queue);
}

/* The handler stands still: the socket is read all the same, fds and memory are bounded, new pictures replace older ones,
 * and what QEMU waits for is answered. */
static void
test_stuck_handler (void **state)
{
  int fd = fake_memfd (4096);
  unsigned calls[200];
  struct fixture f;
  GMutex gate;

  (void) state;
  g_mutex_init (&gate);
  fixture_start (&f, QDMABUF_LISTENER_ALL);
  f.quiet = true;
  f.gate = &gate;
  g_mutex_lock (&gate);
  for (unsigned i = 0; i < 2000; i++) /* more fds than a process may have */
    fake_scanout_dmabuf (f.fake, 0, fd, 8, 8, 32, DRM_FORMAT_XRGB8888, 0, false);
  for (unsigned i = 0; i < G_N_ELEMENTS (calls); i++)
    calls[i] = fake_scanout_map (f.fake, 0, fd, 0, 4, 4, 16, FAKE_XRGB);
  /* The last of them finds no room. */
  assert_refused (&f, calls[G_N_ELEMENTS (calls) - 1], ERROR_LIMITS);
  g_mutex_unlock (&gate);

  assert_answered (&f, calls[0]);
  assert_answered (&f, fake_call (f.fake, 0, INTERFACE_PEER ".Ping", NULL, NULL, 0, true));
  struct listener_counters counters = listener_get_counters (f.listener);
  assert_true (counters.dropped > 1900);
  /* The newest pictures were not among them. */
  assert_int_equal (f.buffer->layout.width, 4);
  close (fd);
  fixture_end (&f);
  g_mutex_clear (&gate);
}

static void
test_reply_after_free (void **state)
{
  struct fixture f;

  (void) state;
  fixture_start (&f, QDMABUF_LISTENER_ALL);
  unsigned call = fake_update_dmabuf (f.fake, 0, 0, 0, 1, 1);
  expect (&f, "dmabuf 0,0 1x1");
  struct listener_reply *reply = g_async_queue_pop (f.replies);
  g_clear_pointer (&f.listener, listener_free);
  listener_reply_send (reply);
  assert_true (fake_wait_listener_closed (f.fake, 0, PATIENCE_MS));
  GError *error = NULL;
  assert_null (fake_wait_reply (f.fake, call, PATIENCE_MS, NULL, &error));
  assert_true (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED));
  g_clear_error (&error);
  fixture_end (&f);
}

/* Sent from a thread of its own, as a converter does, while the listener goes away. */
static gpointer
send_replies (gpointer data)
{
  struct fixture *f = data;

  for (unsigned i = 0; i < 100; i++)
    listener_reply_send (g_async_queue_pop (f->replies));
  return NULL;
}

static void
test_replies_while_freeing (void **state)
{
  struct fixture f;

  (void) state;
  fixture_start (&f, QDMABUF_LISTENER_ALL);
  f.quiet = true;
  GThread *thread = g_thread_new ("replies", send_replies, &f);
  for (unsigned i = 0; i < 100; i++)
    fake_update_dmabuf (f.fake, 0, 0, 0, 1, 1);
  unsigned last = fake_call (f.fake, 0, INTERFACE_PEER ".Ping", NULL, NULL, 0, true);
  assert_answered (&f, last);
  g_clear_pointer (&f.listener, listener_free);
  g_thread_join (thread);
  fixture_end (&f);
}

static gpointer
flood (gpointer data)
{
  struct fixture *f = data;

  while (!fake_wait_listener_closed (f->fake, 0, 0))
    fake_mouse_set (f->fake, 0, 1, 1, true);
  return NULL;
}

static void
test_free_in_flood (void **state)
{
  struct fixture f;

  (void) state;
  fixture_start (&f, QDMABUF_LISTENER_ALL);
  f.quiet = true;
  GThread *thread = g_thread_new ("flood", flood, &f);
  while (g_atomic_int_get (&f.n_quiet) < 1000)
    g_thread_yield ();
  int64_t start = g_get_monotonic_time ();
  g_clear_pointer (&f.listener, listener_free);
  assert_true (g_get_monotonic_time () - start < 2 * G_USEC_PER_SEC);
  g_thread_join (thread);
  fixture_end (&f);
}

static void
test_peer_closes (void **state)
{
  struct fixture f;

  (void) state;
  fixture_start (&f, QDMABUF_LISTENER_ALL);
  for (unsigned i = 0; i < 100; i++)
    fake_disable (f.fake, 0);
  /* As the last of them was answered, all were read; they come before the end. */
  assert_answered (&f, fake_call (f.fake, 0, "Disable", NULL, NULL, 0, true));
  fake_close_listener (f.fake, 0);
  for (unsigned i = 0; i < 101; i++)
    expect (&f, "disable");
  expect (&f, "closed closed: …");
  fixture_end (&f);
}

/* The main connection goes away and the listener stays: another client took over. */
static void
test_taken_over (void **state)
{
  struct fixture f;

  (void) state;
  fixture_start (&f, QDMABUF_LISTENER_ALL);
  fake_close_main (f.fake);
  assert_true (fake_wait_main_closed (f.fake, PATIENCE_MS));
  expect_alive (&f);
  fixture_end (&f);
}

static void
test_broken_message (void **state)
{
  static const char broken[] = "l\1\0\1this is no D-Bus message, and far too long to be taken for one";
  struct fixture f;

  (void) state;
  fixture_start (&f, QDMABUF_LISTENER_ALL);
  fake_write_raw (f.fake, 0, broken, sizeof broken);
  expect (&f, "closed …");
  fixture_end (&f);
}

static void
test_silent (void **state)
{
  struct fixture f;

  (void) state;
  /* Freed while QEMU has not begun to authenticate: at once, and closed is not told. */
  fixture_connect (&f, &(struct fake_options){ .n_consoles = 1, .faults = FAKE_MUTE_LISTENER });
  fixture_listen (&f, QDMABUF_LISTENER_ALL);
  int64_t start = g_get_monotonic_time ();
  g_clear_pointer (&f.listener, listener_free);
  assert_true (g_get_monotonic_time () - start < G_USEC_PER_SEC);
  assert_null (g_async_queue_try_pop (f.events));

  /* And where nobody frees it, the time runs out. */
  deadline_answer_ms = 200;
  fixture_listen (&f, QDMABUF_LISTENER_ALL);
  expect (&f, "closed timed-out: QEMU did not take up the listener: …");
  deadline_answer_ms = 5000;
  fixture_end (&f);

  fixture_connect (&f, &(struct fake_options){ .n_consoles = 1, .faults = FAKE_CLOSE_LISTENER });
  fixture_listen (&f, QDMABUF_LISTENER_ALL);
  expect (&f, "closed connect: QEMU did not take up the listener: …");
  fixture_end (&f);

  fixture_connect (&f, &(struct fake_options){ .n_consoles = 1, .faults = FAKE_NO_GET_ALL });
  fixture_listen (&f, QDMABUF_LISTENER_ALL);
  assert_true (fake_wait_listeners (f.fake, 0, 1, PATIENCE_MS));
  expect_alive (&f);
  fixture_end (&f);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_interfaces),
    fds_unit_test (test_pixels),
    fds_unit_test (test_map),
    fds_unit_test (test_dmabuf),
    fds_unit_test (test_cursor),
    fds_unit_test (test_all_answer),
    fds_unit_test (test_bad_calls),
    fds_unit_test (test_not_offered),
    fds_unit_test (test_standard),
    fds_unit_test (test_description),
    fds_unit_test (test_addressing),
    fds_unit_test (test_warnings_once_a_second),
    fds_unit_test (test_flood),
    fds_unit_test (test_queue),
    fds_unit_test (test_stuck_handler),
    fds_unit_test (test_reply_after_free),
    fds_unit_test (test_replies_while_freeing),
    fds_unit_test (test_free_in_flood),
    fds_unit_test (test_peer_closes),
    fds_unit_test (test_taken_over),
    fds_unit_test (test_broken_message),
    fds_unit_test (test_silent),
  };

  return cmocka_run_group_tests (tests, fake_warm_up, NULL);
}
