/* SPDX-License-Identifier: MIT */
/* What each way costs, in the only unit that means something on a machine one does not know: a
 * memcpy of as many bytes in the same run. The bounds are those of a broken path, not of a fast
 * one.
 *
 * ctest: serial */
#include "support/fds.h"

#include <qemu-dmabuf/qemu-dmabuf.h>
#include <string.h>

#include "support/vm.h"

#define WIDTH 1280
#define HEIGHT 800
#define BYTES ((size_t) WIDTH * HEIGHT * 4)
#define FRAMES 100

struct way {
  const char *name;
  const char *device;
  const char *gl;
  const char *backend;
  QdmabufListenerFlags interfaces;
};

static int
compare (const void *a, const void *b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return (x > y) - (x < y);
}

static double
memcpy_us (void)
{
  g_autofree char *from = g_malloc (BYTES);
  g_autofree char *to = g_malloc (BYTES);
  gint64 times[FRAMES];

  memset (from, 1, BYTES);
  memset (to, 2, BYTES);
  for (int i = 0; i < FRAMES; i++) {
    gint64 start = g_get_monotonic_time ();

    memcpy (to, from, BYTES);
    __asm__ volatile("" ::"r"(to) : "memory");
    times[i] = g_get_monotonic_time () - start;
  }
  qsort (times, FRAMES, sizeof times[0], compare);
  return (double) MAX (times[FRAMES / 2], 1);
}

static guint32
stage (GVariant *stats, const char *name, const char *key)
{
  g_autoptr (GVariant) times = g_variant_lookup_value (stats, name, G_VARIANT_TYPE_VARDICT);
  guint32 value = 0;

  g_variant_lookup (times, key, "u", &value);
  return value;
}

static void
measure (const struct way *way)
{
  struct vm *vm = vm_start_testcard (&(struct vm_config){
      .device = way->device, .gl = way->gl, .append = "mode=1280x800 fps=30 damage=full" });
  g_autoptr (GError) error = NULL;
  g_autoptr (QdmabufDisplay) display = qdmabuf_display_open (vm_address (vm), NULL, &error);
  QdmabufConsole *console = qdmabuf_display_get_console (display, 0);
  gint64 first = 0;

  g_object_set (console, "backend", way->backend, "listener-interfaces", way->interfaces, NULL);
  assert_true (qdmabuf_console_start (console, NULL, &error));
  for (int i = 0; i < FRAMES; i++) {
    g_autoptr (QdmabufFrame) frame =
        qdmabuf_console_wait_frame (console, 10 * G_USEC_PER_SEC, NULL, &error);

    assert_non_null (frame);
    if (i == 0) {
      g_autoptr (GVariant) stats = qdmabuf_console_get_stats (console);
      g_variant_lookup (stats, "first-frame-us", "x", &first);
    }
  }
  g_autoptr (GVariant) stats = qdmabuf_console_get_stats (console);
  double copy = memcpy_us ();
  bool egl = strcmp (way->backend, "egl") == 0;
  double read = stage (stats, egl ? "read-back-us" : "converted-us", "p50") -
                (double) stage (stats, "validated-us", "p50");
  print_message ("%-22s first frame %5.1f ms; read p50 %6.0f µs = %5.2f × memcpy (%.0f µs); "
                 "delivered p50 %6u µs; "
                 "reply p50 %u p99 %u µs\n",
                 way->name, (double) first / 1000, read, read / copy, copy,
                 stage (stats, "delivered-us", "p50"), stage (stats, "reply-us", "p50"),
                 stage (stats, "reply-us", "p99"));
  assert_true (first < G_USEC_PER_SEC);
  assert_true (read / copy < 100);
  assert_true (stage (stats, "reply-us", "p99") < 500000);
  qdmabuf_display_close (display);
  vm_stop (vm);
}

static void
test_ways (void **state)
{
  static const struct way ways[] = {
    { "gl=off, map", "virtio-vga", NULL, "auto", QDMABUF_LISTENER_ALL },
    { "gl=off, inline", "virtio-vga", NULL, "auto", QDMABUF_LISTENER_NONE },
    { "gl=off, std VGA", "VGA", NULL, "auto", QDMABUF_LISTENER_ALL },
    { "gl=on, cpu", "virtio-vga-gl", "on", "cpu", QDMABUF_LISTENER_ALL },
    { "gl=on, egl (llvmpipe)", "virtio-vga-gl", "on", "egl", QDMABUF_LISTENER_ALL },
  };

  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (ways); i++)
    measure (&ways[i]);
}

int
main (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (test_ways) };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
