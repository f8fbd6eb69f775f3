/* SPDX-License-Identifier: MIT */
/* A counted object that outlives its owner. */
#include "rtc/link.h"

struct link {
  gatomicrefcount count;
  GMainContext *context;
  void *owner; /* of the context's thread alone */
};

struct parcel {
  struct link *link;
  LinkFunc func;
  void *payload;
  GDestroyNotify free;
};

struct link *
link_new (void *owner)
{
  struct link *link = g_new0 (struct link, 1);

  g_atomic_ref_count_init (&link->count);
  link->context = g_main_context_ref_thread_default ();
  link->owner = owner;
  return link;
}

struct link *
link_ref (struct link *link)
{
  g_atomic_ref_count_inc (&link->count);
  return link;
}

void
link_unref (void *data)
{
  struct link *link = data;

  if (!g_atomic_ref_count_dec (&link->count))
    return;
  g_main_context_unref (link->context);
  g_free (link);
}

void
link_cut (struct link *link)
{
  link->owner = NULL;
}

static gboolean
deliver (void *data)
{
  struct parcel *parcel = data;

  if (parcel->link->owner)
    parcel->func (parcel->link->owner, parcel->payload);
  return G_SOURCE_REMOVE;
}

static void
parcel_free (void *data)
{
  struct parcel *parcel = data;

  if (parcel->free && parcel->payload)
    parcel->free (parcel->payload);
  link_unref (parcel->link);
  g_free (parcel);
}

void
link_post (struct link *link, LinkFunc func, void *payload, GDestroyNotify free)
{
  struct parcel *parcel = g_new (struct parcel, 1);
  GSource *source = g_idle_source_new ();

  *parcel = (struct parcel){ link_ref (link), func, payload, free };
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, deliver, parcel, parcel_free);
  g_source_attach (source, link->context);
  g_source_unref (source);
}

static void
closure_gone (void *data, GClosure *closure)
{
  (void) closure;
  link_unref (data);
}

gulong
link_connect (struct link *link, void *object, const char *signal, GCallback callback)
{
  return g_signal_connect_data (object, signal, callback, link_ref (link), closure_gone, 0);
}
