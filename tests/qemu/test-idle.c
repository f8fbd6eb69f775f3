/* SPDX-License-Identifier: MIT */
/* Silence: while a guest draws nothing, no thread of this process runs, whichever way its pictures
 * come and whether an application waits for a frame or for signals. What still has to be done after
 * the last picture is done within a second.
 *
 * ctest: serial */
#define _GNU_SOURCE
#include "support/fds.h"

#include <inttypes.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <string.h>
#include <unistd.h>

#include "support/vm.h"

#if defined(__SANITIZE_THREAD__)
#define HAS_RESTLESS_RUNTIME 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_RESTLESS_RUNTIME 1
#endif
#endif

#define SETTLE_MS 1000
#define SILENCE_MS 10000
/* The main thread's own: it sleeps once for all the time, and reads what the others did. */
#define OWN_WAKE_UPS 2

/* ---- what threads did ---- */

struct doings {
  pid_t thread;
  char name[32];
  uint64_t wake_ups, preemptions;
  uint64_t cpu_ns;
};

/* Full transfer. */
static char *
read_of (const char *thread, const char *file)
{
  g_autofree char *path = g_build_filename ("/proc/self/task", thread, file, NULL);
  char *text = NULL;

  assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return g_strchomp (text);
}

static uint64_t
value_of (const char *status, const char *key)
{
  const char *found = strstr (status, key);

  assert_non_null (found);
  return g_ascii_strtoull (found + strlen (key), NULL, 10);
}

/* Of struct doings, all threads there are. Full transfer. */
static GArray *
look_at_threads (void)
{
  GArray *all = g_array_new (FALSE, FALSE, sizeof (struct doings));
  GDir *dir = g_dir_open ("/proc/self/task", 0, NULL);

  assert_non_null (dir);
  for (const char *thread = NULL; (thread = g_dir_read_name (dir));) {
    g_autofree char *status = read_of (thread, "status");
    g_autofree char *name = read_of (thread, "comm");
    g_autofree char *schedule = read_of (thread, "schedstat");
    struct doings doings = { .thread = (pid_t) g_ascii_strtoll (thread, NULL, 10),
                             .wake_ups = value_of (status, "\nvoluntary_ctxt_switches:"),
                             .preemptions = value_of (status, "\nnonvoluntary_ctxt_switches:"),
                             .cpu_ns = g_ascii_strtoull (schedule, NULL, 10) };

    g_strlcpy (doings.name, name, sizeof doings.name);
    g_array_append_val (all, doings);
  }
  g_dir_close (dir);
  return all;
}

static const struct doings *
find (const GArray *all, pid_t thread)
{
  for (guint i = 0; i < all->len; i++) {
    const struct doings *doings = &g_array_index (all, struct doings, i);

    if (doings->thread == thread)
      return doings;
  }
  return NULL;
}

static unsigned
count_named (const GArray *all, const char *prefix)
{
  unsigned n = 0;

  for (guint i = 0; i < all->len; i++)
    if (g_str_has_prefix (g_array_index (all, struct doings, i).name, prefix))
      n++;
  return n;
}

/* How many threads ran, or came or went; says which. */
static unsigned
count_restless (const GArray *before, const GArray *after)
{
  unsigned n = 0;

  for (guint i = 0; i < after->len; i++) {
    const struct doings *now = &g_array_index (after, struct doings, i);
    const struct doings *then = find (before, now->thread);
    uint64_t wake_ups = now->wake_ups - (then ? then->wake_ups : 0);
    uint64_t cpu_ns = now->cpu_ns - (then ? then->cpu_ns : 0);
    bool own = now->thread == gettid ();

    print_message ("%-16s %" PRIu64 " wake-ups, %" PRIu64 " preemptions, %" PRIu64 " ns%s\n",
                   now->name, wake_ups, now->preemptions - (then ? then->preemptions : 0), cpu_ns,
                   own ? ", of which this test's are all" : "");
    n += own ? wake_ups > OWN_WAKE_UPS : !then || wake_ups > 0 || cpu_ns > 0;
  }
  return n + (before->len > after->len ? before->len - after->len : 0);
}

/* ---- a console that an application has ---- */

struct screen {
  struct vm *vm;
  QdmabufDisplay *display;
  QdmabufConsole *console;
  GThread *waiter; /* of the next frame, for ever */
  GCancellable *cancellable;
  unsigned n_signals;
};

static void
on_frame (QdmabufConsole *console, QdmabufFrame *frame, struct screen *screen)
{
  (void) console;
  (void) frame;
  screen->n_signals++;
}

