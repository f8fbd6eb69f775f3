/* SPDX-License-Identifier: MIT */
/* Input for consoles: checked, and handed to the console's queue. */
#include <qemu-dmabuf/qdmabuf-error.h>

#include "buffer/layout.h"
#include "listen/peer-private.h"

/* The highest of QEMU's mouse buttons. It does not check what it is sent. */
#define MAX_BUTTON 9u
/* Key codes: XT set 1, those behind 0xe0 with 0x80 added. */
#define MAX_QNUM 0xffu
/* For QEMU to take the last releases when we close; one that is well needs 1 ms. */
#define FINISH_MS 50u

/* Any thread. NULL: NOT_FOUND, CLOSED or REPLACED. */
static struct input *
get_input (struct peer *peer, unsigned index, GError **error)
{
  struct input *input = NULL;

  if (peer_find_console (peer, index, error) < 0 || !peer_check_open (peer, error))
    return NULL;
  g_mutex_lock (&peer->inputs_lock);
  for (unsigned i = 0; !input && i < peer->inputs->len; i++)
    if (input_index (peer->inputs->pdata[i]) == index)
      input = peer->inputs->pdata[i];
  if (!input) {
    input = input_new (peer, index);
    g_ptr_array_add (peer->inputs, input);
  }
  g_mutex_unlock (&peer->inputs_lock);
  return input;
}

static bool
push (struct peer *peer, unsigned index, const struct input_event *event, GError **error)
{
  struct input *input = get_input (peer, index, error);

  return input && input_push (input, event, error);
}

static bool
check_range (const char *what, int64_t value, int64_t min, int64_t max, GError **error)
{
  if (value >= min && value <= max)
    return true;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
               "%s %" G_GINT64_FORMAT " is none: %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
               " are possible",
               what, value, min, max);
  return false;
}

bool
peer_send_key (struct peer *peer, unsigned index, unsigned qnum, bool pressed, GError **error)
{
  struct input_event event = { .kind = INPUT_KEY, .number = qnum, .pressed = pressed };

  return check_range ("key number", qnum, 1, MAX_QNUM, error) && push (peer, index, &event, error);
}

bool
peer_send_button (struct peer *peer, unsigned index, unsigned button, bool pressed, GError **error)
{
  struct input_event event = { .kind = INPUT_BUTTON, .number = button, .pressed = pressed };

  return check_range ("mouse button", button, 0, MAX_BUTTON, error) &&
         push (peer, index, &event, error);
}

bool
peer_send_position (struct peer *peer, unsigned index, unsigned x, unsigned y, GError **error)
{
  struct input_event event = { .kind = INPUT_POSITION, .x = x, .y = y };

  return check_range ("pointer column", x, 0, LAYOUT_MAX_SIZE - 1, error) &&
         check_range ("pointer row", y, 0, LAYOUT_MAX_SIZE - 1, error) &&
         push (peer, index, &event, error);
}

bool
peer_send_motion (struct peer *peer, unsigned index, int dx, int dy, GError **error)
{
  struct input_event event = { .kind = INPUT_MOTION, .dx = dx, .dy = dy };

  return check_range ("motion to the right by", dx, -INPUT_MAX_MOTION, INPUT_MAX_MOTION, error) &&
         check_range ("motion downwards by", dy, -INPUT_MAX_MOTION, INPUT_MAX_MOTION, error) &&
         push (peer, index, &event, error);
}

static bool
check_place (double x, double y, GError **error)
{
  if (x >= 0 && x < LAYOUT_MAX_SIZE && y >= 0 && y < LAYOUT_MAX_SIZE)
    return true;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
               "a touch at %g, %g is on no screen", x, y);
  return false;
}

bool
peer_send_touch (struct peer *peer, unsigned index, enum input_touch kind, unsigned slot, double x,
                 double y, GError **error)
{
  struct input_event event = { .kind = INPUT_TOUCH, .touch = kind, .number = slot, .x = x, .y = y };

  return check_range ("kind of touch", kind, INPUT_TOUCH_BEGIN, INPUT_TOUCH_CANCEL, error) &&
         check_range ("touch slot", slot, 0, PEER_MAX_TOUCH_SLOTS - 1, error) &&
         check_place (x, y, error) && push (peer, index, &event, error);
}

bool
peer_release_input (struct peer *peer, unsigned index, GError **error)
{
  struct input *input = get_input (peer, index, error);

  if (input)
    input_release (input);
  return input != NULL;
}

bool
peer_set_ui_info (struct peer *peer, unsigned index, const struct input_ui_info *info,
                  GError **error)
{
  if (!check_range ("display width", info->width, 0, LAYOUT_MAX_SIZE, error) ||
      !check_range ("display height", info->height, 0, LAYOUT_MAX_SIZE, error) ||
      !check_range ("display column", info->x, -INPUT_MAX_MOTION, INPUT_MAX_MOTION, error) ||
      !check_range ("display row", info->y, -INPUT_MAX_MOTION, INPUT_MAX_MOTION, error))
    return false;
  struct input *input = get_input (peer, index, error);

  if (input)
    input_set_ui_info (input, info);
  return input != NULL;
}

static bool
is_idle (struct peer *peer)
{
  for (unsigned i = 0; i < peer->inputs->len; i++)
    if (!input_is_idle (peer->inputs->pdata[i]))
      return false;
  return true;
}

static gboolean
on_finish_over (gpointer data)
{
  *(bool *) data = true;
  return G_SOURCE_REMOVE;
}

void
peer_finish_input (struct peer *peer)
{
  GSource *limit = g_timeout_source_new (FINISH_MS);
  bool over = false;

  g_main_context_push_thread_default (peer->context);
  for (unsigned i = 0; i < peer->inputs->len; i++)
    input_release (peer->inputs->pdata[i]);
  g_source_set_callback (limit, on_finish_over, &over, NULL);
  g_source_attach (limit, peer->context);
  while (!over && !atomic_load (&peer->closed) && !peer->connection->closed && !is_idle (peer))
    g_main_context_iteration (peer->context, TRUE);
  g_source_destroy (limit);
  g_source_unref (limit);
  g_main_context_pop_thread_default (peer->context);
}
