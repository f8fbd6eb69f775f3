/* SPDX-License-Identifier: MIT */
/* The desk: who has control, and what all who sit there are told of the console. */
#include "control/desk.h"

#include "control/drive.h"
#include "control/messages.h"
#include "control/seat.h"

/* Of pictures of cursors. A guest that changes its cursor all the time must not fill the channels
 * of those who watch: who cannot read that fast would be sent away. */
#define CURSOR_BYTES_PER_SECOND (256 * 1024)

struct desk {
  QdmabufDisplay *display;
  QdmabufConsole *console;
  struct drive *drive;
  GPtrArray *seats;       /* struct seat, not owned */
  struct seat *holder;    /* who has control; NULL: nobody */
  QdmabufCursor *cursor;  /* the guest's; NULL: none yet */
  QdmabufCursor *shown;   /* whose picture all were told; NULL: none yet */
  gint64 next_picture_us; /* of the clock: not before */
  guint picture_timer;    /* 0: no picture waits for that */
  unsigned numbers;
};

/* message: full. */
static void
tell_all (struct desk *desk, GBytes *message)
{
  for (unsigned i = 0; i < desk->seats->len; i++)
    seat_send (desk->seats->pdata[i], g_bytes_ref (message));
  g_bytes_unref (message);
}

/* ---- who has control ---- */

static GBytes *
control_for (struct desk *desk, struct seat *seat)
{
  enum control_state state = CONTROL_NOBODY;

  if (desk->holder)
    state = desk->holder == seat ? CONTROL_YOU : CONTROL_ANOTHER;
  return message_control (state, desk->holder ? desk->holder->number : 0, desk->seats->len);
}

static void
tell_who_has_control (struct desk *desk)
{
  for (unsigned i = 0; i < desk->seats->len; i++)
    seat_send (desk->seats->pdata[i], control_for (desk, desk->seats->pdata[i]));
}

/* What the one holds never gets into the hands of the other. seat: NULL: nobody. */
static void
hand_over (struct desk *desk, struct seat *seat)
{
  struct seat *before = desk->holder;

  drive_stop (desk->drive);
  desk->holder = seat;
  drive_heard (desk->drive);
  if (before)
    before->handler->control (before->data, false);
  if (seat)
    seat->handler->control (seat->data, true);
}

void
desk_take (struct desk *desk, struct seat *seat)
{
  if (!seat->may_control || desk->holder == seat)
    return;
  hand_over (desk, seat);
  tell_who_has_control (desk);
}

void
desk_drive (struct desk *desk, struct seat *seat, const struct input_event *event)
{
  /* The page may not have heard yet that it lost control. */
  if (desk->holder == seat)
    drive_event (desk->drive, event, &seat->last);
}

void
desk_heard (struct desk *desk, struct seat *seat)
{
  if (desk->holder == seat)
    drive_heard (desk->drive);
}

/* ---- what is told of the console ---- */

static GBytes *
vm_now (struct desk *desk)
{
  static const enum vm_state states[] = {
    [QDMABUF_DISPLAY_STATE_CONNECTED] = VM_CONNECTED,
    [QDMABUF_DISPLAY_STATE_WAITING] = VM_WAITING,
    [QDMABUF_DISPLAY_STATE_CLOSED] = VM_OFF,
  };

  return message_vm (states[qdmabuf_display_get_state (desk->display)]);
}

static GBytes *
size_now (struct desk *desk)
{
  guint width = 0, height = 0;

  qdmabuf_console_get_size (desk->console, &width, &height);
  return message_size (width, height);
}

static GBytes *
leds_now (struct desk *desk)
{
  return message_leds (qdmabuf_console_get_leds (desk->console));
}

static GBytes *
pointer_now (struct desk *desk)
{
  return message_pointer (qdmabuf_console_get_pointer_absolute (desk->console),
                          qdmabuf_console_get_touch_slots (desk->console));
}

static GBytes *
cursor_place (QdmabufCursor *cursor)
{
  int x = 0, y = 0;

  qdmabuf_cursor_get_position (cursor, &x, &y);
  return message_cursor_place (qdmabuf_cursor_get_visible (cursor), x, y);
}

static bool
looks_the_same (QdmabufCursor *a, QdmabufCursor *b)
{
  g_autoptr (GBytes) of_a = qdmabuf_cursor_dup_bytes (a);
  g_autoptr (GBytes) of_b = qdmabuf_cursor_dup_bytes (b);
  int ax = 0, ay = 0, bx = 0, by = 0;

  qdmabuf_cursor_get_hot_spot (a, &ax, &ay);
  qdmabuf_cursor_get_hot_spot (b, &bx, &by);
  return qdmabuf_cursor_get_width (a) == qdmabuf_cursor_get_width (b) && ax == bx && ay == by &&
         g_bytes_equal (of_a, of_b);
}

static void
show_cursor (QdmabufCursor *cursor, struct desk *desk, struct seat *only)
{
  g_autoptr (GPtrArray) messages = messages_of_cursor (cursor);

  for (unsigned i = 0; i < messages->len; i++) {
    GBytes *message = g_bytes_ref (messages->pdata[i]);

    if (only)
      seat_send (only, message);
    else
      tell_all (desk, message);
  }
}

