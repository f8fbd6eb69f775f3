/* SPDX-License-Identifier: MIT */
/* One run that saves frames: signals of a console and timers on one main loop, from the first frame
 * to the last. */
#include "capture.h"

#include <qemu-dmabuf/qemu-dmabuf.h>

#include "common/messages.h"
#include "connect.h"
#include "pace.h"
#include "progress.h"
#include "report.h"
#include "sink.h"

/* QEMU tells a new listener of the cursor right after the first picture: no message from it takes
 * this long. */
#define CURSOR_GRACE_MS 100
#define DEFAULT_FPS 30
/* A picture was refused, but the guest may be about to change it: firmware, placeholder and desktop
 * differ. */
#define REFUSAL_GRACE_US G_USEC_PER_SEC

struct capture {
  const struct options *options;
  QdmabufDisplay *display;
  QdmabufConsole *console;
  struct sink *sink;
  struct progress progress;
  GMainLoop *loop;
  bool over;
  enum status status;
  guint frame_timer, cursor_timer, tick_timer; /* source ids; 0: not running */
  QdmabufFrame *frame;                         /* the newest; what a video repeats */
  struct pace pace;                            /* of a timed video */
  guint64 first_serial, last_serial, n_delivered;
  GError *warning; /* the last one */
  bool refused;    /* a picture, before there was a frame */
  gint64 deadline; /* of the first frame, µs of CLOCK_MONOTONIC */
  bool disabled;
};

/* True: the picture is shown at a fixed rate, again and again if it does not change. */
static bool
is_timed (const struct capture *c)
{
  return c->options->writer->timed && !c->options->every;
}

static guint64
n_replaced (const struct capture *c)
{
  return c->n_delivered ? c->last_serial - c->first_serial + 1 - c->n_delivered : 0;
}

static void
finish (struct capture *c, enum status status)
{
  if (c->over)
    return;
  c->over = true;
  c->status = status;
  g_main_loop_quit (c->loop);
}

/* Whether the warning means that pictures come and cannot be read. */
static bool
is_refusal (const GError *warning)
{
  return warning && connect_status (warning) == STATUS_REFUSED;
}

/* Whether waiting cannot help: the next picture will be like this one. */
static bool
is_final (const GError *warning)
{
  return g_error_matches (warning, QDMABUF_ERROR, QDMABUF_ERROR_NO_SCANOUT) ||
         g_error_matches (warning, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_FORMAT) ||
         g_error_matches (warning, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_MODIFIER);
}

static gboolean
on_no_frame (gpointer data)
{
  struct capture *c = data;

  c->frame_timer = 0;
  if (c->n_delivered > 0) {
    message_error ("%u of %u frames: the guest drew nothing more for %g s",
                   sink_n_written (c->sink), c->options->count, c->options->timeout);
    finish (c, STATUS_NO_FRAME);
  } else if (is_refusal (c->warning)) {
    message_error ("%s", c->warning->message);
    finish (c, STATUS_REFUSED);
  } else {
    report_no_frame (c->options, c->console, c->disabled, c->warning);
    finish (c, STATUS_NO_FRAME);
  }
  return G_SOURCE_REMOVE;
}

static void
stop_timer (guint *timer)
{
  if (*timer)
    g_source_remove (*timer);
  *timer = 0;
}

static void
expect_frame (struct capture *c, gint64 deadline)
{
  gint64 left = MAX (deadline - g_get_monotonic_time (), 0);

  stop_timer (&c->frame_timer);
  c->frame_timer = g_timeout_add ((guint) (left / 1000), on_no_frame, c);
}

/* Writes the newest frame, as often as that is due. */
static void
write_frame (struct capture *c, guint64 times)
{
  g_autoptr (QdmabufCursor) cursor =
      c->options->cursor ? qdmabuf_console_dup_cursor (c->console) : NULL;
  g_autoptr (GError) error = NULL;
  unsigned left = c->options->count - sink_n_written (c->sink);

  if (times == 0 || c->over)
    return;
  if (!sink_put (c->sink, c->frame, cursor, (unsigned) MIN (times, left), &error)) {
    message_error ("%s", error->message);
    finish (c, STATUS_WRITE);
    return;
  }
  c->pace.written = sink_n_written (c->sink);
  progress_show (&c->progress, sink_n_written (c->sink), n_replaced (c));
  if (sink_n_written (c->sink) >= c->options->count)
    finish (c, STATUS_OK);
}

