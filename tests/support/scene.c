/* SPDX-License-Identifier: MIT */
/* Scenes: opened, listened to, and asked. */
#define _GNU_SOURCE 1
#include "support/fds.h"

#include "support/scene.h"

#include <drm_fourcc.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- what the application hears ---- */

static void
count_late (struct scene *scene)
{
  if (scene->n_closed > 0)
    scene->n_late++;
}

static void
on_warning (QdmabufConsole *console, const GError *error, struct scene *scene)
{
  (void) console;
  count_late (scene);
  g_ptr_array_add (scene->warnings, g_error_copy (error));
}

static void
on_disabled (QdmabufConsole *console, struct scene *scene)
{
  (void) console;
  count_late (scene);
  scene->n_disabled++;
}

static void
on_notify (QdmabufConsole *console, GParamSpec *pspec, struct scene *scene)
{
  (void) console;
  (void) pspec;
  count_late (scene);
}

static void
on_closed (QdmabufDisplay *display, const GError *error, struct scene *scene)
{
  (void) display;
  count_late (scene);
  scene->n_closed++;
  scene->reason = error ? g_error_copy (error) : NULL;
}

static void
listen_to (struct scene *scene)
{
  g_signal_connect (scene->display, "closed", G_CALLBACK (on_closed), scene);
  for (guint i = 0; i < qdmabuf_display_get_n_consoles (scene->display); i++) {
    QdmabufConsole *console = qdmabuf_display_get_console (scene->display, i);

    g_signal_connect (console, "warning", G_CALLBACK (on_warning), scene);
    g_signal_connect (console, "disabled", G_CALLBACK (on_disabled), scene);
    g_signal_connect (console, "notify", G_CALLBACK (on_notify), scene);
  }
}

/* ---- life ---- */

struct scene *
scene_new (const struct fake_options *options)
{
  static const struct fake_options usual = { .n_consoles = 1 };
  struct scene *scene = g_new0 (struct scene, 1);
  GError *error = NULL;

  scene->fake = fake_new (options ? options : &usual);
  scene->context = g_main_context_new ();
  scene->warnings = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  g_main_context_push_thread_default (scene->context);
  scene->display = qdmabuf_display_open_fd (fake_client_fd (scene->fake), NULL, &error);
  g_main_context_pop_thread_default (scene->context);
  if (!scene->display)
    fail_msg ("%s", error->message);
  scene->console = qdmabuf_display_get_console (scene->display, 0);
  listen_to (scene);
  return scene;
}

void
scene_start (struct scene *scene)
{
  unsigned n = fake_n_registered (scene->fake, 0);
  GError *error = NULL;

  if (!qdmabuf_console_start (scene->console, NULL, &error))
    fail_msg ("%s", error->message);
  assert_true (fake_wait_listeners (scene->fake, 0, n + 1, SCENE_PATIENCE));
}

struct scene *
scene_new_started (void)
{
  struct scene *scene = scene_new (NULL);

  scene_start (scene);
  return scene;
}

void
scene_free (struct scene *scene)
{
  if (scene->display) {
    QdmabufDisplay *display = g_steal_pointer (&scene->display);

    g_signal_handlers_disconnect_by_data (display, scene);
    for (guint i = 0; i < qdmabuf_display_get_n_consoles (display); i++)
      g_signal_handlers_disconnect_by_data (qdmabuf_display_get_console (display, i), scene);
    g_object_unref (display);
  }
  fake_free (scene->fake);
  scene_drain (scene);
  g_main_context_unref (scene->context);
  g_ptr_array_unref (scene->warnings);
  g_clear_error (&scene->reason);
  g_free (scene);
}

int
scene_warm_up (void **state)
{
  fake_warm_up (state);

  struct scene *scene = scene_new_started ();
  struct sheet sheet = sheet_new (8, 8);

  scene_show (scene, &sheet);
  scene_paint (scene, &sheet, 1);
  QdmabufFrame *frame = scene_take (scene);
  qdmabuf_frame_unref (frame);
  sheet_clear (&sheet);
  scene_free (scene);
  return fake_warm_up (state);
}

/* ---- waiting ---- */

