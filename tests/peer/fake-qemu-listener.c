/* SPDX-License-Identifier: MIT */
/* Listeners as QEMU has them: registered, authenticated, asked for their properties, then called.
 */
#include <gio/gunixfdlist.h>
#include <string.h>
#include <unistd.h>

#include "listen/deadline.h"
#include "listen/names.h"
#include "peer/fake-qemu-private.h"

void
fake_pending_free (struct fake_pending *pending)
{
  g_clear_object (&pending->answer);
  g_free (pending);
}

void
fake_listener_free (struct fake_listener *listener)
{
  if (listener->connection)
    connection_free (listener->connection);
  if (listener->mute_fd >= 0)
    close (listener->mute_fd);
  g_free (listener->interfaces);
  g_free (listener);
}

struct fake_listener *
fake_newest (struct fake_qemu *fake, unsigned console)
{
  for (unsigned i = fake->listeners->len; i-- > 0;) {
    struct fake_listener *listener = fake->listeners->pdata[i];

    if (listener->console == console)
      return listener;
  }
  return NULL;
}

static void
on_listener_closed (void *data, const GError *error)
{
  struct fake_listener *listener = data;

  (void) error;
  g_mutex_lock (&listener->fake->mutex);
  listener->closed = true;
  g_cond_broadcast (&listener->fake->changed);
  g_mutex_unlock (&listener->fake->mutex);
}

/* GDBus's worker: the answers to fake_call are taken here, with the time they came. */
static GDBusMessage *
on_listener_message (GDBusConnection *dbus, GDBusMessage *message, gboolean incoming, gpointer data)
{
  struct fake_listener *listener = data;
  struct fake_qemu *fake = listener->fake;
  int64_t now = g_get_monotonic_time ();
  bool taken = false;

  (void) dbus;
  if (!incoming)
    return message;
  g_mutex_lock (&fake->mutex);
  for (unsigned i = 0; i < fake->pending->len && !taken; i++) {
    struct fake_pending *pending = fake->pending->pdata[i];

    if (pending->listener != listener || pending->answer ||
        pending->serial != g_dbus_message_get_reply_serial (message))
      continue;
    pending->answer = message;
    pending->answered = now;
    taken = true;
    g_cond_broadcast (&fake->changed);
  }
  g_mutex_unlock (&fake->mutex);
  return taken ? NULL : message;
}

/* As QEMU asks for properties when it makes its proxies: blocking, 25 s, errors ignored. With a
 * cancellable of its own: GDBus loses what it made for a call whose cancellable is cancelled just
 * after the answer came. */
static GVariant *
get_all (struct fake_qemu *fake, struct fake_listener *listener, const char *interface)
{
  struct deadline deadline;

  deadline_start (&deadline, 25000, fake->cancellable);
  GVariant *reply = g_dbus_connection_call_sync (
      listener->connection->dbus, NULL, PATH_LISTENER, INTERFACE_PROPERTIES, "GetAll",
      g_variant_new ("(s)", interface), G_VARIANT_TYPE ("(a{sv})"), G_DBUS_CALL_FLAGS_NONE, -1,
      deadline.cancellable, NULL);
  deadline_stop (&deadline);
  return reply;
}

static char *
ask_interfaces (struct fake_qemu *fake, struct fake_listener *listener)
{
  static const char *const optional[] = { INTERFACE_MAP, INTERFACE_DMABUF2 };
  g_autoptr (GVariant) reply = get_all (fake, listener, INTERFACE_LISTENER);
  g_auto (GStrv) names = NULL;

  if (!reply)
    return NULL;
  g_autoptr (GVariant) properties = g_variant_get_child_value (reply, 0);
  if (!g_variant_lookup (properties, "Interfaces", "^as", &names))
    return NULL;
  for (unsigned i = 0; i < G_N_ELEMENTS (optional); i++) {
    if (!g_strv_contains ((const char *const *) names, optional[i]))
      continue;
    GVariant *ignored = get_all (fake, listener, optional[i]);
    g_clear_pointer (&ignored, g_variant_unref);
  }
  return g_strjoinv (" ", names);
}

