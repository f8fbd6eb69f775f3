/* SPDX-License-Identifier: MIT */
/* The D-Bus room against a real QEMU: private connections by QMP, several VMs on one bus, and what
 * goes wrong there. */
#include "support/fds.h"

#include <qemu-dmabuf/qdmabuf-error.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "listen/deadline.h"
#include "listen/listener.h"
#include "listen/names.h"
#include "listen/peer.h"
#include "peer/fake-qemu.h"
#include "support/processes.h"
#include "support/unheeded.h"

#define PATIENCE_MS 20000u
#define UUID_A "11111111-2222-3333-4444-555555555555"
#define UUID_B "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"

static char *
qmp_address (const char *name)
{
  g_autofree char *socket_name = g_strconcat (name, ".qmp", NULL);
  g_autofree char *path = processes_path (socket_name);

  return g_strconcat ("qmp:", path, NULL);
}

/* Nothing tells that QEMU is up but that it answers. */
static struct peer *
open_when_up (const char *address)
{
  int64_t end = g_get_monotonic_time () + PATIENCE_MS * 1000;

  for (;;) {
    g_autoptr (GError) error = NULL;
    struct peer *peer = peer_open (address, NULL, NULL, &error);

    if (peer)
      return peer;
    if (g_get_monotonic_time () > end)
      fail_msg ("%s", error->message);
    poll (NULL, 0, 20);
  }
}

static GVariant *
list_when_there_are (size_t n)
{
  int64_t end = g_get_monotonic_time () + PATIENCE_MS * 1000;

  for (;;) {
    g_autoptr (GError) error = NULL;
    GVariant *list = peer_list_vms (processes_bus (), NULL, &error);

    if (list && g_variant_n_children (list) == n)
      return g_variant_ref_sink (list);
    if (list)
      g_variant_unref (g_variant_ref_sink (list));
    if (g_get_monotonic_time () > end)
      fail_msg ("not %zu VMs on the bus: %s", n, error ? error->message : "another number");
    poll (NULL, 0, 20);
  }
}

static void
assert_fails (const char *address, const char *vm, int code, const char *part)
{
  g_autoptr (GError) error = NULL;
  struct peer *peer = peer_open (address, vm, NULL, &error);

  assert_null (peer);
  print_message ("  %s\n", error->message);
  if (!g_error_matches (error, QDMABUF_ERROR, code) || !strstr (error->message, part))
    fail_msg ("%s %d: “%s”; expected code %d and “%s”", g_quark_to_string (error->domain),
              error->code, error->message, code, part);
  assert_null (strchr (error->message, '\n'));
}

/* ---- a listener that notes what comes ---- */

struct watch {
  GAsyncQueue *events; /* char * */
};

static void
note (struct watch *watch, char *line)
{
  g_async_queue_push (watch->events, line);
}

static void
on_scanout (void *data, QdmabufBuffer *buffer, unsigned version, int64_t time)
{
  static const char *const kinds[] = { "bytes", "map", "dmabuf" };

  (void) version;
  (void) time;
  note (data, g_strdup_printf ("scanout %s %ux%u", kinds[buffer->kind], buffer->layout.width,
                               buffer->layout.height));
}

static void
on_update_pixels (void *data, struct rect r, uint32_t stride, uint32_t fourcc,
                  const uint8_t *pixels, size_t size, int64_t time)
{
  (void) r;
  (void) stride;
  (void) fourcc;
  (void) pixels;
  (void) size;
  (void) time;
  note (data, g_strdup ("update"));
}

static void
on_update_map (void *data, struct rect r, int64_t time)
{
  (void) r;
  (void) time;
  note (data, g_strdup ("update"));
}

static void
on_update_dmabuf (void *data, struct rect r, struct listener_reply *reply, int64_t time)
{
  (void) r;
  (void) time;
  listener_reply_send (reply);
  note (data, g_strdup ("update"));
}

static void
on_disable (void *data)
{
  note (data, g_strdup ("disable"));
}

static void
on_mouse_set (void *data, int x, int y, bool visible)
{
  (void) x;
  (void) y;
  (void) visible;
  note (data, g_strdup ("mouse"));
}

static void
on_cursor_define (void *data, uint32_t width, uint32_t height, int hot_x, int hot_y, GBytes *pixels)
{
  (void) width;
  (void) height;
  (void) hot_x;
  (void) hot_y;
  (void) pixels;
  note (data, g_strdup ("cursor"));
}

static void
on_warning (void *data, const GError *error)
{
  note (data, g_strdup_printf ("warning %s", error->message));
}

