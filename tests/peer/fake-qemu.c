/* SPDX-License-Identifier: MIT */
/* The fake's life: its thread, its main connection, and waiting for what it sees. */
#define _GNU_SOURCE 1 /* memfd_create */

#include "peer/fake-qemu.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer/fake-qemu-private.h"

void
fake_shut_down (GDBusConnection *dbus)
{
  GIOStream *stream = g_dbus_connection_get_stream (dbus);

  g_socket_shutdown (g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream)), TRUE, TRUE,
                     NULL);
}

struct connection *
fake_serve (struct fake_qemu *fake, int fd)
{
  g_autofree char *guid = g_dbus_generate_guid ();
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, NULL);

  if (!socket) {
    close (fd);
    return NULL;
  }
  g_autoptr (GIOStream) stream =
      G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
  GDBusConnection *dbus =
      g_dbus_connection_new_sync (stream, guid,
                                  G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER |
                                      G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
                                  NULL, fake->cancellable, NULL);
  return dbus ? connection_wrap (dbus, fake->context) : NULL;
}

void
fake_delay (struct fake_qemu *fake, unsigned ms)
{
  int64_t end = g_get_monotonic_time () + (int64_t) ms * 1000;
  bool in_time = true;

  g_mutex_lock (&fake->mutex);
  while (!fake->quit && in_time)
    in_time = g_cond_wait_until (&fake->changed, &fake->mutex, end);
  g_mutex_unlock (&fake->mutex);
}

bool
fake_wait_until (struct fake_qemu *fake, bool (*done) (struct fake_qemu *fake, const void *data),
                 const void *data, unsigned ms)
{
  int64_t end = g_get_monotonic_time () + (int64_t) ms * 1000;
  bool in_time = true;

  g_mutex_lock (&fake->mutex);
  while (!done (fake, data) && in_time)
    in_time = g_cond_wait_until (&fake->changed, &fake->mutex, end);
  bool result = done (fake, data);
  g_mutex_unlock (&fake->mutex);
  return result;
}

struct call_job {
  struct fake_qemu *fake;
  GDBusMessage *message;
};

static void
call_job_free (gpointer data)
{
  struct call_job *job = data;

  g_object_unref (job->message);
  g_free (job);
}

static void
wait_while_paused (struct fake_qemu *fake)
{
  g_mutex_lock (&fake->mutex);
  while (fake->paused && !fake->quit)
    g_cond_wait (&fake->changed, &fake->mutex);
  fake->n_waiting--;
  g_mutex_unlock (&fake->mutex);
}

static gboolean
on_call_job (gpointer data)
{
  struct call_job *job = data;

  wait_while_paused (job->fake);
  if (!g_cancellable_is_cancelled (job->fake->cancellable))
    fake_main_call (job->fake, job->message);
  return G_SOURCE_REMOVE;
}

/* GDBus's worker: everything is handled by the fake's thread, which stands still when QEMU's would.
 */
static GDBusMessage *
on_main_message (GDBusConnection *dbus, GDBusMessage *message, gboolean incoming, gpointer data)
{
  struct call_job *job = NULL;
  struct fake_qemu *fake = data;
  GSource *source = NULL;

  (void) dbus;
  if (!incoming || g_dbus_message_get_message_type (message) != G_DBUS_MESSAGE_TYPE_METHOD_CALL)
    return message;
  g_mutex_lock (&fake->mutex);
  fake->n_waiting++;
  g_cond_broadcast (&fake->changed);
  g_mutex_unlock (&fake->mutex);
  job = g_new (struct call_job, 1);
  *job = (struct call_job){ .fake = fake, .message = message };
  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_call_job, job, call_job_free);
  g_source_attach (source, fake->context);
  g_source_unref (source);
  return NULL;
}

static void
on_main_closed (void *data, const GError *error)
{
  struct fake_qemu *fake = data;

  (void) error;
  g_mutex_lock (&fake->mutex);
  fake->main_closed = true;
  g_cond_broadcast (&fake->changed);
  g_mutex_unlock (&fake->mutex);
}

static void
serve_main (struct fake_qemu *fake)
{
  int fd = fake->main_fd;

  fake->main_fd = -1;
  fake->connection = fake_serve (fake, fd);
  if (!fake->connection) {
    on_main_closed (fake, NULL);
    return;
  }
  fake->connection->on_closed = on_main_closed;
  fake->connection->data = fake;
  g_dbus_connection_add_filter (fake->connection->dbus, on_main_message, fake, NULL);
  g_mutex_lock (&fake->mutex);
  fake->main = g_object_ref (fake->connection->dbus);
  /* The client has its own by now; with ours open it would never see the end. */
  if (fake->client_fd >= 0)
    close (fake->client_fd);
  fake->client_fd = -1;
  g_cond_broadcast (&fake->changed);
  g_mutex_unlock (&fake->mutex);
  g_dbus_connection_start_message_processing (fake->connection->dbus);
}

static gpointer
fake_thread (gpointer data)
{
  struct fake_qemu *fake = data;

  g_main_context_push_thread_default (fake->context);
  if (!(fake->options.faults & FAKE_MUTE_AUTH))
    serve_main (fake);
  while (!g_cancellable_is_cancelled (fake->cancellable))
    g_main_context_iteration (fake->context, TRUE);

  if (fake->connection)
    connection_free (fake->connection);
  g_ptr_array_set_size (fake->listeners, 0);
  g_main_context_pop_thread_default (fake->context);
  return NULL;
}