/* One picture late, so that a frame whose time lies before a tick has arrived when the tick is
 * written. */
static gboolean
on_tick (gpointer data)
{
  struct capture *c = data;
  gint64 period = G_USEC_PER_SEC / c->pace.fps;

  write_frame (c, pace_due (&c->pace, g_get_monotonic_time () - period));
  return G_SOURCE_CONTINUE;
}

static void
start_video (struct capture *c)
{
  unsigned fps = c->options->fps ? c->options->fps : DEFAULT_FPS;

  c->pace = (struct pace){ .start = qdmabuf_frame_get_time (c->frame), .fps = fps };
  c->tick_timer = g_timeout_add (MAX (1000 / fps, 1), on_tick, c);
}

static void
write_first (struct capture *c)
{
  stop_timer (&c->cursor_timer);
  if (is_timed (c))
    start_video (c);
  else
    write_frame (c, 1);
}

static gboolean
on_cursor_grace (gpointer data)
{
  struct capture *c = data;

  c->cursor_timer = 0;
  write_first (c);
  return G_SOURCE_REMOVE;
}

static bool
cursor_is_visible (struct capture *c)
{
  g_autoptr (QdmabufCursor) cursor = qdmabuf_console_dup_cursor (c->console);

  return cursor && qdmabuf_cursor_get_visible (cursor);
}

static void
on_cursor_changed (QdmabufConsole *console, gpointer data)
{
  struct capture *c = data;

  (void) console;
  if (c->cursor_timer && cursor_is_visible (c))
    write_first (c);
}

static void
count_frame (struct capture *c, QdmabufFrame *frame)
{
  guint64 serial = qdmabuf_frame_get_serial (frame);

  if (c->n_delivered == 0)
    c->first_serial = serial;
  c->last_serial = serial;
  c->n_delivered++;
}

static void
on_frame (QdmabufConsole *console, QdmabufFrame *frame, gpointer data)
{
  struct capture *c = data;
  bool first = c->n_delivered == 0;

  (void) console;
  /* What came before goes first. */
  if (c->cursor_timer)
    write_first (c);
  if (c->tick_timer)
    write_frame (c, pace_due (&c->pace, qdmabuf_frame_get_time (frame)));
  if (c->over)
    return;
  count_frame (c, frame);
  g_clear_pointer (&c->frame, qdmabuf_frame_unref);
  c->frame = qdmabuf_frame_ref (frame);
  c->disabled = false;
  if (is_timed (c))
    stop_timer (&c->frame_timer);
  else
    expect_frame (c, options_deadline (c->options));
  if (first && c->options->cursor && !cursor_is_visible (c))
    c->cursor_timer = g_timeout_add (CURSOR_GRACE_MS, on_cursor_grace, c);
  else if (first)
    write_first (c);
  else if (!is_timed (c))
    write_frame (c, 1);
}

/* Before the first frame a refusal may be the end, with the warning as the last word; it is not
 * said twice. */
static void
weigh_refusal (struct capture *c)
{
  /* Who names a back end has said that no other will do. */
  bool named = c->options->backend && !g_str_equal (c->options->backend, "auto");
  bool none = g_error_matches (c->warning, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND);
  bool final = is_final (c->warning) || (named && none);

  if (final) {
    message_error ("%s", c->warning->message);
    finish (c, STATUS_REFUSED);
  } else if (!c->refused) {
    c->refused = true;
    expect_frame (c, MIN (c->deadline, g_get_monotonic_time () + REFUSAL_GRACE_US));
  }
}

static void
on_warning (QdmabufConsole *console, const GError *warning, gpointer data)
{
  struct capture *c = data;
  bool known = c->warning && g_str_equal (c->warning->message, warning->message);

  (void) console;
  if (c->over || known)
    return;
  g_clear_error (&c->warning);
  c->warning = g_error_copy (warning);
  if (c->n_delivered == 0 && is_refusal (warning))
    weigh_refusal (c);
  else
    message_note ("%s", warning->message);
}

static void
on_disabled (QdmabufConsole *console, gpointer data)
{
  struct capture *c = data;

  (void) console;
  c->disabled = true;
}

static void
on_closed (QdmabufDisplay *display, const GError *reason, gpointer data)
{
  struct capture *c = data;

  (void) display;
  if (c->over)
    return;
  message_error ("%u of %u frames: %s", sink_n_written (c->sink), c->options->count,
                 reason ? reason->message : "the connection to the VM is over");
  finish (c, STATUS_NO_FRAME);
}