static void
start_listener (struct fake_qemu *fake, struct fake_listener *listener, int fd, unsigned faults)
{
  char *interfaces = NULL;

  if (faults & FAKE_MUTE_LISTENER) {
    listener->mute_fd = fd;
    return;
  }
  if (faults & FAKE_CLOSE_LISTENER) {
    close (fd);
    return;
  }
  fake_delay (fake, fake->options.auth_delay_ms);
  listener->connection = fake_serve (fake, fd);
  if (!listener->connection)
    return;
  listener->connection->on_closed = on_listener_closed;
  listener->connection->data = listener;
  g_dbus_connection_add_filter (listener->connection->dbus, on_listener_message, listener, NULL);
  g_dbus_connection_start_message_processing (listener->connection->dbus);
  if (!(faults & FAKE_NO_GET_ALL))
    interfaces = ask_interfaces (fake, listener);
  g_mutex_lock (&fake->mutex);
  listener->interfaces = interfaces;
  listener->ready = true;
  g_mutex_unlock (&fake->mutex);
}

void
fake_register (struct fake_qemu *fake, unsigned console, GDBusMessage *call)
{
  GUnixFDList *fds = g_dbus_message_get_unix_fd_list (call);
  g_autoptr (GDBusMessage) answer = g_dbus_message_new_method_reply (call);
  struct fake_listener *listener = g_new0 (struct fake_listener, 1);
  int fd = fds ? g_unix_fd_list_get (fds, 0, NULL) : -1;

  g_assert_cmpint (fd, >=, 0);
  fake_delay (fake, fake->options.register_delay_ms);
  g_dbus_connection_send_message (fake->connection->dbus, answer, G_DBUS_SEND_MESSAGE_FLAGS_NONE,
                                  NULL, NULL);
  *listener = (struct fake_listener){ .fake = fake, .console = console, .mute_fd = -1 };
  g_mutex_lock (&fake->mutex);
  unsigned faults = fake->faults;
  g_mutex_unlock (&fake->mutex);
  start_listener (fake, listener, fd, faults);

  g_mutex_lock (&fake->mutex);
  g_ptr_array_add (fake->listeners, listener);
  fake->n_registered[console]++;
  listener->closed |= !listener->connection && listener->mute_fd < 0;
  g_cond_broadcast (&fake->changed);
  g_mutex_unlock (&fake->mutex);
}

struct registered {
  unsigned console, n;
};

static bool
is_registered (struct fake_qemu *fake, const void *data)
{
  const struct registered *wanted = data;
  struct fake_listener *listener = fake_newest (fake, wanted->console);

  return fake->n_registered[wanted->console] >= wanted->n && listener && listener->ready;
}

bool
fake_wait_listeners (struct fake_qemu *fake, unsigned console, unsigned n, unsigned ms)
{
  return fake_wait_until (fake, is_registered, &(struct registered){ console, n }, ms);
}

unsigned
fake_n_registered (struct fake_qemu *fake, unsigned console)
{
  g_mutex_lock (&fake->mutex);
  unsigned n = fake->n_registered[console];
  g_mutex_unlock (&fake->mutex);
  return n;
}

static bool
is_listener_closed (struct fake_qemu *fake, const void *data)
{
  struct fake_listener *listener = fake_newest (fake, *(const unsigned *) data);

  return listener && listener->closed;
}

bool
fake_wait_listener_closed (struct fake_qemu *fake, unsigned console, unsigned ms)
{
  return fake_wait_until (fake, is_listener_closed, &console, ms);
}

char *
fake_listener_interfaces (struct fake_qemu *fake, unsigned console)
{
  g_mutex_lock (&fake->mutex);
  struct fake_listener *listener = fake_newest (fake, console);
  char *interfaces = g_strdup (listener ? listener->interfaces : NULL);
  g_mutex_unlock (&fake->mutex);
  return interfaces;
}

/* The connection of the newest listener, with a reference; NULL: there is none that can be called.
 */
static GDBusConnection *
dup_connection (struct fake_qemu *fake, unsigned console)
{
  g_mutex_lock (&fake->mutex);
  struct fake_listener *listener = fake_newest (fake, console);
  GDBusConnection *dbus =
      listener && listener->connection ? g_object_ref (listener->connection->dbus) : NULL;
  g_mutex_unlock (&fake->mutex);
  return dbus;
}

void
fake_close_listener (struct fake_qemu *fake, unsigned console)
{
  g_autoptr (GDBusConnection) dbus = dup_connection (fake, console);

  if (dbus)
    fake_shut_down (dbus);
}

void
fake_write_raw (struct fake_qemu *fake, unsigned console, const void *bytes, size_t n)
{
  g_autoptr (GDBusConnection) dbus = dup_connection (fake, console);

  g_assert_nonnull (dbus);
  GIOStream *stream = g_dbus_connection_get_stream (dbus);
  GSocket *socket = g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream));
  g_assert_cmpint (g_socket_send (socket, bytes, n, NULL, NULL), ==, (gssize) n);
}

