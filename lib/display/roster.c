/* SPDX-License-Identifier: MIT */
/* Two lists and the difference between them. A console that came and went before the application
 * was told of it was never there, so that however often QEMU changes its mind, nothing piles up. */
#include "display/roster.h"

struct roster {
  GMutex lock; /* guards all below */
  GPtrArray *current, *shown;
};

struct roster *
roster_new (void)
{
  struct roster *self = g_new0 (struct roster, 1);

  g_mutex_init (&self->lock);
  self->current = g_ptr_array_new_with_free_func (g_object_unref);
  self->shown = g_ptr_array_new_with_free_func (g_object_unref);
  return self;
}

void
roster_free (struct roster *self)
{
  g_ptr_array_unref (self->current);
  g_ptr_array_unref (self->shown);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static gint
by_index (gconstpointer a, gconstpointer b)
{
  guint left = qdmabuf_console_get_index (*(QdmabufConsole *const *) a);
  guint right = qdmabuf_console_get_index (*(QdmabufConsole *const *) b);

  return (left > right) - (left < right);
}

static void
insert (GPtrArray *list, QdmabufConsole *console)
{
  g_ptr_array_add (list, console);
  g_ptr_array_sort (list, by_index);
}

void
roster_add (struct roster *self, QdmabufConsole *console)
{
  g_mutex_lock (&self->lock);
  insert (self->current, console);
  g_mutex_unlock (&self->lock);
}

QdmabufConsole *
roster_remove (struct roster *self, guint index)
{
  QdmabufConsole *removed = NULL;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->current->len && !removed; i++)
    if (qdmabuf_console_get_index (g_ptr_array_index (self->current, i)) == index)
      removed = g_ptr_array_steal_index (self->current, i);
  g_mutex_unlock (&self->lock);
  return removed;
}

static gpointer
ref_console (gconstpointer console, gpointer data)
{
  (void) data;
  return g_object_ref ((gpointer) console);
}

GPtrArray *
roster_current (struct roster *self)
{
  g_mutex_lock (&self->lock);
  GPtrArray *copy = g_ptr_array_copy (self->current, ref_console, NULL);
  g_mutex_unlock (&self->lock);
  return copy;
}

GPtrArray *
roster_all (struct roster *self)
{
  g_mutex_lock (&self->lock);
  GPtrArray *copy = g_ptr_array_copy (self->current, ref_console, NULL);
  for (guint i = 0; i < self->shown->len; i++)
    if (!g_ptr_array_find (self->current, g_ptr_array_index (self->shown, i), NULL))
      g_ptr_array_add (copy, g_object_ref (g_ptr_array_index (self->shown, i)));
  g_mutex_unlock (&self->lock);
  return copy;
}

void
roster_show_all (struct roster *self)
{
  bool added = false;

  for (;;) {
    g_autoptr (QdmabufConsole) console = roster_show_next (self, &added);

    if (!console)
      return;
  }
}

/* With the lock held: the first of list that other has not; -1: none. */
static int
find_difference (GPtrArray *list, GPtrArray *other)
{
  for (guint i = 0; i < list->len; i++)
    if (!g_ptr_array_find (other, g_ptr_array_index (list, i), NULL))
      return (int) i;
  return -1;
}

QdmabufConsole *
roster_show_next (struct roster *self, bool *added)
{
  QdmabufConsole *console = NULL;

  g_mutex_lock (&self->lock);
  int gone = find_difference (self->shown, self->current);
  int new = gone < 0 ? find_difference (self->current, self->shown) : -1;
  if (gone >= 0)
    console = g_ptr_array_steal_index (self->shown, (guint) gone);
  else if (new >= 0) {
    console = g_object_ref (g_ptr_array_index (self->current, new));
    insert (self->shown, g_object_ref (console));
  }
  g_mutex_unlock (&self->lock);
  *added = new >= 0;
  return console;
}

guint
roster_n_shown (struct roster *self)
{
  g_mutex_lock (&self->lock);
  guint n = self->shown->len;
  g_mutex_unlock (&self->lock);
  return n;
}

QdmabufConsole *
roster_get_shown (struct roster *self, guint i)
{
  g_mutex_lock (&self->lock);
  QdmabufConsole *console = i < self->shown->len ? g_ptr_array_index (self->shown, i) : NULL;
  g_mutex_unlock (&self->lock);
  return console;
}