static void
on_listener_closed (void *data, const GError *error)
{
  (void) error;
  note (data, g_strdup ("listener closed"));
}

static const struct listener_handler listener_handler = {
  on_scanout,   on_update_pixels, on_update_map, on_update_dmabuf,   on_disable,
  on_mouse_set, on_cursor_define, on_warning,    on_listener_closed,
};

static void
on_console_size (void *data, unsigned index, unsigned width, unsigned height)
{
  note (data, g_strdup_printf ("size %u %ux%u", index, width, height));
}

static void
on_peer_closed (void *data, bool private_connection, const GError *error)
{
  note (data, g_strdup_printf ("peer closed %s: %s", private_connection ? "private" : "bus",
                               error->message));
}

static const struct peer_handler peer_handler = { on_console_size,  unheeded_devices,
                                                  unheeded_warning, unheeded_added,
                                                  unheeded_removed, on_peer_closed };

/* The next event that begins so; others are passed over, but no warning is. */
static char *
wait_for (struct watch *watch, const char *beginning)
{
  for (;;) {
    char *line = g_async_queue_timeout_pop (watch->events, PATIENCE_MS * 1000);

    if (!line)
      fail_msg ("“%s” never came", beginning);
    if (g_str_has_prefix (line, beginning))
      return line;
    if (g_str_has_prefix (line, "warning"))
      fail_msg ("%s", line);
    g_free (line);
  }
}

static struct listener *
listen_to (struct peer *peer, QdmabufListenerFlags flags, struct watch *watch)
{
  GError *error = NULL;
  int fds[2];

  assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  int64_t begin = g_get_monotonic_time ();
  struct listener *listener = listener_new (fds[0], flags, &listener_handler, watch, &error);
  if (!peer_register_listener (peer, 0, fds[1], NULL, &error))
    fail_msg ("%s", error->message);
  close (fds[1]);
  g_autofree char *scanout = wait_for (watch, "scanout");
  print_message ("  %s after %d µs\n", scanout, (int) (g_get_monotonic_time () - begin));
  return listener;
}

/* ---- tests ---- */

static void
test_private (void **state)
{
  const struct input_ui_info wish = { 300, 200, 0, 0, 800, 600 };
  struct watch watch = { .events = g_async_queue_new_full (g_free) };
  g_autofree char *address = NULL;
  GError *error = NULL;

  (void) state;
  processes_start_vm ("alpha", UUID_A, "dbus,p2p=yes", "std");
  address = qmp_address ("alpha");
  struct peer *peer = open_when_up (address);
  assert_string_equal (peer_name (peer), "alpha");
  assert_string_equal (peer_uuid (peer), UUID_A);
  assert_true (peer_is_private (peer));
  assert_int_equal (peer_n_consoles (peer), 1);
  const struct peer_console *console = peer_console (peer, 0);
  print_message ("  console %u “%s” %s %ux%u at %s\n", console->index, console->label,
                 console->type, console->width, console->height, console->device_address);
  assert_string_equal (console->type, "Graphic");
  assert_true (console->width > 0 && console->height > 0);

  for (unsigned flags = 0; flags <= QDMABUF_LISTENER_ALL; flags++) {
    struct listener *listener = listen_to (peer, flags, &watch);

    listener_free (listener);
  }
  peer_set_handler (peer, &peer_handler, &watch);
  peer_refresh_size (peer, 0);
  g_free (wait_for (&watch, "size 0 "));
  assert_true (peer_send_key (peer, 0, 30, true, &error));
  assert_true (peer_send_button (peer, 0, 0, true, &error));
  assert_true (peer_send_motion (peer, 0, 1, 1, &error));
  assert_true (peer_set_ui_info (peer, 0, &wish, &error));
  peer_free (peer);
  g_async_queue_unref (watch.events);
}

static int
connect_to_qmp (const char *name)
{
  g_autofree char *text = qmp_address (name);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  char greeting[16];

  g_strlcpy (address.sun_path, text + strlen ("qmp:"), sizeof address.sun_path);
  assert_int_equal (connect (fd, (struct sockaddr *) &address, sizeof address), 0);
  assert_true (recv (fd, greeting, sizeof greeting, 0) > 0);
  return fd;
}

