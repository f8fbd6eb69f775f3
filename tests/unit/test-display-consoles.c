/* SPDX-License-Identifier: MIT */
/* Consoles that appear and disappear: the signals, the list that changes with them, and what
 * becomes of those who wait. */
#include "support/fds.h"

#include "support/scene.h"

#define N_CONSOLES 3

struct list {
  struct scene *scene;
  GString *told; /* "+2 (3) -0 (2) ": what came, and how many there were then */
  QdmabufConsole *last;
};

static void
tell (struct list *list, char sign, QdmabufConsole *console)
{
  guint n = qdmabuf_display_get_n_consoles (list->scene->display);
  bool listed = false;

  for (guint i = 0; i < n; i++)
    listed |= qdmabuf_display_get_console (list->scene->display, i) == console;
  assert_int_equal (listed, sign == '+');
  assert_null (qdmabuf_display_get_console (list->scene->display, n));
  g_string_append_printf (list->told, "%c%u (%u) ", sign, qdmabuf_console_get_index (console), n);
  g_set_object (&list->last, console);
}

static void
on_added (QdmabufDisplay *display, QdmabufConsole *console, struct list *list)
{
  (void) display;
  tell (list, '+', console);
}

static void
on_removed (QdmabufDisplay *display, QdmabufConsole *console, struct list *list)
{
  (void) display;
  tell (list, '-', console);
}

static struct list
list_new (unsigned started)
{
  struct list list = { .scene = scene_new (&(struct fake_options){ .n_consoles = N_CONSOLES }),
                       .told = g_string_new (NULL) };
  QdmabufConsole *console = qdmabuf_display_get_console (list.scene->display, started);

  assert_true (qdmabuf_console_start (console, NULL, NULL));
  assert_true (fake_wait_listeners (list.scene->fake, started, 1, SCENE_PATIENCE));
  return list;
}

static void
list_listen (struct list *list)
{
  g_signal_connect (list->scene->display, "console-added", G_CALLBACK (on_added), list);
  g_signal_connect (list->scene->display, "console-removed", G_CALLBACK (on_removed), list);
}

static void
list_free (struct list *list)
{
  if (list->scene->display)
    g_signal_handlers_disconnect_by_data (list->scene->display, list);
  g_clear_object (&list->last);
  scene_free (list->scene);
  g_string_free (list->told, TRUE);
}

static bool
was_told (struct scene *scene, void *data)
{
  const struct list *list = *(struct list *const *) data;
  const char *expected = ((const char *const *) data)[1];

  (void) scene;
  return g_str_equal (list->told->str, expected);
}

static void
expect_told (struct list *list, const char *expected)
{
  const void *data[] = { list, expected };

  if (!scene_run_until (list->scene, was_told, data, SCENE_PATIENCE))
    fail_msg ("told “%s” instead of “%s”", list->told->str, expected);
}

static gpointer
wait_for_frame (gpointer data)
{
  GError *error = NULL;

  assert_null (qdmabuf_console_wait_frame (data, -1, NULL, &error));
  return error;
}

