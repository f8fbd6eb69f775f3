/* SPDX-License-Identifier: MIT */
/* Handlers that turn each event of a listener into a line, and the way from a fake QEMU to there.
 */
#include "peer/listening.h"

#include <inttypes.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- handlers: each call becomes one line ---- */

static void G_GNUC_PRINTF (2, 3) record (struct listening *f, const char *format, ...)
{
  va_list arguments;

  if (f->gate) {
    g_mutex_lock (f->gate);
    g_mutex_unlock (f->gate);
  }
  g_atomic_int_inc (&f->n_events);
  if (f->quiet)
    return;
  va_start (arguments, format);
  g_async_queue_push (f->events, g_strdup_vprintf (format, arguments));
  va_end (arguments);
}

static void
on_scanout (void *data, QdmabufBuffer *buffer, unsigned version, int64_t time)
{
  struct listening *f = data;
  const struct layout *l = &buffer->layout;

  assert_true (time > 0 && time <= g_get_monotonic_time ());
  g_clear_pointer (&f->buffer, qdmabuf_buffer_unref);
  f->buffer = qdmabuf_buffer_ref (buffer);
  record (f,
          "scanout v%u %ux%u %.4s stride %u offset %u planes %u crop %d,%d %dx%d mod %" PRIx64 "%s",
          version, l->width, l->height, (const char *) &l->fourcc, l->planes[0].stride,
          l->planes[0].offset, l->n_planes, l->crop.x, l->crop.y, l->crop.width, l->crop.height,
          l->modifier, l->y0_top ? " flip" : "");
}

static void
on_update_pixels (void *data, struct rect r, uint32_t stride, uint32_t fourcc,
                  const uint8_t *pixels, size_t size, int64_t time)
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
  struct listening *f = data;

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
  record (data, "cursor %ux%u hot %d,%d size %zu", width, height, hot_x, hot_y,
          g_bytes_get_size (pixels));
}

static const char *
code_name (const GError *error)
{
  GEnumClass *class = g_type_class_ref (QDMABUF_TYPE_ERROR);
  const GEnumValue *value =
      error->domain == QDMABUF_ERROR ? g_enum_get_value (class, error->code) : NULL;

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

void
listening_connect (struct listening *f, const struct fake_options *options)
{
  GError *error = NULL;

  *f = (struct listening){ .events = g_async_queue_new_full (g_free),
                           .replies = g_async_queue_new () };
  f->fake = fake_new (options);
  f->peer = peer_open_fd (fake_client_fd (f->fake), NULL, &error);
  assert_null (error);
  assert_non_null (f->peer);
}

void
listening_listen (struct listening *f, QdmabufListenerFlags flags)
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

void
listening_start (struct listening *f, QdmabufListenerFlags flags)
{
  listening_connect (f, &(struct fake_options){ .n_consoles = 1 });
  listening_listen (f, flags);
  assert_true (fake_wait_listeners (f->fake, 0, 1, PATIENCE_MS));
}

void
listening_end (struct listening *f)
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

void
listening_expect (struct listening *f, const char *expected)
{
  g_autofree char *line = g_async_queue_timeout_pop (f->events, PATIENCE_MS * 1000);

  if (!line)
    fail_msg ("nothing came; expected “%s”", expected);
  if (g_str_has_suffix (expected, "…")
          ? strncmp (line, expected, strlen (expected) - strlen ("…")) != 0
          : strcmp (line, expected) != 0)
    fail_msg ("“%s” came; expected “%s”", line, expected);
}

void
listening_expect_alive (struct listening *f)
{
  static int n;
  g_autofree char *line = g_strdup_printf ("mouse %d,2 on", ++n);

  fake_mouse_set (f->fake, 0, n, 2, true);
  listening_expect (f, line);
}

void
listening_expect_answer (struct listening *f, unsigned call)
{
  GError *error = NULL;
  g_autoptr (GVariant) body = fake_wait_reply (f->fake, call, PATIENCE_MS, NULL, &error);

  if (!body)
    fail_msg ("no good answer: %s", error->message);
  assert_string_equal (g_variant_get_type_string (body), "()");
}

void
listening_expect_refusal (struct listening *f, unsigned call, const char *name)
{
  GError *error = NULL;

  assert_null (fake_wait_reply (f->fake, call, PATIENCE_MS, NULL, &error));
  g_autofree char *remote = g_dbus_error_get_remote_error (error);
  if (!remote)
    fail_msg ("no answer: %s", error->message);
  assert_string_equal (remote, name);
  g_clear_error (&error);
}