static void
qmp_command (const char *name, const char *command)
{
  g_autofree char *text =
      g_strdup_printf ("{\"execute\":\"qmp_capabilities\"}{\"execute\":\"%s\"}", command);
  int fd = connect_to_qmp (name);
  char answer[1024];

  assert_int_equal (send (fd, text, strlen (text), MSG_NOSIGNAL), strlen (text));
  assert_true (recv (fd, answer, sizeof answer, 0) > 0);
  assert_true (shutdown (fd, SHUT_WR) == 0);
  while (recv (fd, answer, sizeof answer, 0) > 0)
    ;
  close (fd);
}

/* A second client evicts the first from the private connection, and leaves it its listener. */
static void
test_take_over (void **state)
{
  struct watch watch = { .events = g_async_queue_new_full (g_free) };
  g_autofree char *address = NULL;
  g_autoptr (GError) error = NULL;

  (void) state;
  GSubprocess *vm = processes_start_vm ("alpha", UUID_A, "dbus,p2p=yes", "std");
  address = qmp_address ("alpha");
  struct peer *first = open_when_up (address);
  peer_set_handler (first, &peer_handler, &watch);
  struct listener *listener = listen_to (first, QDMABUF_LISTENER_ALL, &watch);
  struct peer *second = open_when_up (address);
  g_free (wait_for (&watch, "peer closed private"));
  assert_false (peer_send_key (first, 0, 30, true, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_REPLACED));
  /* The guest starts to run, and its first listener sees it. */
  for (char *line = NULL; (line = g_async_queue_try_pop (watch.events));)
    g_free (line);
  qmp_command ("alpha", "cont");
  g_free (wait_for (&watch, "update"));

  processes_stop (vm);
  g_free (wait_for (&watch, "listener closed"));
  listener_free (listener);
  peer_free (first);
  peer_free (second);
  g_async_queue_unref (watch.events);
}

static void
test_qmp_busy (void **state)
{
  g_autofree char *address = NULL;

  (void) state;
  processes_start_vm ("alpha", UUID_A, "dbus,p2p=yes", "std");
  address = qmp_address ("alpha");
  peer_free (open_when_up (address));
  int other = connect_to_qmp ("alpha");
  int64_t begin = g_get_monotonic_time ();
  assert_fails (address, NULL, QDMABUF_ERROR_BUSY, "another client holds this QMP socket");
  int64_t us = g_get_monotonic_time () - begin;
  print_message ("  named after %d ms\n", (int) (us / 1000));
  assert_true (us < 2500000);
  /* And the socket is free again for us as soon as it is for anybody. */
  close (other);
  peer_free (open_when_up (address));
}

static void
test_qmp_refusals (void **state)
{
  g_autofree char *on_bus = qmp_address ("bus");
  g_autofree char *headless = qmp_address ("none");
  g_autofree char *socket_path = processes_path ("none.qmp");
  g_autofree char *wrong = g_strconcat ("unix:path=", socket_path, NULL);

  (void) state;
  processes_start_bus ();
  g_autofree char *display = g_strdup_printf ("dbus,addr=%s", processes_bus ());
  processes_start_vm ("bus", UUID_A, display, "std");
  processes_start_vm ("none", UUID_B, "none", "std");
  g_variant_unref (list_when_there_are (1));
  assert_fails (on_bus, NULL, QDMABUF_ERROR_CONNECT, "p2p connections not accepted in bus mode");
  close (connect_to_qmp ("none"));
  assert_fails (headless, NULL, QDMABUF_ERROR_CONNECT, "opens no private display connection");
  deadline_answer_ms = 1000;
  assert_fails (wrong, NULL, QDMABUF_ERROR_CONNECT, "none.qmp");
  deadline_answer_ms = 5000;
}

static void
open_and_check (const char *vm, const char *name)
{
  GError *error = NULL;
  struct peer *peer = peer_open (processes_bus (), vm, NULL, &error);

  if (!peer)
    fail_msg ("%s", error->message);
  assert_string_equal (peer_name (peer), name);
  assert_false (peer_is_private (peer));
  peer_free (peer);
}

