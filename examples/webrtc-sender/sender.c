/* SPDX-License-Identifier: MIT */
/* The order in which things begin, and end the other way round: the server first, so that a port in
 * use is known before a QEMU runs; the URL last, so that what it names is there. */
#include "sender.h"

#include <glib-unix.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdio.h>

#include "common/messages.h"
#include "http/addresses.h"
#include "http/certificate.h"
#include "http/server.h"
#include "http/whip.h"
#include "page/page.h"
#include "plugins.h"
#include "qemu.h"

/* From the last word on its socket to the end of a QEMU. */
#define QEMU_END_MS 1000

struct sender {
  const struct options *options;
  GMainLoop *loop;
  GCancellable *opening;
  bool over;
  char *refusal; /* why the VM was not opened */
  guint verdict; /* 0: that is not about to be said */
  enum status status;
  guint signals[3];
  struct access *access;
  struct sessions *sessions;
  struct server *server;
  struct qemu *qemu;
  QdmabufDisplay *display;
  struct screens *screens;
  struct whip *whip;
};

static void
finish (struct sender *sender, enum status status)
{
  if (sender->over)
    return;
  sender->over = true;
  sender->status = status;
  g_main_loop_quit (sender->loop);
}

static gboolean
on_signal (gpointer data)
{
  finish (data, STATUS_OK);
  return G_SOURCE_CONTINUE;
}

/* ---- the server ---- */

/* The addresses that a URL may name: the one that was asked for, or those of the machine. Full
 * transfer. */
static char **
names_of (const struct options *options)
{
  g_auto (GStrv) all = addresses_of_machine ();
  GPtrArray *names = g_ptr_array_new ();

  for (char **name = all; *name && options_on_any (options); name++)
    g_ptr_array_add (names, g_strdup (*name));
  if (names->len == 0)
    g_ptr_array_add (names, g_strdup (options->listen_address));
  g_ptr_array_add (names,
                   g_strdup (options_on_loopback (options) ? "localhost" : g_get_host_name ()));
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (names, FALSE);
}

/* NULL without error: there is to be none. */
static GTlsCertificate *
get_certificate (const struct options *options, GError **error)
{
  g_autofree char *folder = g_build_filename (g_get_user_data_dir (), "qdmabuf-webrtc", NULL);
  g_auto (GStrv) names = names_of (options);

  if (options->tls_certificate)
    return certificate_load (options->tls_certificate, options->tls_key, error);
  if (!options->self_signed)
    return NULL;
  GTlsCertificate *certificate =
      certificate_self_signed (folder, (const char *const *) names, error);
  g_autofree char *print = certificate ? certificate_fingerprint (certificate) : NULL;
  if (print)
    message_note ("the certificate is signed by itself; its SHA-256 is %s", print);
  return certificate;
}

static char **
ice_servers (const struct options *options)
{
  GPtrArray *all = g_ptr_array_new ();

  if (options->stun)
    g_ptr_array_add (all, g_strdup (options->stun));
  for (char **turn = options->turn; turn && *turn; turn++)
    g_ptr_array_add (all, g_strdup (*turn));
  g_ptr_array_add (all, NULL);
  return (char **) g_ptr_array_free (all, FALSE);
}

static void
set_up_sessions (struct sender *sender, bool tls)
{
  const struct options *options = sender->options;
  const struct access_config access = {
    .control = options->token,
    .view = options->view_token,
    .view_only = options->view_only,
    .tls = tls,
    .origins = (const char *const *) options->origins,
  };
  const struct sessions_config sessions = {
    .max = options->viewers,
    .kbit = options->kbit,
    .codec = options->codec,
    .chroma = options->chroma,
    .local_address = options_on_any (options) ? NULL : options->listen_address,
    .stun = options->stun,
    .turn = (const char *const *) options->turn,
  };

  sender->access = access_new (&access);
  sender->sessions = sessions_new (&sessions);
}

static bool
start_server (struct sender *sender)
{
  const struct options *options = sender->options;
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsCertificate) certificate = get_certificate (options, &error);
  g_auto (GStrv) ice = ice_servers (options);

  set_up_sessions (sender, certificate != NULL);
  const struct server_config config = {
    .address = options->listen_address,
    .port = options->port,
    .certificate = certificate,
    .access = sender->access,
    .sessions = sender->sessions,
    .sessions_per_minute = options->sessions_per_minute,
    .ice_servers = (const char *const *) ice,
  };
  if (!error)
    sender->server = server_new (&config, &error);
  if (error)
    message_error ("%s", error->message);
  return sender->server != NULL;
}

/* Full transfer. */
static char *
url_with (const struct sender *sender, const char *token)
{
  const struct options *options = sender->options;
  bool tls = options->tls_certificate || options->self_signed;
  g_auto (GStrv) names = names_of (options);
  g_autofree char *host = address_in_url (names[0]);

  return g_strdup_printf ("%s://%s:%u/%s%s", tls ? "https" : "http", host,
                          server_port (sender->server), token ? "#token=" : "", token ? token : "");
}

static void
print_url (const struct sender *sender)
{
  const struct options *options = sender->options;
  g_autofree char *url = url_with (sender, options->token);

  if (options->view_token && !options->view_only) {
    g_autofree char *view = url_with (sender, options->view_token);

    message_note ("who is only to watch gets %s", view);
  }
  printf ("%s\n", url);
  fflush (stdout);
}

/* ---- the VM ---- */