static const char *
interface_of (const char *member)
{
  if (g_str_equal (member, "ScanoutMap") || g_str_equal (member, "UpdateMap"))
    return INTERFACE_MAP;
  return g_str_equal (member, "ScanoutDMABUF2") ? INTERFACE_DMABUF2 : INTERFACE_LISTENER;
}

static GDBusMessage *
make_call (const char *method, GVariant *arguments, const int *fds, unsigned n_fds)
{
  const char *dot = strrchr (method, '.');
  const char *member = dot ? dot + 1 : method;
  g_autofree char *interface =
      dot ? g_strndup (method, (size_t) (dot - method)) : g_strdup (interface_of (member));
  GDBusMessage *message = g_dbus_message_new_method_call (NULL, PATH_LISTENER, interface, member);
  g_autoptr (GUnixFDList) list = g_unix_fd_list_new ();

  for (unsigned i = 0; i < n_fds; i++)
    g_assert_cmpint (g_unix_fd_list_append (list, fds[i], NULL), >=, 0);
  if (n_fds > 0)
    g_dbus_message_set_unix_fd_list (message, list);
  if (arguments)
    g_dbus_message_set_body (message, arguments);
  return message;
}

/* With the mutex held, so that the answer cannot be there before we know the serial. */
static unsigned
send_call (struct fake_qemu *fake, struct fake_listener *listener, GDBusMessage *message,
           bool wants_reply)
{
  struct fake_pending *pending = NULL;
  int64_t now = g_get_monotonic_time ();
  uint32_t serial = 0;

  g_dbus_connection_send_message (listener->connection->dbus, message,
                                  G_DBUS_SEND_MESSAGE_FLAGS_NONE, &serial, NULL);
  if (!wants_reply)
    return 0;
  pending = g_new (struct fake_pending, 1);
  *pending = (struct fake_pending){
    .number = ++fake->n_calls, .listener = listener, .serial = serial, .sent = now
  };
  g_ptr_array_add (fake->pending, pending);
  return pending->number;
}

unsigned
fake_call (struct fake_qemu *fake, unsigned console, const char *method, GVariant *arguments,
           const int *fds, unsigned n_fds, bool wants_reply)
{
  g_autoptr (GDBusMessage) message = make_call (method, arguments, fds, n_fds);
  unsigned number = 0;

  if (!wants_reply)
    g_dbus_message_set_flags (message, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  g_mutex_lock (&fake->mutex);
  struct fake_listener *listener = fake_newest (fake, console);
  if (listener && listener->connection)
    number = send_call (fake, listener, message, wants_reply);
  g_mutex_unlock (&fake->mutex);
  return number;
}

static struct fake_pending *
find_pending (struct fake_qemu *fake, unsigned number)
{
  for (unsigned i = 0; i < fake->pending->len; i++) {
    struct fake_pending *pending = fake->pending->pdata[i];

    if (pending->number == number)
      return pending;
  }
  return NULL;
}

static bool
is_answered (struct fake_qemu *fake, const void *data)
{
  struct fake_pending *pending = find_pending (fake, *(const unsigned *) data);

  return !pending || pending->answer || pending->listener->closed;
}

static GVariant *
read_answer (struct fake_pending *pending, int64_t *us, GError **error)
{
  if (us)
    *us = pending->answered - pending->sent;
  if (g_dbus_message_to_gerror (pending->answer, error))
    return NULL;
  GVariant *body = g_dbus_message_get_body (pending->answer);
  return body ? g_variant_ref (body) : g_variant_ref_sink (g_variant_new_tuple (NULL, 0));
}

GVariant *
fake_wait_reply (struct fake_qemu *fake, unsigned call, unsigned ms, int64_t *us, GError **error)
{
  GVariant *body = NULL;

  fake_wait_until (fake, is_answered, &call, ms);
  g_mutex_lock (&fake->mutex);
  struct fake_pending *pending = find_pending (fake, call);
  if (pending && pending->answer) {
    body = read_answer (pending, us, error);
    g_ptr_array_remove_fast (fake->pending, pending);
  } else if (!pending || pending->listener->closed)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "no such call, or its listener is gone");
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "no answer within %u ms", ms);
  g_mutex_unlock (&fake->mutex);
  return body;
}
