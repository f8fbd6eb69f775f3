/* SPDX-License-Identifier: MIT */
/* What a call costs the listener's thread in memory, once it runs: an update of any kind nothing, a
 * new picture its public object. Counted by a malloc of our own. */
#include "support/fds.h"

#include <drm_fourcc.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen/listener.h"
#include "listen/names.h"
#include "peer/fake-qemu.h"
#include "peer/raw-peer.h"

#define ROUNDS 100
#define SIZE (256 * 256 * 4)

/* ---- a malloc that counts ---- */

/* A sanitizer has a malloc of its own. */
#if defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__ || defined SANITIZED || \
    !defined __GLIBC__
#define COUNTS 0
static atomic_uint n_allocations;
static __thread bool is_counted;
#else
#define COUNTS 1

#define SEEN_BY_ALL __attribute__ ((visibility ("default")))

extern void *__libc_malloc (size_t n);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *memory, size_t n);

static atomic_uint n_allocations;
static __thread bool is_counted; /* this thread's are */

static void
count (void)
{
  if (is_counted)
    atomic_fetch_add (&n_allocations, 1);
}

SEEN_BY_ALL void *
malloc (size_t n)
{
  count ();
  return __libc_malloc (n);
}

SEEN_BY_ALL void *
calloc (size_t n, size_t size)
{
  count ();
  return __libc_calloc (n, size);
}

SEEN_BY_ALL void *
realloc (void *memory, size_t n)
{
  count ();
  return __libc_realloc (memory, n);
}
#endif

/* ---- a listener ---- */

struct run {
  int peer;
  struct listener *listener;
  GAsyncQueue *seen;     /* one for each call */
  QdmabufBuffer *buffer; /* of the newest scanout */
};

/* The queue's own memory is not the listener's. */
static void
see (struct run *run)
{
  is_counted = false;
  g_async_queue_push (run->seen, run);
  is_counted = true;
}

static void
on_scanout (void *data, QdmabufBuffer *buffer, unsigned version, int64_t time)
{
  struct run *run = data;

  (void) version;
  (void) time;
  g_clear_pointer (&run->buffer, qdmabuf_buffer_unref);
  run->buffer = qdmabuf_buffer_ref (buffer);
  see (run);
}

static void
on_update_pixels (void *data, struct rect r, uint32_t stride, uint32_t fourcc,
                  const uint8_t *pixels, size_t size, int64_t time)
{
  (void) r;
  (void) stride;
  (void) fourcc;
  (void) pixels;
  (void) size;
  (void) time;
  see (data);
}

static void
on_update_map (void *data, struct rect r, int64_t time)
{
  (void) r;
  (void) time;
  see (data);
}

static void
on_update_dmabuf (void *data, struct rect r, struct listener_reply *reply, int64_t time)
{
  (void) r;
  (void) time;
  listener_reply_send (reply);
  see (data);
}

static void
on_disable (void *data)
{
  see (data);
}

static void
on_mouse_set (void *data, int x, int y, bool visible)
{
  (void) x;
  (void) y;
  (void) visible;
  see (data);
}

static void
on_cursor_define (void *data, uint32_t width, uint32_t height, int x, int y, GBytes *pixels)
{
  (void) width;
  (void) height;
  (void) x;
  (void) y;
  (void) pixels;
  see (data);
}

static void
on_error (void *data, const GError *error)
{
  (void) data;
  g_error ("%s", error->message);
}

static const struct listener_handler handler = {
  .scanout = on_scanout,
  .update_pixels = on_update_pixels,
  .update_map = on_update_map,
  .update_dmabuf = on_update_dmabuf,
  .disable = on_disable,
  .mouse_set = on_mouse_set,
  .cursor_define = on_cursor_define,
  .warning = on_error,
  .closed = on_error,
};