static void
on_vm (struct desk *desk)
{
  tell_all (desk, vm_now (desk));
}

static void
on_size (struct desk *desk)
{
  tell_all (desk, size_now (desk));
}

static void
on_leds (struct desk *desk)
{
  tell_all (desk, leds_now (desk));
}

static void
on_pointer (struct desk *desk)
{
  tell_all (desk, pointer_now (desk));
}

static void
clear_cursor (QdmabufCursor **cursor)
{
  g_clear_pointer (cursor, qdmabuf_cursor_unref);
}

static void
show_picture (struct desk *desk)
{
  const gint64 bytes = (gint64) 4 * qdmabuf_cursor_get_width (desk->cursor) *
                       qdmabuf_cursor_get_height (desk->cursor);

  clear_cursor (&desk->shown);
  desk->shown = qdmabuf_cursor_ref (desk->cursor);
  desk->next_picture_us =
      g_get_monotonic_time () + bytes * G_USEC_PER_SEC / CURSOR_BYTES_PER_SECOND;
  show_cursor (desk->cursor, desk, NULL);
}

static bool
is_shown (struct desk *desk)
{
  return !desk->cursor || (desk->shown && looks_the_same (desk->shown, desk->cursor));
}

static gboolean
on_picture_time (gpointer data)
{
  struct desk *desk = data;

  desk->picture_timer = 0;
  if (!is_shown (desk))
    show_picture (desk);
  return G_SOURCE_REMOVE;
}

static void
on_cursor (struct desk *desk)
{
  const gint64 wait_us = desk->next_picture_us - g_get_monotonic_time ();

  clear_cursor (&desk->cursor);
  desk->cursor = qdmabuf_console_dup_cursor (desk->console);
  if (!desk->cursor)
    return;
  if (desk->picture_timer == 0 && !is_shown (desk)) {
    if (wait_us <= 0)
      show_picture (desk);
    else
      desk->picture_timer = g_timeout_add ((guint) (wait_us / 1000 + 1), on_picture_time, desk);
  }
  tell_all (desk, cursor_place (desk->cursor));
}

static void
listen_to_console (struct desk *desk)
{
  static const struct {
    const char *signal;
    void (*handler) (struct desk *desk);
  } news[] = {
    { "notify::width", on_size },          { "notify::height", on_size },
    { "notify::leds", on_leds },           { "notify::pointer-absolute", on_pointer },
    { "notify::touch-slots", on_pointer }, { "cursor-changed", on_cursor },
  };

  for (unsigned i = 0; i < G_N_ELEMENTS (news); i++)
    g_signal_connect_swapped (desk->console, news[i].signal, G_CALLBACK (news[i].handler), desk);
  g_signal_connect_swapped (desk->display, "notify::state", G_CALLBACK (on_vm), desk);
}

void
desk_greet (struct desk *desk, struct seat *seat)
{
  seat_send (seat, message_hello (seat->may_control, seat->number));
  seat_send (seat, vm_now (desk));
  seat_send (seat, size_now (desk));
  seat_send (seat, pointer_now (desk));
  seat_send (seat, leds_now (desk));
  if (desk->cursor) {
    show_cursor (desk->cursor, desk, seat);
    seat_send (seat, cursor_place (desk->cursor));
  }
  if (!desk->holder && seat->may_control)
    hand_over (desk, seat);
  tell_who_has_control (desk);
}

/* ---- the desk ---- */

struct desk *
desk_new (QdmabufDisplay *display, QdmabufConsole *console)
{
  struct desk *desk = g_new0 (struct desk, 1);

  desk->display = g_object_ref (display);
  desk->console = g_object_ref (console);
  desk->drive = drive_new (console);
  desk->seats = g_ptr_array_new ();
  desk->cursor = qdmabuf_console_dup_cursor (console);
  desk->shown = desk->cursor ? qdmabuf_cursor_ref (desk->cursor) : NULL;
  listen_to_console (desk);
  return desk;
}

void
desk_free (struct desk *desk)
{
  g_assert (desk->seats->len == 0);

  g_signal_handlers_disconnect_by_data (desk->console, desk);
  g_signal_handlers_disconnect_by_data (desk->display, desk);
  drive_free (desk->drive);
  g_clear_handle_id (&desk->picture_timer, g_source_remove);
  clear_cursor (&desk->cursor);
  clear_cursor (&desk->shown);
  g_ptr_array_unref (desk->seats);
  g_object_unref (desk->console);
  g_object_unref (desk->display);
  g_free (desk);
}

struct seat *
desk_sit (struct desk *desk, bool may_control, const struct seat_handler *handler, void *data)
{
  struct seat *seat = g_new0 (struct seat, 1);

  seat->desk = desk;
  seat->handler = handler;
  seat->data = data;
  seat->may_control = may_control;
  seat->number = ++desk->numbers;
  g_ptr_array_add (desk->seats, seat);
  return seat;
}

void
desk_remove (struct desk *desk, struct seat *seat)
{
  g_ptr_array_remove (desk->seats, seat);
  if (desk->holder == seat) {
    drive_stop (desk->drive);
    desk->holder = NULL;
  }
  tell_who_has_control (desk);
}
