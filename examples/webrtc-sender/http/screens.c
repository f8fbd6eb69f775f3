/* SPDX-License-Identifier: MIT */
/* One entry a console; broadcast and desk are made when somebody first wants them. */
#include "http/screens.h"

struct screens {
  QdmabufDisplay *display;
  int only;
  struct broadcast_config config;
  char *encoder, *stats_log;
  GPtrArray *list; /* struct screen, of consoles that are there */
};

struct screen {
  unsigned n_refs;
  const struct broadcast_config *config;
  QdmabufDisplay *display;
  QdmabufConsole *console;
  struct broadcast *broadcast; /* NULL: not yet */
  struct desk *desk;           /* NULL: not yet */
};

struct screen *
screen_ref (struct screen *screen)
{
  screen->n_refs++;
  return screen;
}

void
screen_unref (struct screen *screen)
{
  if (--screen->n_refs > 0)
    return;
  g_clear_pointer (&screen->broadcast, broadcast_free);
  g_clear_pointer (&screen->desk, desk_free);
  g_object_unref (screen->console);
  g_object_unref (screen->display);
  g_free (screen);
}

unsigned
screen_index (const struct screen *screen)
{
  return qdmabuf_console_get_index (screen->console);
}

struct broadcast *
screen_broadcast (struct screen *screen)
{
  if (!screen->broadcast)
    screen->broadcast = broadcast_new (screen->console, screen->config);
  return screen->broadcast;
}

struct desk *
screen_desk (struct screen *screen)
{
  if (!screen->desk)
    screen->desk = desk_new (screen->display, screen->console);
  return screen->desk;
}

static void
add_console (struct screens *screens, QdmabufConsole *console)
{
  bool wanted =
      screens->only < 0 || (unsigned) screens->only == qdmabuf_console_get_index (console);

  if (!wanted)
    return;
  struct screen *screen = g_new0 (struct screen, 1);
  screen->n_refs = 1;
  screen->config = &screens->config;
  screen->display = g_object_ref (screens->display);
  screen->console = g_object_ref (console);
  g_ptr_array_add (screens->list, screen);
}

static void
on_added (QdmabufDisplay *display, QdmabufConsole *console, gpointer data)
{
  (void) display;
  add_console (data, console);
}

/* Those who watch it are told by its broadcast. */
static void
on_removed (QdmabufDisplay *display, QdmabufConsole *console, gpointer data)
{
  struct screens *screens = data;

  (void) display;
  for (guint i = 0; i < screens->list->len; i++) {
    const struct screen *screen = screens->list->pdata[i];

    if (screen->console == console) {
      g_ptr_array_remove_index (screens->list, i);
      return;
    }
  }
}

struct screens *
screens_new (QdmabufDisplay *display, int only, const struct broadcast_config *config)
{
  struct screens *screens = g_new0 (struct screens, 1);
  guint n = qdmabuf_display_get_n_consoles (display);

  screens->display = g_object_ref (display);
  screens->only = only;
  screens->config = *config;
  screens->config.encoder = screens->encoder = g_strdup (config->encoder);
  screens->config.stats_log = screens->stats_log = g_strdup (config->stats_log);
  screens->list = g_ptr_array_new_with_free_func ((GDestroyNotify) screen_unref);
  g_signal_connect (display, "console-added", G_CALLBACK (on_added), screens);
  g_signal_connect (display, "console-removed", G_CALLBACK (on_removed), screens);
  for (guint i = 0; i < n; i++)
    add_console (screens, qdmabuf_display_get_console (display, i));
  return screens;
}

void
screens_free (struct screens *screens)
{
  g_signal_handlers_disconnect_by_data (screens->display, screens);
  g_ptr_array_unref (screens->list);
  g_object_unref (screens->display);
  g_free (screens->encoder);
  g_free (screens->stats_log);
  g_free (screens);
}

struct screen *
screens_find (struct screens *screens, unsigned index)
{
  for (guint i = 0; i < screens->list->len; i++) {
    if (screen_index (screens->list->pdata[i]) == index)
      return screens->list->pdata[i];
  }
  return NULL;
}

void
screens_each (struct screens *screens, void (*each) (struct screen *screen, void *data), void *data)
{
  for (guint i = 0; i < screens->list->len; i++)
    each (screens->list->pdata[i], data);
}

const char *
screens_state (struct screens *screens)
{
  switch (qdmabuf_display_get_state (screens->display)) {
  case QDMABUF_DISPLAY_STATE_CONNECTED:
    return "connected";
  case QDMABUF_DISPLAY_STATE_WAITING:
    return "waiting";
  case QDMABUF_DISPLAY_STATE_CLOSED:
  default:
    return "closed";
  }
}

static JsonObject *
describe (struct screens *screens, const struct screen *screen)
{
  JsonObject *object = json_object_new ();
  guint width = 0, height = 0;

  qdmabuf_console_get_size (screen->console, &width, &height);
  json_object_set_int_member (object, "index", screen_index (screen));
  json_object_set_string_member (object, "label", qdmabuf_console_get_label (screen->console));
  json_object_set_int_member (object, "width", width);
  json_object_set_int_member (object, "height", height);
  json_object_set_string_member (object, "state", screens_state (screens));
  return object;
}

JsonArray *
screens_list (struct screens *screens)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < screens->list->len; i++)
    json_array_add_object_element (array, describe (screens, screens->list->pdata[i]));
  return array;
}
