/* SPDX-License-Identifier: MIT */
/* Linked into tests that are built with -fsanitize=thread: tells the sanitizer what GLib's locks
 * and counters order. GLib makes them of futexes and atomics in code that the sanitizer does not
 * see, and every use of them would look like a race. Each function here is GLib's own with a note
 * to the sanitizer around it. */
#define _GNU_SOURCE 1 /* RTLD_NEXT */

#include <dlfcn.h>
#include <glib.h>
#include <sanitizer/tsan_interface.h>

#undef g_atomic_ref_count_inc
#undef g_atomic_ref_count_dec
#undef g_atomic_ref_count_compare

static gpointer
real (const char *name)
{
  gpointer symbol = dlsym (RTLD_NEXT, name);

  g_assert (symbol);
  return symbol;
}

void
g_mutex_lock (GMutex *mutex)
{
  static void (*next) (GMutex *);

  if (!next)
    next = real ("g_mutex_lock");
  next (mutex);
  __tsan_acquire (mutex);
}

void
g_mutex_unlock (GMutex *mutex)
{
  static void (*next) (GMutex *);

  if (!next)
    next = real ("g_mutex_unlock");
  __tsan_release (mutex);
  next (mutex);
}

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  static void (*next) (GCond *, GMutex *);

  if (!next)
    next = real ("g_cond_wait");
  __tsan_release (mutex);
  next (cond, mutex);
  __tsan_acquire (mutex);
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  static gboolean (*next) (GCond *, GMutex *, gint64);
  gboolean signalled = FALSE;

  if (!next)
    next = real ("g_cond_wait_until");
  __tsan_release (mutex);
  signalled = next (cond, mutex, end_time);
  __tsan_acquire (mutex);
  return signalled;
}

gboolean
g_atomic_ref_count_dec (gatomicrefcount *count)
{
  static gboolean (*next) (gatomicrefcount *);
  gboolean last = FALSE;

  if (!next)
    next = real ("g_atomic_ref_count_dec");
  __tsan_release (count);
  last = next (count);
  if (last)
    __tsan_acquire (count);
  return last;
}

void
g_atomic_rc_box_release_full (gpointer block, GDestroyNotify clear)
{
  static void (*next) (gpointer, GDestroyNotify);

  if (!next)
    next = real ("g_atomic_rc_box_release_full");
  __tsan_release (block);
  next (block, clear);
}

/* A source's callback runs in another thread than the one that set it; between the two lies the
 * lock of the main context, which GLib takes within itself. */
struct handed_over {
  GSourceFunc func;
  gpointer data;
  GDestroyNotify free_data;
};

static gboolean
call_handed_over (gpointer data)
{
  struct handed_over *handed = data;

  __tsan_acquire (handed);
  return handed->func (handed->data);
}

static void
free_handed_over (gpointer data)
{
  struct handed_over *handed = data;

  __tsan_acquire (handed);
  if (handed->free_data)
    handed->free_data (handed->data);
  g_free (handed);
}

void
g_source_set_callback (GSource *source, GSourceFunc func, gpointer data, GDestroyNotify free_data)
{
  static void (*next) (GSource *, GSourceFunc, gpointer, GDestroyNotify);

  if (!next)
    next = real ("g_source_set_callback");
  /* Those of other sources have other arguments before data. */
  if (source->source_funcs != &g_timeout_funcs && source->source_funcs != &g_idle_funcs) {
    next (source, func, data, free_data);
    return;
  }
  struct handed_over *handed = g_new (struct handed_over, 1);
  *handed = (struct handed_over){ func, data, free_data };
  __tsan_release (handed);
  next (source, call_handed_over, handed, free_handed_over);
}