static void
run_start (struct run *run)
{
  int fds[2] = { -1, -1 };

  assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  *run = (struct run){ .peer = fds[0], .seen = g_async_queue_new () };
  run->listener = listener_new (fds[1], QDMABUF_LISTENER_ALL, &handler, run, NULL);
  assert_non_null (run->listener);
  assert_true (raw_authenticate (run->peer));
}

static void
run_end (struct run *run)
{
  listener_free (run->listener);
  g_clear_pointer (&run->buffer, qdmabuf_buffer_unref);
  g_async_queue_unref (run->seen);
  close (run->peer);
}

/* arguments: floating, as those of fake_call. */
static GBytes *
write_call (const char *interface, const char *member, GVariant *arguments)
{
  g_autoptr (GDBusMessage) message =
      g_dbus_message_new_method_call (NULL, PATH_LISTENER, interface, member);
  gsize n = 0;

  g_dbus_message_set_serial (message, 7);
  g_dbus_message_set_body (message, arguments);
  guchar *bytes = g_dbus_message_to_blob (message, &n, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);
  assert_non_null (bytes);
  return g_bytes_new_take (bytes, n);
}

/* Sends it and waits until it was handled; each call wants an answer, which is read. */
static void
call_once (struct run *run, GBytes *call)
{
  uint8_t answer[4096];
  gsize n = 0;
  const uint8_t *bytes = g_bytes_get_data (call, &n);

  for (gsize sent = 0; sent < n;) {
    ssize_t some = send (run->peer, bytes + sent, n - sent, MSG_NOSIGNAL);

    assert_true (some > 0);
    sent += (gsize) some;
  }
  assert_non_null (g_async_queue_timeout_pop (run->seen, 5 * G_USEC_PER_SEC));
  assert_true (recv (run->peer, answer, sizeof answer, 0) > 0);
}

/* Allocations per call, rounded up. */
static unsigned
cost (struct run *run, GBytes *call)
{
  for (unsigned i = 0; i < 10; i++)
    call_once (run, call);
  unsigned before = atomic_load (&n_allocations);
  for (unsigned i = 0; i < ROUNDS; i++)
    call_once (run, call);
  unsigned n = atomic_load (&n_allocations) - before;
  g_bytes_unref (call);
  return (n + ROUNDS - 1) / ROUNDS;
}

static void
test_cost (void **state)
{
  g_autofree uint8_t *pixels = g_malloc0 (SIZE);
  GVariant *bytes =
      g_variant_ref_sink (g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, pixels, SIZE, 1));
  struct run run;

  (void) state;
  run_start (&run);
  unsigned scanout =
      cost (&run, write_call (INTERFACE_LISTENER, "Scanout",
                              g_variant_new ("(uuuu@ay)", 256, 256, 1024, FAKE_XRGB, bytes)));
  unsigned update = cost (
      &run, write_call (INTERFACE_LISTENER, "Update",
                        g_variant_new ("(iiiiuu@ay)", 0, 0, 256, 256, 1024, FAKE_XRGB, bytes)));
  unsigned map =
      cost (&run, write_call (INTERFACE_MAP, "UpdateMap", g_variant_new ("(iiii)", 0, 0, 1, 1)));
  unsigned dmabuf = cost (
      &run, write_call (INTERFACE_LISTENER, "UpdateDMABUF", g_variant_new ("(iiii)", 0, 0, 1, 1)));
  unsigned mouse =
      cost (&run, write_call (INTERFACE_LISTENER, "MouseSet", g_variant_new ("(iii)", 1, 1, 1)));
  print_message ("allocations per call: Scanout %u, Update %u, UpdateMap %u, UpdateDMABUF %u, "
                 "MouseSet %u\n",
                 scanout, update, map, dmabuf, mouse);
  /* The counter counts. */
  assert_int_equal (scanout, COUNTS);
  assert_int_equal (update + map + dmabuf + mouse, 0);
  g_variant_unref (bytes);
  run_end (&run);
}

int
main (void)
{
  const struct CMUnitTest tests[] = { fds_unit_test (test_cost) };

  return cmocka_run_group_tests (tests, fake_warm_up, NULL);
}
