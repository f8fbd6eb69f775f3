/* SPDX-License-Identifier: MIT */
/* Each step waits for its effect: a line of the guest, a frame of a size, the end of a connection.
 */
#include "soak/soak-steps.h"

#include "shared/interrupt.h"

#define STEP_US (20 * G_USEC_PER_SEC)
#define SLICE_US (G_USEC_PER_SEC / 10)
/* As many frames as a console lends out. */
#define HELD 4
#define HOLD_US (G_USEC_PER_SEC / 20)

static const struct {
  unsigned width, height;
} sizes[] = { { 800, 600 }, { 1366, 768 }, { 641, 479 }, { 1920, 1080 } };

/* One more frame, of that size; 0: any. */
static bool
wait_frame (struct soak_vm *vm, unsigned width, unsigned height, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + STEP_US;
  guint64 before = vm->watch.delivered;
  bool seen = false;

  while (!seen && g_get_monotonic_time () < deadline) {
    if (!watch_run (&vm->watch, (double) SLICE_US / G_USEC_PER_SEC, error))
      return false;
    seen = vm->watch.delivered > before &&
           (width == 0 || (vm->watch.width == width && vm->watch.height == height));
  }
  if (!seen)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "no frame of %ux%u came", width, height);
  return seen;
}

/* 0x0 turns the screen off. */
static bool
ask_for_size (struct soak_vm *vm, unsigned width, unsigned height, GError **error)
{
  return qdmabuf_console_set_ui_info (vm->watch.console, 0, 0, 0, 0, width, height, error);
}

static bool
wait_line (struct soak_vm *vm, const char *text, GError **error)
{
  g_autofree char *line =
      serial_wait (vm_serial (vm->vm), text, g_get_monotonic_time () + STEP_US, error);

  return line != NULL;
}

static bool
resize (struct soak_vm *vm, GError **error)
{
  for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++) {
    if (!ask_for_size (vm, sizes[i].width, sizes[i].height, error) ||
        !wait_frame (vm, sizes[i].width, sizes[i].height, error))
      return false;
  }
  return ask_for_size (vm, vm->options->width, vm->options->height, error) &&
         wait_frame (vm, vm->options->width, vm->options->height, error);
}

static bool
turn_off_and_on (struct soak_vm *vm, GError **error)
{
  return ask_for_size (vm, 0, 0, error) && wait_line (vm, "testcard: off", error) &&
         ask_for_size (vm, vm->options->width, vm->options->height, error) &&
         wait_line (vm, "testcard: mode", error) &&
         wait_frame (vm, vm->options->width, vm->options->height, error);
}

static bool
register_again (struct soak_vm *vm, GError **error)
{
  for (int i = 0; i < 2; i++) {
    watch_stop (&vm->watch);
    if (!watch_start (&vm->watch, error))
      return false;
  }
  return wait_frame (vm, 0, 0, error);
}

/* Holds all the frames that it may, then takes the next ones late. */
static bool
take_slowly (struct soak_vm *vm, GError **error)
{
  g_autoptr (GPtrArray) held =
      g_ptr_array_new_with_free_func ((GDestroyNotify) qdmabuf_frame_unref);

  while (held->len < HELD && !interrupt_came ()) {
    QdmabufFrame *frame = qdmabuf_console_wait_frame (vm->watch.console, STEP_US, NULL, error);

    if (!frame)
      return false;
    g_ptr_array_add (held, frame);
    g_usleep (HOLD_US);
  }
  g_usleep (10 * HOLD_US);
  g_ptr_array_set_size (held, 0);
  return wait_frame (vm, 0, 0, error);
}

static bool
reset_guest (struct soak_vm *vm, GError **error)
{
  g_autofree char *answer = qmp_call (vm_qmp (vm->vm), "system_reset", NULL, error);

  return answer && wait_line (vm, "testcard: ready", error) &&
         wait_frame (vm, vm->options->width, vm->options->height, error);
}

/* The library must say so, and not as a time-out. */
static bool
kill_qemu (struct soak_vm *vm, GError **error)
{
  g_autoptr (GError) end = NULL;

  vm_kill (vm->vm);
  if (watch_run (&vm->watch, (double) STEP_US / G_USEC_PER_SEC, &end)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                 "the library did not notice that QEMU was killed");
    return false;
  }
  if (g_error_matches (end, QDMABUF_ERROR, QDMABUF_ERROR_CLOSED))
    return true;
  g_propagate_error (error, g_steal_pointer (&end));
  return false;
}

const struct soak_step soak_steps[] = {
  { "resize", resize },
  { "off and on", turn_off_and_on },
  { "register again", register_again },
  { "slow consumer", take_slowly },
  { "guest reset", reset_guest },
  { "kill", kill_qemu },
  { NULL, NULL },
};