/* Who waits is woken at once; the list waits for the context. */
static void
test_removed (void **state)
{
  struct list list = list_new (1);
  QdmabufConsole *console = g_object_ref (qdmabuf_display_get_console (list.scene->display, 1));
  GThread *waiter = g_thread_new ("waiter", wait_for_frame, console);
  GError *error = NULL;

  (void) state;
  list_listen (&list);
  g_signal_handlers_disconnect_by_data (console, list.scene);
  fake_set_present (list.scene->fake, 1, false);
  error = g_thread_join (waiter);
  assert_error_is (error, QDMABUF_ERROR_NOT_FOUND);
  g_clear_error (&error);
  assert_int_equal (qdmabuf_display_get_n_consoles (list.scene->display), N_CONSOLES);

  expect_told (&list, "-1 (2) ");
  assert_ptr_equal (list.last, console);
  assert_true (fake_wait_listener_closed (list.scene->fake, 1, SCENE_PATIENCE));
  assert_int_equal (
      qdmabuf_console_get_index (qdmabuf_display_get_console (list.scene->display, 1)), 2);

  /* What is left is an object whose calls fail. */
  assert_null (qdmabuf_console_wait_frame (console, 0, NULL, &error));
  assert_error_is (error, QDMABUF_ERROR_NOT_FOUND);
  g_clear_error (&error);
  assert_false (qdmabuf_console_start (console, NULL, &error));
  assert_error_is (error, QDMABUF_ERROR_NOT_FOUND);
  g_clear_error (&error);
  assert_string_equal (qdmabuf_console_get_label (console), "screen1");

  /* One that comes back is another one, and the old one's calls do not reach it. */
  fake_set_present (list.scene->fake, 1, true);
  expect_told (&list, "-1 (2) +1 (3) ");
  assert_ptr_not_equal (list.last, console);
  assert_false (qdmabuf_console_send_key (console, 30, TRUE, &error));
  assert_error_is (error, QDMABUF_ERROR_NOT_FOUND);
  g_clear_error (&error);
  assert_true (qdmabuf_console_start (list.last, NULL, &error));
  assert_true (fake_wait_listeners (list.scene->fake, 1, 2, SCENE_PATIENCE));
  g_object_unref (console);
  list_free (&list);
}

/* A console that came and went unseen never was. */
static void
test_unseen (void **state)
{
  struct list list = list_new (0);
  struct sheet sheet = sheet_new (64, 48);
  QdmabufConsole *last = qdmabuf_display_get_console (list.scene->display, 2);

  (void) state;
  g_object_ref (last);
  g_signal_handlers_disconnect_by_data (last, list.scene);
  assert_true (qdmabuf_console_start (last, NULL, NULL));
  fake_set_present (list.scene->fake, 1, false);
  list_listen (&list);
  expect_told (&list, "-1 (2) ");
  GThread *waiter = g_thread_new ("waiter", wait_for_frame, last);
  for (int i = 0; i < 20; i++)
    fake_set_present (list.scene->fake, 1, i % 2 == 0);
  fake_set_present (list.scene->fake, 2, false);
  /* Only then has the library heard all of it. */
  g_autoptr (GError) error = g_thread_join (waiter);
  assert_error_is (error, QDMABUF_ERROR_NOT_FOUND);
  expect_told (&list, "-1 (2) -2 (1) ");
  g_object_unref (last);

  /* The others do not care. */
  scene_show (list.scene, &sheet);
  scene_expect_painted (list.scene, &sheet, 7);
  assert_int_equal (list.scene->warnings->len, 0);
  sheet_clear (&sheet);
  list_free (&list);
}

static void
close_it (QdmabufDisplay *display, QdmabufConsole *console, unsigned *n)
{
  (void) console;
  (*n)++;
  qdmabuf_display_close (display);
}

/* Nothing comes behind `closed`, and nothing is left of what was to be told. */
static void
test_close (void **state)
{
  struct list list = list_new (0);
  unsigned n = 0;

  (void) state;
  g_signal_connect (list.scene->display, "console-removed", G_CALLBACK (close_it), &n);
  fake_set_present (list.scene->fake, 2, false);
  fake_set_present (list.scene->fake, 1, false);
  scene_expect_closed (list.scene);
  scene_drain (list.scene);
  assert_in_range (n, 1, 2);
  assert_int_equal (list.scene->n_late, 0);
  g_signal_handlers_disconnect_by_data (list.scene->display, &n);
  list_free (&list);

  /* With news that nobody heard. */
  list = list_new (2);
  fake_set_present (list.scene->fake, 2, false);
  scene_expect_over_with (qdmabuf_display_get_console (list.scene->display, 2),
                          QDMABUF_ERROR_NOT_FOUND);
  qdmabuf_display_close (list.scene->display);
  list_free (&list);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_removed),
    fds_unit_test (test_unseen),
    fds_unit_test (test_close),
  };

  g_unsetenv ("QDMABUF_BACKEND");
  return cmocka_run_group_tests (tests, scene_warm_up, NULL);
}
