/* SPDX-License-Identifier: MIT */
/* Takes frames by the blocking call, on the main thread: no main loop stands between a frame and
 * its time. */
#include "measure/watch.h"

#include <string.h>

#include "common/messages.h"
#include "shared/interrupt.h"

#define OPEN_US (15 * G_USEC_PER_SEC)
/* Between two tries at a socket that refuses at once. */
#define BUSY_US (G_USEC_PER_SEC / 20)
#define FIRST_US (20 * G_USEC_PER_SEC)
/* How often it is looked for a signal. */
#define SLICE_US (G_USEC_PER_SEC / 5)

static void
on_warning (QdmabufConsole *console, const GError *warning, gpointer data)
{
  struct watch *watch = data;

  (void) console;
  g_free (watch->warning);
  watch->warning = message_printable (warning->message);
}

static bool
cancelled (GError **error)
{
  if (interrupt_came ())
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "stopped by a signal");
  return interrupt_came ();
}

static bool
is_worth_waiting (const GError *error, gint64 deadline)
{
  return g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_BUSY) &&
         g_get_monotonic_time () < deadline && !interrupt_came ();
}

static QdmabufDisplay *
open_display (const char *address, const char *vm, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + OPEN_US;
  QdmabufDisplay *display = NULL;
  GError *failed = NULL;

  display = qdmabuf_display_open_vm (address, vm, NULL, &failed);
  while (!display && is_worth_waiting (failed, deadline)) {
    g_usleep (BUSY_US);
    g_clear_error (&failed);
    display = qdmabuf_display_open_vm (address, vm, NULL, &failed);
  }
  if (failed)
    g_propagate_error (error, failed);
  return display;
}

static QdmabufConsole *
find_console (QdmabufDisplay *display, unsigned index, GError **error)
{
  guint n = qdmabuf_display_get_n_consoles (display);

  for (guint i = 0; i < n; i++) {
    QdmabufConsole *console = qdmabuf_display_get_console (display, i);

    if (qdmabuf_console_get_index (console) == index)
      return console;
  }
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NOT_FOUND, "the VM has no console %u; it has %u",
               index, n);
  return NULL;
}

static void
set_up (struct watch *watch, const struct stream_options *options)
{
  g_object_set (watch->console, "format", options->format, "listener-interfaces", options->flags,
                NULL);
  if (options->backend)
    g_object_set (watch->console, "backend", options->backend, NULL);
  if (options->render_node)
    g_object_set (watch->console, "render-node", options->render_node, NULL);
  watch->handler = g_signal_connect (watch->console, "warning", G_CALLBACK (on_warning), watch);
}

bool
watch_open (struct watch *watch, const char *address, const char *vm, unsigned console,
            const struct stream_options *options, CardDamage damage, GError **error)
{
  *watch = (struct watch){ .card = { .damage = damage } };
  trace_init (&watch->trace, -1);
  watch->display = open_display (address, vm, error);
  if (watch->display)
    watch->console = find_console (watch->display, console, error);
  if (watch->console)
    set_up (watch, options);
  return watch->console != NULL;
}

static guint64
damaged_pixels (QdmabufFrame *frame)
{
  guint64 pixels = 0;

  for (guint i = 0; i < qdmabuf_frame_get_n_damage (frame); i++) {
    int x, y, width, height;

    qdmabuf_frame_get_damage (frame, i, &x, &y, &width, &height);
    pixels += (guint64) width * (guint64) height;
  }
  return pixels;
}

static void
look_at (struct watch *watch, QdmabufFrame *frame)
{
  struct sighting seen;

  histogram_add (&watch->taken, g_get_monotonic_time () - qdmabuf_frame_get_time (frame));
  trace_take (&watch->trace, g_get_real_time ());
  watch->delivered++;
  watch->damaged += damaged_pixels (frame);
  watch->width = qdmabuf_frame_get_width (frame);
  watch->height = qdmabuf_frame_get_height (frame);
  if (g_strcmp0 (watch->backend, qdmabuf_frame_get_backend (frame)) != 0) {
    g_free (watch->backend);
    watch->backend = g_strdup (qdmabuf_frame_get_backend (frame));
  }
  if (watch->blind)
    return;
  seen = card_frame_read (&watch->card, frame);
  tracker_add (&watch->tracker, &seen);
}

/* One frame, or none within the time. False: error. */
static bool
take_one (struct watch *watch, gint64 timeout_us, GError **error)
{
  g_autoptr (GError) failed = NULL;
  g_autoptr (QdmabufFrame) frame =
      qdmabuf_console_wait_frame (watch->console, timeout_us, NULL, &failed);

  if (frame) {
    look_at (watch, frame);
    return true;
  }
  trace_drain (&watch->trace);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  if (g_error_matches (failed, QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT))
    return true;
  g_propagate_error (error, g_steal_pointer (&failed));
  return false;
}

bool
watch_start (struct watch *watch, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + FIRST_US;
  guint64 before = watch->delivered;

  if (!qdmabuf_console_start (watch->console, NULL, error))
    return false;
  while (watch->delivered == before) {
    if (cancelled (error) || !take_one (watch, SLICE_US, error))
      return false;
    if (g_get_monotonic_time () < deadline || watch->delivered > before)
      continue;
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT, "no frame came%s%s",
                 watch->warning ? ": " : "", watch->warning ? watch->warning : "");
    return false;
  }
  return true;
}

bool
watch_run (struct watch *watch, double seconds, GError **error)
{
  gint64 start = g_get_monotonic_time ();
  gint64 end = start + (gint64) (seconds * G_USEC_PER_SEC);
  gint64 told = start;
  bool good = true;

  for (gint64 now = start; good && now < end; now = g_get_monotonic_time ()) {
    good = !cancelled (error) && take_one (watch, MIN (SLICE_US, end - now), error);
    if (now - told < SLICE_US)
      continue;
    if (watch->tick)
      watch->tick ((double) (now - told) / G_USEC_PER_SEC, watch->tick_data);
    told = now;
  }
  return good;
}

bool
watch_find_card (struct watch *watch)
{
  static const CardDamage places[] = { CARD_DAMAGE_FULL, CARD_DAMAGE_BOX };
  g_autoptr (QdmabufFrame) frame = qdmabuf_console_dup_latest_frame (watch->console);

  watch->blind = true;
  for (size_t i = 0; frame && watch->blind && i < G_N_ELEMENTS (places); i++) {
    card_frame_clear (&watch->card);
    watch->card.damage = places[i];
    struct sighting seen = card_frame_read (&watch->card, frame);
    watch->blind = !seen.top && !seen.bottom;
  }
  return !watch->blind;
}

void
watch_stop (struct watch *watch)
{
  qdmabuf_console_stop (watch->console);
}

void
watch_reset (struct watch *watch)
{
  watch->delivered = 0;
  watch->damaged = 0;
  memset (&watch->taken, 0, sizeof watch->taken);
  memset (&watch->tracker, 0, sizeof watch->tracker);
  trace_reset (&watch->trace);
}

void
watch_close (struct watch *watch)
{
  if (watch->console) {
    g_signal_handler_disconnect (watch->console, watch->handler);
    qdmabuf_console_stop (watch->console);
  }
  if (watch->display)
    qdmabuf_display_close (watch->display);
  g_clear_object (&watch->display);
  g_clear_pointer (&watch->warning, g_free);
  g_clear_pointer (&watch->backend, g_free);
  card_frame_clear (&watch->card);
  watch->console = NULL;
}
