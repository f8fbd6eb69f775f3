/* SPDX-License-Identifier: MIT */
/* The proof of gl=on: starts a QEMU with firmware only and takes a frame from it, with the very
 * library. */
#include "trial.h"

#include <gio/gio.h>
#include <qemu-dmabuf/qemu-dmabuf.h>

#include "common/messages.h"
#include "common/vm.h"
#include "connect.h"

/* A QEMU that is still starting does not greet yet, which the library takes for a busy socket. */
static QdmabufDisplay *
connect_to (const struct vm *vm, gint64 deadline, GError **error)
{
  QdmabufDisplay *display = NULL;
  GError *failed = NULL;

  do {
    g_clear_error (&failed);
    display = connect_display (vm_address (vm), NULL, deadline, &failed);
  } while (!display && g_error_matches (failed, QDMABUF_ERROR, QDMABUF_ERROR_BUSY) &&
           g_get_monotonic_time () < deadline);
  if (failed)
    g_propagate_error (error, failed);
  return display;
}

struct wait {
  GMainLoop *loop;
  struct trial *trial;
  bool refused; /* waiting on is of no use */
};

static void
on_frame (QdmabufConsole *console, QdmabufFrame *frame, gpointer data)
{
  struct wait *wait = data;

  (void) console;
  if (!wait->trial->worked)
    wait->trial->backend = g_strdup (qdmabuf_frame_get_backend (frame));
  wait->trial->worked = true;
  g_main_loop_quit (wait->loop);
}

static void
on_warning (QdmabufConsole *console, const GError *warning, gpointer data)
{
  struct wait *wait = data;

  (void) console;
  g_free (wait->trial->detail);
  wait->trial->detail = g_strdup (warning->message);
  wait->refused = wait->refused || connect_status (warning) == STATUS_REFUSED;
  if (wait->refused)
    g_main_loop_quit (wait->loop);
}

static gboolean
on_deadline (gpointer data)
{
  struct wait *wait = data;

  if (!wait->trial->detail)
    wait->trial->detail = g_strdup ("no frame came");
  g_main_loop_quit (wait->loop);
  return G_SOURCE_CONTINUE; /* removed by whoever waits */
}

static void
take_frame (QdmabufConsole *console, gint64 deadline, struct trial *trial)
{
  struct wait wait = { .loop = g_main_loop_new (NULL, FALSE), .trial = trial };
  gint64 left = MAX (deadline - g_get_monotonic_time (), 0);
  guint timer = g_timeout_add ((guint) (left / 1000), on_deadline, &wait);
  g_autoptr (GError) error = NULL;

  g_signal_connect (console, "frame", G_CALLBACK (on_frame), &wait);
  g_signal_connect (console, "warning", G_CALLBACK (on_warning), &wait);
  if (!connect_console (console, deadline, &error))
    trial->detail = g_strdup (error->message);
  else if (!trial->worked && !wait.refused)
    g_main_loop_run (wait.loop);
  g_signal_handlers_disconnect_by_data (console, &wait);
  qdmabuf_console_stop (console);
  g_source_remove (timer);
  g_main_loop_unref (wait.loop);
}

/* Ends QEMU, so that its log is complete, and adds what it had to say. Without a connection that is
 * all there is to say: it ended. */
static void
explain (struct vm *vm, bool connected, struct trial *trial)
{
  g_autofree char *complaint = NULL;
  g_autofree char *detail = g_steal_pointer (&trial->detail);

  vm_kill (vm);
  complaint = vm_complaint (vm);
  if (!complaint)
    trial->detail = g_steal_pointer (&detail);
  else if (!connected)
    trial->detail = g_strdup_printf ("QEMU says: %s", complaint);
  else
    trial->detail = g_strdup_printf ("%s (QEMU says: %s)", detail, complaint);
}

static void
look (struct vm *vm, gint64 deadline, struct trial *trial)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QdmabufDisplay) display = connect_to (vm, deadline, &error);

  if (!display)
    trial->detail = g_strdup (error->message);
  else if (qdmabuf_display_get_n_consoles (display) == 0)
    trial->detail = g_strdup ("it has no console");
  else
    take_frame (qdmabuf_display_get_console (display, 0), deadline, trial);
  if (!trial->worked)
    explain (vm, display != NULL, trial);
  if (display)
    qdmabuf_display_close (display);
}

static struct vm *
start (const struct machine *machine, const char *qemu, const char *render_node, GError **error)
{
  g_autofree char *display = g_strdup_printf (
      "dbus,p2p=yes,gl=on%s%s", render_node ? ",rendernode=" : "", render_node ? render_node : "");
  struct vm_config config = { .qemu = qemu,
                              .machine = machine->machine,
                              .device = machine->plain_device,
                              .display = display,
                              .memory = "64" };

  return vm_start (&config, error);
}

void
trial_run (const struct machine *machine, const char *qemu, const char *render_node,
           gint64 deadline, struct trial *trial)
{
  g_autoptr (GError) error = NULL;
  struct vm *vm = start (machine, qemu, render_node, &error);

  *trial = (struct trial){ .worked = false };
  if (vm)
    look (vm, deadline, trial);
  else
    trial->detail = g_strdup (error->message);
  if (trial->worked)
    g_clear_pointer (&trial->detail, g_free);
  if (vm)
    vm_free (vm);
}

void
trial_clear (struct trial *trial)
{
  g_clear_pointer (&trial->backend, g_free);
  g_clear_pointer (&trial->detail, g_free);
}