static void
test_bus (void **state)
{
  struct watch watch = { .events = g_async_queue_new_full (g_free) };
  GError *error = NULL;

  (void) state;
  processes_start_bus ();
  assert_fails (processes_bus (), NULL, QDMABUF_ERROR_NOT_FOUND,
                "no QEMU with -display dbus on this bus");
  g_autofree char *display = g_strdup_printf ("dbus,addr=%s", processes_bus ());
  processes_start_vm ("alpha", UUID_A, display, "std");
  g_variant_unref (list_when_there_are (1));
  GSubprocess *beta_process = processes_start_vm ("beta", UUID_B, display, "std");
  g_autoptr (GVariant) list = list_when_there_are (2);

  assert_fails (processes_bus (), NULL, QDMABUF_ERROR_AMBIGUOUS, "“alpha” (UUID " UUID_A);
  assert_fails (processes_bus (), NULL, QDMABUF_ERROR_AMBIGUOUS, "“beta” (UUID " UUID_B);
  assert_fails (processes_bus (), "gamma", QDMABUF_ERROR_NOT_FOUND,
                "no VM “gamma” here; there is: “alpha”");
  assert_fails (processes_bus (), ":1.9999", QDMABUF_ERROR_NOT_FOUND, ":1.9999 is not on this bus");
  assert_fails (processes_bus (), "org.freedesktop.DBus", QDMABUF_ERROR_NOT_FOUND, "no VM");
  open_and_check ("alpha", "alpha");
  open_and_check (UUID_B, "beta");
  g_autoptr (GVariant) second = g_variant_get_child_value (list, 1);
  const char *name = NULL, *bus_name = NULL;
  assert_true (g_variant_lookup (second, "name", "&s", &name));
  assert_true (g_variant_lookup (second, "bus-name", "&s", &bus_name));
  open_and_check (bus_name, name);

  struct peer *beta = peer_open (processes_bus (), "beta", NULL, &error);
  peer_set_handler (beta, &peer_handler, &watch);
  struct listener *listener = listen_to (beta, QDMABUF_LISTENER_ALL, &watch);
  processes_stop (beta_process);
  g_free (wait_for (&watch, "peer closed bus: the VM left the bus"));
  assert_false (peer_send_key (beta, 0, 30, true, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_CLOSED));
  g_clear_error (&error);
  listener_free (listener);
  peer_free (beta);
  /* The one that is left needs no choice. */
  open_and_check (NULL, "alpha");
  g_async_queue_unref (watch.events);
}

/* Somebody owns the name and is no display; somebody owns it and never says anything. */
static GDBusMessage *
swallow (GDBusConnection *connection, GDBusMessage *message, gboolean incoming, gpointer data)
{
  (void) connection;
  if (!incoming || g_dbus_message_get_message_type (message) != G_DBUS_MESSAGE_TYPE_METHOD_CALL ||
      !g_atomic_int_get ((int *) data))
    return message;
  g_object_unref (message);
  return NULL;
}

static void
test_squatter (void **state)
{
  GError *error = NULL;
  int silent = 0;

  (void) state;
  processes_start_bus ();
  GDBusConnection *squatter =
      g_dbus_connection_new_for_address_sync (processes_bus (),
                                              G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                  G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                              NULL, NULL, &error);
  assert_null (error);
  g_dbus_connection_add_filter (squatter, swallow, &silent, NULL);
  g_autoptr (GVariant) owned = g_dbus_connection_call_sync (
      squatter, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "RequestName", g_variant_new ("(su)", NAME_QEMU, 0), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL,
      &error);
  assert_non_null (owned);
  assert_null (error);
  assert_fails (processes_bus (), NULL, QDMABUF_ERROR_CONNECT, "is no QEMU D-Bus display");
  g_atomic_int_set (&silent, 1);
  deadline_answer_ms = 300;
  assert_fails (processes_bus (), NULL, QDMABUF_ERROR_TIMED_OUT, "does not answer within 300 ms");
  /* It does not hide the others. */
  g_autofree char *display = g_strdup_printf ("dbus,addr=%s", processes_bus ());
  processes_start_vm ("alpha", UUID_A, display, "std");
  deadline_answer_ms = 1000;
  g_variant_unref (list_when_there_are (1));
  open_and_check ("alpha", "alpha");
  assert_fails (processes_bus (), NULL, QDMABUF_ERROR_AMBIGUOUS, "(does not answer), “alpha”");
  deadline_answer_ms = 5000;
  g_dbus_connection_close_sync (squatter, NULL, NULL);
  g_object_unref (squatter);
}

static void
test_stopped_process (void **state)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *address = NULL;
  int fds[2];

  (void) state;
  GSubprocess *vm = processes_start_vm ("alpha", UUID_A, "dbus,p2p=yes", "std");
  address = qmp_address ("alpha");
  struct peer *peer = open_when_up (address);
  g_subprocess_send_signal (vm, SIGSTOP);
  deadline_answer_ms = 500;
  assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  assert_false (peer_register_listener (peer, 0, fds[1], NULL, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT));
  deadline_answer_ms = 5000;
  close (fds[0]);
  close (fds[1]);
  assert_true (peer_send_key (peer, 0, 30, true, NULL));
  peer_free (peer);
}

