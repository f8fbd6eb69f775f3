/* SPDX-License-Identifier: MIT */
/* Getting to a VM and its console within a time: asynchronous calls, a timer, and a main loop
 * around them. */
#include "connect.h"

struct call {
  GMainLoop *loop;
  GCancellable *cancellable;
  guint timer;
  bool late;
  GAsyncResult *result;
};

static gboolean
on_deadline (gpointer data)
{
  struct call *call = data;

  call->late = true;
  call->timer = 0;
  g_cancellable_cancel (call->cancellable);
  return G_SOURCE_REMOVE;
}

static void
on_done (GObject *object, GAsyncResult *result, gpointer data)
{
  struct call *call = data;

  (void) object;
  call->result = g_object_ref (result);
  g_main_loop_quit (call->loop);
}

static void
call_begin (struct call *call, gint64 deadline)
{
  gint64 left = MAX (deadline - g_get_monotonic_time (), 0);

  *call =
      (struct call){ .loop = g_main_loop_new (NULL, FALSE), .cancellable = g_cancellable_new () };
  call->timer = g_timeout_add ((guint) (left / 1000), on_deadline, call);
}

/* After the result was taken. failed: the call's error, replaced where only our own impatience
 * caused it. */
static void
call_end (struct call *call, const char *what, GError *failed, GError **error)
{
  if (call->timer)
    g_source_remove (call->timer);
  if (failed && call->late && g_error_matches (failed, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT, "%s within the time allowed", what);
    g_error_free (failed);
  } else if (failed) {
    g_propagate_error (error, failed);
  }
  g_object_unref (call->result);
  g_object_unref (call->cancellable);
  g_main_loop_unref (call->loop);
}

/* Who named no address may not know that a VM need not be on a bus. */
static void
add_hint (GError **error)
{
  GError *plain = *error;

  if (!plain || (!g_error_matches (plain, QDMABUF_ERROR, QDMABUF_ERROR_CONNECT) &&
                 !g_error_matches (plain, QDMABUF_ERROR, QDMABUF_ERROR_NOT_FOUND)))
    return;
  *error = g_error_new (plain->domain, plain->code,
                        "%s. Give the VM's address, such as qmp:PATH (--help lists the forms)",
                        plain->message);
  g_error_free (plain);
}

QdmabufDisplay *
connect_display (const char *address, const char *vm, gint64 deadline, GError **error)
{
  struct call call;
  GError *failed = NULL;
  QdmabufDisplay *display = NULL;
  g_autofree char *what =
      g_strdup_printf ("nobody answered at %s", address ? address : "the session bus");

  call_begin (&call, deadline);
  qdmabuf_display_open_async (address, vm, call.cancellable, on_done, &call);
  g_main_loop_run (call.loop);
  display = qdmabuf_display_open_finish (call.result, &failed);
  if (!address && !vm)
    add_hint (&failed);
  call_end (&call, what, failed, error);
  return display;
}

bool
connect_console (QdmabufConsole *console, gint64 deadline, GError **error)
{
  struct call call;
  GError *failed = NULL;
  bool started = false;

  call_begin (&call, deadline);
  qdmabuf_console_start_async (console, call.cancellable, on_done, &call);
  g_main_loop_run (call.loop);
  started = qdmabuf_console_start_finish (console, call.result, &failed);
  call_end (&call, "QEMU did not accept a listener", failed, error);
  return started;
}

enum status
connect_status (const GError *error)
{
  if (error->domain != QDMABUF_ERROR)
    return STATUS_CONNECT;
  switch ((QdmabufError) error->code) {
  case QDMABUF_ERROR_INVALID_ARGUMENT:
    return STATUS_USAGE;
  case QDMABUF_ERROR_BAD_LAYOUT:
  case QDMABUF_ERROR_BAD_MEMORY:
  case QDMABUF_ERROR_UNSUPPORTED_FORMAT:
  case QDMABUF_ERROR_UNSUPPORTED_MODIFIER:
  case QDMABUF_ERROR_NO_BACKEND:
  case QDMABUF_ERROR_DEVICE_LOST:
  case QDMABUF_ERROR_NO_SCANOUT:
    return STATUS_REFUSED;
  case QDMABUF_ERROR_FAILED:
  case QDMABUF_ERROR_CONNECT:
  case QDMABUF_ERROR_NOT_FOUND:
  case QDMABUF_ERROR_AMBIGUOUS:
  case QDMABUF_ERROR_BUSY:
  case QDMABUF_ERROR_TIMED_OUT:
  case QDMABUF_ERROR_STOPPED:
  case QDMABUF_ERROR_CLOSED:
  case QDMABUF_ERROR_REPLACED:
  case QDMABUF_ERROR_PROTOCOL:
  case QDMABUF_ERROR_LIMIT:
  case QDMABUF_ERROR_SCANOUT_LOST:
  default:
    return STATUS_CONNECT;
  }
}
