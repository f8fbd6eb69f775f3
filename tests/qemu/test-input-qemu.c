/* SPDX-License-Identifier: MIT */
/* Input through a real QEMU into a guest that logs it, and what QEMU says of keyboard, pointer and
 * touch screen. */
#include "support/fds.h"

#include <qemu-dmabuf/qemu-dmabuf.h>
#include <signal.h>
#include <sys/wait.h>

#include "peer/fake-qemu.h"
#include "support/vm.h"

#define MANY 10000

struct screen {
  struct vm *vm;
  QdmabufDisplay *display;
  QdmabufConsole *console;
  unsigned n_warnings;
  unsigned n_notified;
};

static void
on_warning (QdmabufConsole *console, const GError *error, gpointer data)
{
  struct screen *screen = data;

  (void) console;
  print_message ("warning: %s\n", error->message);
  screen->n_warnings++;
}

static void
on_notify (GObject *object, GParamSpec *spec, gpointer data)
{
  struct screen *screen = data;

  (void) object;
  (void) spec;
  screen->n_notified++;
}

/* notify: the signal to count; nullable. */
static void
screen_open (struct screen *screen, struct vm *vm, const char *notify)
{
  g_autoptr (GError) error = NULL;

  *screen = (struct screen){ .vm = vm };
  screen->display = qdmabuf_display_open (vm_address (vm), NULL, &error);
  if (!screen->display)
    fail_msg ("%s", error->message);
  screen->console = qdmabuf_display_get_console (screen->display, 0);
  g_signal_connect (screen->console, "warning", G_CALLBACK (on_warning), screen);
  if (notify)
    g_signal_connect (screen->console, notify, G_CALLBACK (on_notify), screen);
}

static void
screen_close (struct screen *screen)
{
  qdmabuf_display_close (screen->display);
  g_object_unref (screen->display);
  vm_stop (screen->vm);
}

static void
press (struct screen *screen, guint qnum, bool pressed)
{
  g_autoptr (GError) error = NULL;

  if (!qdmabuf_console_send_key (screen->console, qnum, pressed, &error))
    fail_msg ("%s", error->message);
}

static void
wait_for (unsigned *count)
{
  while (*count == 0)
    g_main_context_iteration (NULL, TRUE);
  *count = 0;
}

static struct vm *
start_card (const char *const *extra)
{
  return vm_start_testcard (&(struct vm_config){
      .device = "virtio-vga", .append = "mode=640x480 fps=0", .extra = extra });
}

static void
test_keys (void **state)
{
  struct screen screen;

  (void) state;
  screen_open (&screen, start_card (NULL), "notify::leds");
  press (&screen, 30, true);
  vm_wait_line (screen.vm, "key 30 down");
  press (&screen, 0xc8, true);
  vm_wait_line (screen.vm, "key 200 down");
  assert_true (qdmabuf_console_release_input (screen.console, NULL));
  vm_wait_line (screen.vm, "key 30 up");
  vm_wait_line (screen.vm, "key 200 up");

  /* The guest's own lamps. */
  assert_int_equal (qdmabuf_console_get_leds (screen.console), QDMABUF_LEDS_NONE);
  press (&screen, 0x3a, true);
  wait_for (&screen.n_notified);
  assert_int_equal (qdmabuf_console_get_leds (screen.console), QDMABUF_LEDS_CAPS_LOCK);
  press (&screen, 0x3a, false);
  press (&screen, 0x46, true);
  wait_for (&screen.n_notified);
  assert_int_equal (qdmabuf_console_get_leds (screen.console),
                    QDMABUF_LEDS_CAPS_LOCK | QDMABUF_LEDS_SCROLL_LOCK);

  /* What the end of the display lets go of. */
  press (&screen, 0x20, true);
  vm_wait_line (screen.vm, "key 32 down");
  qdmabuf_display_close (screen.display);
  vm_wait_line (screen.vm, "key 32 up");
  assert_int_equal (screen.n_warnings, 0);
  screen_close (&screen);
}

/* The pointer is placed as soon as the guest drives its tablet. */
static void
test_tablet (void **state)
{
  static const char *const extra[] = { "-device", "virtio-tablet-pci", "-S", NULL };
  struct vm *vm = vm_start (&(struct vm_config){
      .device = "virtio-vga", .append = "mode=640x480 fps=0", .extra = extra });
  struct screen screen;

  (void) state;
  screen_open (&screen, vm, "notify::pointer-absolute");
  assert_false (qdmabuf_console_get_pointer_absolute (screen.console));
  g_free (vm_qmp (vm, "cont"));
  wait_for (&screen.n_notified);
  assert_true (qdmabuf_console_get_pointer_absolute (screen.console));
  vm_wait_line (vm, "ready");
  guint width = 0;
  while (qdmabuf_console_get_size (screen.console, &width, NULL), width != 640)
    g_main_context_iteration (NULL, TRUE);
  assert_true (qdmabuf_console_send_position (screen.console, 123, 45, NULL));
  vm_wait_line (vm, "pointer abs 123 45");
  assert_true (qdmabuf_console_send_button (screen.console, 0, TRUE, NULL));
  vm_wait_line (vm, "button left down");
  assert_true (qdmabuf_console_release_input (screen.console, NULL));
  vm_wait_line (vm, "button left up");
  assert_int_equal (screen.n_warnings, 0);

  /* Refused, and said. */
  assert_true (qdmabuf_console_send_motion (screen.console, 1, 1, NULL));
  wait_for (&screen.n_warnings);
  screen_close (&screen);
}