static gboolean
set_flag (gpointer data)
{
  *(bool *) data = true;
  return G_SOURCE_REMOVE;
}

bool
scene_run_until (struct scene *scene, bool (*done) (struct scene *scene, void *data), void *data,
                 unsigned ms)
{
  GSource *timeout = g_timeout_source_new (ms);
  bool late = false;

  g_source_set_callback (timeout, set_flag, &late, NULL);
  g_source_attach (timeout, scene->context);
  while (!done (scene, data) && !late)
    g_main_context_iteration (scene->context, TRUE);
  g_source_destroy (timeout);
  g_source_unref (timeout);
  return done (scene, data);
}

void
scene_drain (struct scene *scene)
{
  while (g_main_context_iteration (scene->context, FALSE))
    ;
}

static bool
is_closed (struct scene *scene, void *data)
{
  (void) data;
  return scene->n_closed > 0;
}

void
scene_expect_closed (struct scene *scene)
{
  assert_true (scene_run_until (scene, is_closed, NULL, SCENE_PATIENCE));
}

static const GError *
find_warning (struct scene *scene, int code)
{
  for (unsigned i = 0; i < scene->warnings->len; i++) {
    const GError *warning = scene->warnings->pdata[i];

    if (g_error_matches (warning, QDMABUF_ERROR, code))
      return warning;
  }
  return NULL;
}

static bool
has_warning (struct scene *scene, void *data)
{
  return find_warning (scene, *(int *) data) != NULL;
}

const GError *
scene_expect_warning (struct scene *scene, int code)
{
  if (!scene_run_until (scene, has_warning, &code, SCENE_PATIENCE)) {
    for (unsigned i = 0; i < scene->warnings->len; i++)
      print_error ("warned: %s\n", ((const GError *) scene->warnings->pdata[i])->message);
    fail_msg ("no warning of code %d", code);
  }
  return find_warning (scene, code);
}

unsigned
scene_n_warnings (struct scene *scene, int code)
{
  unsigned n = 0;

  scene_drain (scene);
  for (unsigned i = 0; i < scene->warnings->len; i++)
    if (g_error_matches (scene->warnings->pdata[i], QDMABUF_ERROR, code))
      n++;
  return n;
}

QdmabufFrame *
scene_take (struct scene *scene)
{
  GError *error = NULL;
  QdmabufFrame *frame =
      qdmabuf_console_wait_frame (scene->console, (gint64) SCENE_PATIENCE * 1000, NULL, &error);

  if (!frame)
    fail_msg ("%s", error->message);
  return frame;
}

QdmabufFrame *
scene_take_since (struct scene *scene, int64_t time)
{
  QdmabufFrame *frame = scene_take (scene);

  while (qdmabuf_frame_get_time (frame) < time) {
    qdmabuf_frame_unref (frame);
    frame = scene_take (scene);
  }
  return frame;
}

uint64_t
scene_stat (struct scene *scene, const char *key)
{
  g_autoptr (GVariant) stats = qdmabuf_console_get_stats (scene->console);
  g_auto (GStrv) names = g_strsplit (key, ".", 2);
  g_autoptr (GVariant) value = g_variant_lookup_value (stats, names[0], NULL);

  if (value && names[1]) {
    GVariant *inner = g_variant_lookup_value (value, names[1], NULL);

    g_variant_unref (value);
    value = inner;
  }
  if (!value)
    fail_msg ("no figure \"%s\"", key);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32))
    return g_variant_get_uint32 (value);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_INT64))
    return (uint64_t) g_variant_get_int64 (value);
  return g_variant_get_uint64 (value);
}

/* Figures change without a word, so they are asked for. */
void
scene_wait_stat (struct scene *scene, const char *key, uint64_t value)
{
  int64_t end = g_get_monotonic_time () + (int64_t) SCENE_PATIENCE * 1000;

  while (scene_stat (scene, key) < value) {
    if (g_get_monotonic_time () > end)
      fail_msg ("\"%s\" stays at %u", key, (unsigned) scene_stat (scene, key));
    poll (NULL, 0, 1);
  }
}