static void
on_qemu_ended (void *data, int status)
{
  struct sender *sender = data;
  g_autofree char *text = qemu_describe_end (status);

  if (status == 0) {
    message_note ("the VM was shut down");
    finish (sender, STATUS_OK);
  } else {
    message_error ("%s", text);
    finish (sender, STATUS_QEMU);
  }
}

static bool
start_qemu (struct sender *sender)
{
  g_autoptr (GError) error = NULL;

  if (!sender->options->qemu)
    return true;
  sender->qemu =
      qemu_start ((const char *const *) sender->options->qemu, on_qemu_ended, sender, &error);
  if (sender->qemu)
    return true;
  message_error ("%s", error->message);
  sender->status = error->domain == G_OPTION_ERROR ? STATUS_USAGE : STATUS_QEMU;
  return false;
}

static void
on_closed (QdmabufDisplay *display, const GError *reason, gpointer data)
{
  struct sender *sender = data;

  (void) display;
  if (!sender->over)
    message_error ("%s", reason ? reason->message : "the connection to the VM is over");
  finish (sender, STATUS_CONNECT);
}

static void
show (struct sender *sender)
{
  const struct options *options = sender->options;
  const struct broadcast_config config = {
    .fps = options->fps,
    .kbit = options->kbit,
    .chroma = options->chroma,
    .encoder = options->encoder,
    .stats_log = options->stats_log,
  };

  g_object_set (sender->display, "reconnect", TRUE, NULL);
  g_signal_connect (sender->display, "closed", G_CALLBACK (on_closed), sender);
  sender->screens = screens_new (sender->display, options->console, &config);
  if (options->console >= 0 && !screens_find (sender->screens, (unsigned) options->console)) {
    message_error ("the VM has no console %d; it has %u", options->console,
                   qdmabuf_display_get_n_consoles (sender->display));
    finish (sender, STATUS_CONNECT);
    return;
  }
  server_show (sender->server, sender->screens);
  if (options->whip) {
    const struct whip_config whip = {
      .url = options->whip,
      .token = options->whip_token,
      .console = options->console < 0 ? 0 : (unsigned) options->console,
      .kbit = options->kbit,
      .codec = options->codec,
      .chroma = options->chroma,
      .stun = options->stun,
      .turn = (const char *const *) options->turn,
    };

    sender->whip = whip_new (sender->screens, &whip);
  }
  print_url (sender);
}

static gboolean
on_qemu_lives (gpointer data)
{
  struct sender *sender = data;

  sender->verdict = 0;
  message_error ("%s", sender->refusal);
  finish (sender, STATUS_CONNECT);
  return G_SOURCE_REMOVE;
}

/* A QEMU of ours that ends closes its socket first: its end, if it comes, is the better reason. */
static void
fail_to_open (struct sender *sender, const GError *error)
{
  sender->refusal = g_strdup (error->message);
  sender->verdict = g_timeout_add (sender->qemu ? QEMU_END_MS : 0, on_qemu_lives, sender);
}

static void
on_opened (GObject *object, GAsyncResult *result, gpointer data)
{
  struct sender *sender = data;
  g_autoptr (GError) error = NULL;

  (void) object;
  sender->display = qdmabuf_display_open_finish (result, &error);
  g_clear_object (&sender->opening);
  if (sender->over)
    return;
  if (sender->display)
    show (sender);
  else
    fail_to_open (sender, error);
}

static void
open_display (struct sender *sender)
{
  const char *address = sender->qemu ? qemu_address (sender->qemu) : sender->options->address;

  sender->opening = g_cancellable_new ();
  qdmabuf_display_open_async (address, sender->options->vm, sender->opening, on_opened, sender);
}

/* ---- the run ---- */

static void
catch_signals (struct sender *sender)
{
  static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };

  for (size_t i = 0; i < G_N_ELEMENTS (numbers); i++)
    sender->signals[i] = g_unix_signal_add (numbers[i], on_signal, sender);
}

static void
end (struct sender *sender)
{
  sender->over = true;
  if (sender->opening)
    g_cancellable_cancel (sender->opening);
  while (sender->opening)
    g_main_context_iteration (NULL, TRUE);
  g_clear_pointer (&sender->whip, whip_free);
  g_clear_pointer (&sender->sessions, sessions_free);
  g_clear_pointer (&sender->server, server_free);
  g_clear_pointer (&sender->screens, screens_free);
  g_clear_pointer (&sender->access, access_free);
  if (sender->display)
    qdmabuf_display_close (sender->display);
  g_clear_object (&sender->display);
  g_clear_pointer (&sender->qemu, qemu_free);
  g_clear_handle_id (&sender->verdict, g_source_remove);
  g_free (sender->refusal);
  for (size_t i = 0; i < G_N_ELEMENTS (sender->signals); i++)
    g_source_remove (sender->signals[i]);
  g_main_loop_unref (sender->loop);
}

enum status
sender_run (const struct options *options)
{
  struct sender sender = { .options = options, .loop = g_main_loop_new (NULL, FALSE) };
  g_autoptr (GError) error = NULL;

  webrtc_page_register_resource ();
  catch_signals (&sender);
  if (!plugins_check (options, &error)) {
    message_error ("%s", error->message);
    sender.status = STATUS_PLUGIN;
  } else if (!start_server (&sender)) {
    sender.status = STATUS_LISTEN;
  } else if (start_qemu (&sender)) {
    open_display (&sender);
    g_main_loop_run (sender.loop);
  }
  end (&sender);
  return sender.status;
}