static void
test_no_console (void **state)
{
  g_autofree char *address = NULL;
  g_autoptr (GError) error = NULL;

  (void) state;
  processes_start_vm ("alpha", UUID_A, "dbus,p2p=yes", "none");
  address = qmp_address ("alpha");
  struct peer *peer = open_when_up (address);
  assert_int_equal (peer_n_consoles (peer), 0);
  assert_false (peer_register_listener (peer, 0, 0, NULL, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_NOT_FOUND));
  peer_free (peer);
}

static GDBusNodeInfo *
introspect (GDBusConnection *bus, const char *name, const char *path)
{
  GError *error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      bus, name, path, INTERFACE_INTROSPECTABLE, "Introspect", NULL, G_VARIANT_TYPE ("(s)"),
      G_DBUS_CALL_FLAGS_NONE, 5000, NULL, &error);
  const char *xml = NULL;

  assert_null (error);
  g_variant_get (reply, "(&s)", &xml);
  GDBusNodeInfo *info = g_dbus_node_info_new_for_xml (xml, &error);
  assert_null (error);
  return info;
}

/* Each method and property that our description has, QEMU has with the same types. */
static unsigned
compare_with (GDBusNodeInfo *ours, GDBusNodeInfo *theirs)
{
  unsigned n = 0;

  for (GDBusInterfaceInfo **i = theirs->interfaces; *i; i++) {
    GDBusInterfaceInfo *own = g_dbus_node_info_lookup_interface (ours, (*i)->name);

    for (GDBusMethodInfo **m = own ? own->methods : NULL; m && *m; m++, n++) {
      GDBusMethodInfo *method = g_dbus_interface_info_lookup_method (*i, (*m)->name);

      assert_non_null (method);
      for (unsigned a = 0; (*m)->in_args && (*m)->in_args[a]; a++)
        assert_string_equal (method->in_args[a]->signature, (*m)->in_args[a]->signature);
    }
    for (GDBusPropertyInfo **p = own ? own->properties : NULL; p && *p; p++, n++) {
      GDBusPropertyInfo *property = g_dbus_interface_info_lookup_property (*i, (*p)->name);

      assert_non_null (property);
      assert_string_equal (property->signature, (*p)->signature);
    }
  }
  return n;
}

static void
test_description (void **state)
{
  g_autofree char *path =
      g_build_filename (g_getenv ("SOURCE_DIR"), "lib/listen/org.qemu.Display1.xml", NULL);
  g_autofree char *xml = NULL;
  GError *error = NULL;

  (void) state;
  assert_true (g_file_get_contents (path, &xml, NULL, &error));
  g_autoptr (GDBusNodeInfo) ours = g_dbus_node_info_new_for_xml (xml, &error);
  assert_null (error);
  processes_start_bus ();
  g_autofree char *display = g_strdup_printf ("dbus,addr=%s", processes_bus ());
  processes_start_vm ("alpha", UUID_A, display, "std");
  g_variant_unref (list_when_there_are (1));
  GDBusConnection *bus =
      g_dbus_connection_new_for_address_sync (processes_bus (),
                                              G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                  G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                              NULL, NULL, &error);
  g_autoptr (GDBusNodeInfo) vm = introspect (bus, NAME_QEMU, PATH_VM);
  assert_int_equal (compare_with (ours, vm), 3);
  g_autoptr (GDBusNodeInfo) console = introspect (bus, NAME_QEMU, PATH_CONSOLE "0");
  /* Since 8.1. */
  bool touch = g_dbus_node_info_lookup_interface (console, INTERFACE_MULTITOUCH) != NULL;
  assert_int_equal (compare_with (ours, console), 8 + 3 + 5 + (touch ? 2 : 0));
  g_dbus_connection_close_sync (bus, NULL, NULL);
  g_object_unref (bus);
}

int
main (void)
{
  g_autofree char *qemu = g_find_program_in_path ("qemu-system-x86_64");
  const struct CMUnitTest tests[] = {
    process_test (test_private),
    process_test (test_take_over),
    process_test (test_qmp_busy),
    process_test (test_qmp_refusals),
    process_test (test_bus),
    process_test (test_squatter),
    process_test (test_stopped_process),
    process_test (test_no_console),
    process_test (test_description),
  };

  if (!qemu) {
    print_message ("qemu-system-x86_64 is not installed\n");
    return 77;
  }
  return cmocka_run_group_tests (tests, fake_warm_up, NULL);
}