int64_t
scene_expect_reply (struct scene *scene, unsigned call, unsigned ms)
{
  GError *error = NULL;
  int64_t us = 0;
  GVariant *body = fake_wait_reply (scene->fake, call, ms, &us, &error);

  if (!body)
    fail_msg ("call %u: %s", call, error->message);
  g_variant_unref (body);
  return us;
}

void
scene_sync (struct scene *scene)
{
  scene_expect_reply (
      scene, fake_call (scene->fake, 0, "org.freedesktop.DBus.Peer.Ping", NULL, NULL, 0, true),
      SCENE_PATIENCE);
}

void
assert_error_is (const GError *error, int code)
{
  if (!g_error_matches (error, QDMABUF_ERROR, code))
    fail_msg ("code %d expected, and it was: %s", code, error ? error->message : "no error");
}

void
scene_expect_over_with (QdmabufConsole *console, int code)
{
  GError *error = NULL;

  assert_null (qdmabuf_console_wait_frame (console, (gint64) SCENE_PATIENCE * 1000, NULL, &error));
  assert_error_is (error, code);
  g_clear_error (&error);
}

void
scene_expect_over (QdmabufConsole *console)
{
  scene_expect_over_with (console, QDMABUF_ERROR_CLOSED);
}

static bool
never (struct scene *scene, void *data)
{
  (void) scene;
  (void) data;
  return false;
}

void
scene_let_pass (struct scene *scene, unsigned ms)
{
  scene_run_until (scene, never, NULL, ms);
}

/* ---- sheets ---- */

struct sheet
sheet_new (uint32_t width, uint32_t height)
{
  struct sheet sheet = { .width = width, .height = height, .stride = width * 4 };

  sheet.size = (size_t) sheet.stride * height;
  sheet.fd = fake_memfd (sheet.size);
  sheet.map = mmap (NULL, sheet.size, PROT_READ | PROT_WRITE, MAP_SHARED, sheet.fd, 0);
  assert_true (sheet.map != MAP_FAILED);
  return sheet;
}

void
sheet_clear (struct sheet *sheet)
{
  munmap (sheet->map, sheet->size);
  close (sheet->fd);
}

void
sheet_fill (struct sheet *sheet, uint8_t value)
{
  memset (sheet->map, value, sheet->size);
}

void
scene_show (struct scene *scene, const struct sheet *sheet)
{
  fake_scanout_dmabuf (scene->fake, 0, sheet->fd, sheet->width, sheet->height, sheet->stride,
                       DRM_FORMAT_XRGB8888, DRM_FORMAT_MOD_LINEAR, false);
}

unsigned
scene_update (struct scene *scene, const struct sheet *sheet)
{
  return fake_update_dmabuf (scene->fake, 0, 0, 0, (int) sheet->width, (int) sheet->height);
}

void
scene_paint (struct scene *scene, struct sheet *sheet, uint8_t value)
{
  sheet_fill (sheet, value);
  scene_expect_reply (scene, scene_update (scene, sheet), 1000);
}

void
assert_frame_is (QdmabufFrame *frame, const struct sheet *sheet, uint8_t value)
{
  const uint8_t *data = qdmabuf_frame_get_data (frame, 0, NULL);
  size_t n = (size_t) sheet->width * sheet->height;

  assert_int_equal (qdmabuf_frame_get_format (frame), DRM_FORMAT_XRGB8888);
  assert_int_equal (qdmabuf_frame_get_width (frame), sheet->width);
  assert_int_equal (qdmabuf_frame_get_height (frame), sheet->height);
  for (size_t i = 0; i < n; i++)
    if (data[i * 4] != value || data[i * 4 + 1] != value || data[i * 4 + 2] != value)
      fail_msg ("pixel %zu, %zu is %02x%02x%02x instead of %02x", i % sheet->width,
                i / sheet->width, data[i * 4 + 2], data[i * 4 + 1], data[i * 4], value);
}

void
scene_expect_painted (struct scene *scene, struct sheet *sheet, uint8_t value)
{
  int64_t time = g_get_monotonic_time ();

  scene_paint (scene, sheet, value);
  QdmabufFrame *frame = scene_take_since (scene, time);
  assert_frame_is (frame, sheet, value);
  qdmabuf_frame_unref (frame);
}