static bool
find_console (struct capture *c)
{
  guint n = qdmabuf_display_get_n_consoles (c->display);
  QdmabufConsole *found = NULL;

  for (guint i = 0; i < n && !found; i++) {
    QdmabufConsole *console = qdmabuf_display_get_console (c->display, i);

    if (qdmabuf_console_get_index (console) == c->options->console)
      found = console;
  }
  if (!found) {
    message_error ("the VM has no console %u; it has %u (--list shows them)", c->options->console,
                   n);
    return false;
  }
  c->console = g_object_ref (found);
  return true;
}

static void
set_up_console (struct capture *c)
{
  const struct options *options = c->options;
  bool limited = options->fps && !options->writer->timed;
  QdmabufListenerFlags interfaces = QDMABUF_LISTENER_ALL;

  if (!options->map)
    interfaces &= ~(unsigned) QDMABUF_LISTENER_MAP;
  g_object_set (c->console, "format", sink_fourcc (c->sink), "listener-interfaces", interfaces,
                NULL);
  if (limited)
    g_object_set (c->console, "max-rate", options->fps, NULL);
  if (options->backend)
    g_object_set (c->console, "backend", options->backend, NULL);
  if (options->render_node)
    g_object_set (c->console, "render-node", options->render_node, NULL);
  if (options->modifier)
    g_object_set (c->console, "modifier", options->modifier, NULL);
  g_signal_connect (c->console, "frame", G_CALLBACK (on_frame), c);
  g_signal_connect (c->console, "warning", G_CALLBACK (on_warning), c);
  g_signal_connect (c->console, "disabled", G_CALLBACK (on_disabled), c);
  g_signal_connect (c->console, "cursor-changed", G_CALLBACK (on_cursor_changed), c);
  g_signal_connect (c->display, "closed", G_CALLBACK (on_closed), c);
}

/* Everything until signals come. False: said why, and set the status. */
static bool
begin (struct capture *c)
{
  g_autoptr (GError) error = NULL;

  c->deadline = options_deadline (c->options);
  c->display = connect_display (c->options->address, c->options->vm, c->deadline, &error);
  if (!c->display) {
    message_error ("%s", error->message);
    c->status = connect_status (error);
    return false;
  }
  if (!find_console (c)) {
    c->status = STATUS_CONNECT;
    return false;
  }
  c->sink = sink_new (c->options, qdmabuf_display_get_name (c->display));
  progress_start (&c->progress, c->options->quiet ? 1 : c->options->count);
  set_up_console (c);
  expect_frame (c, c->deadline);
  if (!connect_console (c->console, c->deadline, &error) && !c->over) {
    message_error ("%s", error->message);
    c->status = connect_status (error);
    return false;
  }
  return true;
}

/* Whole frames are kept even where fewer came than were asked for; after a failed write nothing is.
 */
static void
end (struct capture *c)
{
  g_autoptr (GError) error = NULL;

  message_progress (NULL);
  qdmabuf_console_stop (c->console);
  if (c->status != STATUS_WRITE && !sink_finish (c->sink, &error)) {
    message_error ("%s", error->message);
    c->status = STATUS_WRITE;
  }
  if (c->status != STATUS_WRITE && c->frame)
    report_done (c->options, c->display, c->sink, c->frame, n_replaced (c));
}

static void
capture_clear (struct capture *c)
{
  stop_timer (&c->frame_timer);
  stop_timer (&c->cursor_timer);
  stop_timer (&c->tick_timer);
  g_clear_pointer (&c->frame, qdmabuf_frame_unref);
  g_clear_pointer (&c->sink, sink_free);
  g_clear_error (&c->warning);
  if (c->console)
    g_signal_handlers_disconnect_by_data (c->console, c);
  if (c->display) {
    g_signal_handlers_disconnect_by_data (c->display, c);
    qdmabuf_display_close (c->display);
  }
  g_clear_object (&c->console);
  g_clear_object (&c->display);
  g_main_loop_unref (c->loop);
}

enum status
capture_run (const struct options *options)
{
  struct capture c = { .options = options, .loop = g_main_loop_new (NULL, FALSE) };

  if (begin (&c)) {
    if (!c.over)
      g_main_loop_run (c.loop);
    end (&c);
  }
  capture_clear (&c);
  return c.status;
}