static void
test_touch (void **state)
{
  static const char *const extra[] = { "-device", "virtio-multitouch-pci", NULL };
  struct screen screen;

  (void) state;
  screen_open (&screen, start_card (extra), NULL);
  /* QEMU has it since 8.1. */
  if (qdmabuf_console_get_touch_slots (screen.console) > 0) {
    assert_int_equal (qdmabuf_console_get_touch_slots (screen.console), 10);
    for (guint slot = 0; slot < 10; slot++)
      assert_true (qdmabuf_console_send_touch (screen.console, QDMABUF_TOUCH_BEGIN, slot, 639.9,
                                               479.9, NULL));
    assert_true (
        qdmabuf_console_send_touch (screen.console, QDMABUF_TOUCH_UPDATE, 9, 1, 2.5, NULL));
    assert_true (qdmabuf_console_send_touch (screen.console, QDMABUF_TOUCH_END, 9, 1, 2.5, NULL));
    assert_true (qdmabuf_console_release_input (screen.console, NULL));
  }
  /* QEMU refused none of it, or it would have said so before it took the key. */
  press (&screen, 30, true);
  vm_wait_line (screen.vm, "key 30 down");
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_int_equal (screen.n_warnings, 0);
  screen_close (&screen);
}

/* A process that stands still takes no input, and holds nothing when it goes on. */
static void
test_stopped_process (void **state)
{
  /* A PS/2 keyboard forgets what comes faster than the guest reads it. */
  static const char *const keyboard[] = { "-device", "virtio-keyboard-pci", NULL };
  struct screen screen;
  int taken = 0, status = 0;

  (void) state;
  screen_open (&screen, start_card (keyboard), NULL);
  press (&screen, 30, true);
  vm_wait_line (screen.vm, "key 30 down");
  press (&screen, 31, true);
  vm_wait_line (screen.vm, "key 31 down");
  kill (vm_pid (screen.vm), SIGSTOP);
  assert_int_equal (waitpid (vm_pid (screen.vm), &status, WUNTRACED), vm_pid (screen.vm));
  assert_true (WIFSTOPPED (status));
  /* What the library's thread comes to send of this, and what is lost before, is chance: so what
   * has to come up again is what the guest knows of. */
  press (&screen, 30, false);
  for (int i = 0; i < MANY; i++)
    taken += qdmabuf_console_send_key (screen.console, 1 + (guint) i % 20, i % 2 == 0, NULL);
  /* QEMU is taken for awake once more when the answer to the last key comes only now, or when the
   * queue was full before any of it was sent. */
  assert_in_range (taken, 1024 - 16, MANY / 2);
  wait_for (&screen.n_warnings);
  kill (vm_pid (screen.vm), SIGCONT);
  vm_wait_line (screen.vm, "key 30 up");
  vm_wait_line (screen.vm, "key 31 up");
  while (!qdmabuf_console_send_key (screen.console, 32, TRUE, NULL))
    g_thread_yield ();
  vm_wait_line (screen.vm, "key 32 down");
  assert_in_range (screen.n_warnings, 0, 1);
  screen_close (&screen);
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  int64_t left = *(const int64_t *) a, right = *(const int64_t *) b;

  return (left > right) - (left < right);
}

/* From the call, through QEMU, into the guest's log. */
static void
test_latency (void **state)
{
  int64_t times[200];
  struct screen screen;

  (void) state;
  screen_open (&screen, start_card (NULL), NULL);
  for (unsigned i = 0; i < G_N_ELEMENTS (times); i++) {
    bool pressed = i % 2 == 0;
    int64_t begin = g_get_monotonic_time ();

    press (&screen, 30, pressed);
    vm_wait_line (screen.vm, pressed ? "key 30 down" : "key 30 up");
    times[i] = g_get_monotonic_time () - begin;
  }
  qsort (times, G_N_ELEMENTS (times), sizeof times[0], compare_times);
  print_message ("call to the guest's line: p50 %.2f ms, p95 %.2f ms\n", (double) times[100] / 1000,
                 (double) times[190] / 1000);
  screen_close (&screen);
}

int
main (void)
{
  g_autofree char *qemu = g_find_program_in_path ("qemu-system-x86_64");
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_keys),    fds_unit_test (test_tablet),
    fds_unit_test (test_touch),   fds_unit_test (test_stopped_process),
    fds_unit_test (test_latency),
  };

  if (!qemu) {
    print_message ("qemu-system-x86_64 is not installed\n");
    return 77;
  }
  return cmocka_run_group_tests (tests, fake_warm_up, NULL);
}