static void
free_listener (gpointer data)
{
  fake_listener_free (data);
}

static void
free_pending (gpointer data)
{
  fake_pending_free (data);
}

/* Takes both; client_fd: -1: the client has it. */
static struct fake_qemu *
new_between (const struct fake_options *options, int main_fd, int client_fd)
{
  struct fake_qemu *fake = g_new0 (struct fake_qemu, 1);

  g_assert_cmpuint (options->n_consoles, <=, FAKE_MAX_CONSOLES);
  fake->options = *options;
  fake->name = g_strdup (options->name ? options->name : "fake");
  fake->uuid = g_strdup (options->uuid ? options->uuid : "5f0e7a4c-0d5e-4a7b-9c53-6a1d3c0b9e21");
  fake->main_fd = main_fd;
  fake->client_fd = client_fd;
  fake->faults = options->faults;
  for (unsigned i = 0; i < FAKE_MAX_CONSOLES; i++) {
    fake->widths[i] = options->width ? options->width : 640;
    fake->heights[i] = options->height ? options->height : 480;
  }
  fake->listeners = g_ptr_array_new_with_free_func (free_listener);
  fake->pending = g_ptr_array_new_with_free_func (free_pending);
  g_mutex_init (&fake->mutex);
  g_cond_init (&fake->changed);
  fake->context = g_main_context_new ();
  fake->cancellable = g_cancellable_new ();
  fake->thread = g_thread_new ("fake-qemu", fake_thread, fake);
  return fake;
}

struct fake_qemu *
fake_new (const struct fake_options *options)
{
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  return new_between (options, fds[0], fds[1]);
}

struct fake_qemu *
fake_new_on (const struct fake_options *options, int fd)
{
  return new_between (options, fd, -1);
}

void
fake_free (struct fake_qemu *fake)
{
  g_mutex_lock (&fake->mutex);
  fake->quit = true;
  g_cond_broadcast (&fake->changed);
  g_mutex_unlock (&fake->mutex);
  g_cancellable_cancel (fake->cancellable);
  g_main_context_wakeup (fake->context);
  g_thread_join (fake->thread);

  if (fake->main_fd >= 0)
    close (fake->main_fd);
  if (fake->client_fd >= 0)
    close (fake->client_fd);
  g_clear_object (&fake->main);
  g_ptr_array_unref (fake->listeners);
  g_ptr_array_unref (fake->pending);
  g_queue_clear_full (&fake->inputs, g_free);
  g_object_unref (fake->cancellable);
  g_main_context_unref (fake->context);
  g_mutex_clear (&fake->mutex);
  g_cond_clear (&fake->changed);
  g_free (fake->name);
  g_free (fake->uuid);
  g_free (fake);
}

int
fake_client_fd (struct fake_qemu *fake)
{
  g_mutex_lock (&fake->mutex);
  int fd = fake->client_fd;
  g_mutex_unlock (&fake->mutex);
  return fd;
}

void
fake_set_faults (struct fake_qemu *fake, unsigned faults)
{
  g_mutex_lock (&fake->mutex);
  fake->faults = faults;
  g_mutex_unlock (&fake->mutex);
}

void
fake_pause (struct fake_qemu *fake, bool paused)
{
  g_mutex_lock (&fake->mutex);
  fake->paused = paused;
  g_cond_broadcast (&fake->changed);
  g_mutex_unlock (&fake->mutex);
}

static bool
are_waiting (struct fake_qemu *fake, const void *data)
{
  return fake->n_waiting >= *(const unsigned *) data;
}

bool
fake_wait_waiting (struct fake_qemu *fake, unsigned n, unsigned ms)
{
  return fake_wait_until (fake, are_waiting, &n, ms);
}

void
fake_refuse_input (struct fake_qemu *fake, const char *name, const char *text)
{
  g_mutex_lock (&fake->mutex);
  fake->refusal = name;
  fake->refusal_text = text;
  g_mutex_unlock (&fake->mutex);
}

static bool
has_main (struct fake_qemu *fake, const void *data)
{
  (void) data;
  return fake->main || fake->main_closed;
}

void
fake_close_main (struct fake_qemu *fake)
{
  fake_wait_until (fake, has_main, NULL, 5000);
  g_mutex_lock (&fake->mutex);
  if (fake->main)
    fake_shut_down (fake->main);
  g_mutex_unlock (&fake->mutex);
}

static bool
is_main_closed (struct fake_qemu *fake, const void *data)
{
  (void) data;
  return fake->main_closed;
}

bool
fake_wait_main_closed (struct fake_qemu *fake, unsigned ms)
{
  return fake_wait_until (fake, is_main_closed, NULL, ms);
}

static bool
has_input (struct fake_qemu *fake, const void *data)
{
  (void) data;
  return fake->inputs.length > 0;
}

char *
fake_wait_input (struct fake_qemu *fake, unsigned ms)
{
  fake_wait_until (fake, has_input, NULL, ms);
  g_mutex_lock (&fake->mutex);
  char *input = g_queue_pop_head (&fake->inputs);
  g_mutex_unlock (&fake->mutex);
  return input;
}

int
fake_memfd (size_t size)
{
  int fd = memfd_create ("fake-scanout", MFD_CLOEXEC | MFD_ALLOW_SEALING);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (ftruncate (fd, (off_t) size), ==, 0);
  return fd;
}
