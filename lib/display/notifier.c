/* SPDX-License-Identifier: MIT */
/* Posting from any thread into one main context, coalesced. */
#include "display/notifier.h"

/* Outlives the notifier while a source that is being dispatched still looks at it. */
struct notifier {
  gatomicrefcount refs;
  GWeakRef object;
  GMainContext *context;
  void (*emit) (GObject *object);
  GMutex lock;
  GSource *pending; /* guarded by lock */
  gint64 due;       /* of pending */
};

static void
notifier_unref (struct notifier *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_weak_ref_clear (&self->object);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->lock);
  g_free (self);
}

struct notifier *
notifier_new (GObject *object, GMainContext *context, void (*emit) (GObject *object))
{
  struct notifier *self = g_new0 (struct notifier, 1);

  g_atomic_ref_count_init (&self->refs);
  g_weak_ref_init (&self->object, object);
  self->context = g_main_context_ref (context);
  self->emit = emit;
  g_mutex_init (&self->lock);
  return self;
}

static gboolean
dispatch (gpointer data)
{
  struct notifier *self = data;

  g_mutex_lock (&self->lock);
  /* An earlier one may have taken this source's place while it waited for the lock. */
  if (self->pending == g_main_current_source ())
    g_clear_pointer (&self->pending, g_source_unref);
  g_mutex_unlock (&self->lock);

  g_autoptr (GObject) object = g_weak_ref_get (&self->object);
  if (object)
    self->emit (object);
  return G_SOURCE_REMOVE;
}

static void
drop_pending (struct notifier *self)
{
  if (!self->pending)
    return;
  g_source_destroy (self->pending);
  g_clear_pointer (&self->pending, g_source_unref);
}

void
notifier_post (struct notifier *self, gint64 delay_us)
{
  gint64 due = g_get_monotonic_time () + delay_us;

  g_mutex_lock (&self->lock);
  if (self->pending && self->due <= due) {
    g_mutex_unlock (&self->lock);
    return;
  }
  drop_pending (self);
  g_atomic_ref_count_inc (&self->refs);
  self->pending = g_timeout_source_new (0);
  self->due = due;
  g_source_set_ready_time (self->pending, due);
  g_source_set_callback (self->pending, dispatch, self, (GDestroyNotify) notifier_unref);
  g_source_attach (self->pending, self->context);
  g_mutex_unlock (&self->lock);
}

void
notifier_free (struct notifier *self)
{
  g_mutex_lock (&self->lock);
  GSource *pending = g_steal_pointer (&self->pending);
  g_weak_ref_set (&self->object, NULL);
  g_mutex_unlock (&self->lock);

  if (pending) {
    g_source_destroy (pending);
    g_source_unref (pending);
  }
  notifier_unref (self);
}