static void *
wait_for_ever (void *data)
{
  struct screen *screen = data;
  QdmabufFrame *frame = NULL;

  while ((frame = qdmabuf_console_wait_frame (screen->console, -1, screen->cancellable, NULL)))
    qdmabuf_frame_unref (frame);
  return NULL;
}

static void
start_vm (struct screen *screen, const char *device, const char *gl)
{
  *screen = (struct screen){ .vm = vm_start_testcard (&(struct vm_config){
                                 .device = device, .gl = gl, .append = "mode=1280x800 fps=0" }) };
}

/* waits: by the blocking call, else by the signal. */
static void
show (struct screen *screen, const char *backend, QdmabufListenerFlags interfaces, bool waits)
{
  g_autoptr (GError) error = NULL;

  screen->display = qdmabuf_display_open (vm_address (screen->vm), NULL, &error);
  if (!screen->display)
    fail_msg ("%s", error->message);
  screen->console = qdmabuf_display_get_console (screen->display, 0);
  screen->cancellable = g_cancellable_new ();
  g_object_set (screen->console, "backend", backend, "pipelined", TRUE, "listener-interfaces",
                interfaces, NULL);
  if (!waits)
    g_signal_connect (screen->console, "frame", G_CALLBACK (on_frame), screen);
  if (!qdmabuf_console_start (screen->console, NULL, &error))
    fail_msg ("%s", error->message);
  if (waits)
    screen->waiter = g_thread_new ("waiter", wait_for_ever, screen);
}

static uint64_t
stat_count (struct screen *screen, const char *key)
{
  g_autoptr (GVariant) stats = qdmabuf_console_get_stats (screen->console);
  guint64 value = 0;

  assert_true (g_variant_lookup (stats, key, "t", &value));
  return value;
}

static void
stop (struct screen *screen)
{
  g_cancellable_cancel (screen->cancellable);
  if (screen->waiter)
    g_thread_join (screen->waiter);
  qdmabuf_display_close (screen->display);
  g_clear_object (&screen->display);
  g_clear_object (&screen->cancellable);
  vm_stop (screen->vm);
}

static gboolean
set_flag (void *flag)
{
  *(bool *) flag = true;
  return G_SOURCE_REMOVE;
}

/* The main context runs meanwhile. */
static void
let_pass (unsigned ms)
{
  bool over = false;

  g_timeout_add (ms, set_flag, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
}

static bool
all_have_frames (struct screen *screens, unsigned n)
{
  for (unsigned i = 0; i < n; i++) {
    if (stat_count (&screens[i], "frames-taken") == 0)
      return false;
  }
  return true;
}

static void
expect_frames (struct screen *screens, unsigned n)
{
  int64_t end = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;

  while (!all_have_frames (screens, n) && g_get_monotonic_time () < end)
    let_pass (20);
  assert_true (all_have_frames (screens, n));
}

static void
test_silence (void **state)
{
  struct screen screens[3];

  (void) state;
  start_vm (&screens[0], "virtio-vga", NULL);
  start_vm (&screens[1], "virtio-vga", NULL);
  start_vm (&screens[2], "virtio-vga-gl", "on");
  show (&screens[0], "auto", QDMABUF_LISTENER_ALL, true);
  show (&screens[1], "auto", QDMABUF_LISTENER_NONE, false);
  show (&screens[2], "egl", QDMABUF_LISTENER_ALL, true);
  expect_frames (screens, 3);
  assert_true (screens[1].n_signals > 0);
  let_pass (SETTLE_MS);

  g_autoptr (GArray) before = look_at_threads ();
  uint64_t updates = stat_count (&screens[0], "updates") + stat_count (&screens[1], "updates") +
                     stat_count (&screens[2], "updates");
  let_pass (SILENCE_MS);
  g_autoptr (GArray) after = look_at_threads ();
  assert_int_equal (updates, stat_count (&screens[0], "updates") +
                                 stat_count (&screens[1], "updates") +
                                 stat_count (&screens[2], "updates"));
  assert_int_equal (count_named (after, "qdmabuf-listen"), 3);
  assert_int_equal (count_named (after, "qdmabuf-convert"), 3);
  assert_true (count_named (after, "qdmabuf-egl") > 0); /* and some of Mesa's, of that name too */
  assert_int_equal (count_restless (before, after), 0);
  for (unsigned i = 0; i < G_N_ELEMENTS (screens); i++)
    stop (&screens[i]);
}

int
main (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (test_silence) };

#ifdef HAS_RESTLESS_RUNTIME
  print_message ("this sanitizer has a thread that never sleeps: skipped\n");
  return 77;
#endif
  return cmocka_run_group_tests (tests, NULL, NULL);
}
