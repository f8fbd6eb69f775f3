/* SPDX-License-Identifier: MIT */
/* What each option means, and which of them cannot be meant together. */
#include "options.h"

#include <gio/gio.h>
#include <string.h>

#include "common/usage.h"
#include "http/access.h"
#include "http/ice-links.h"

#define MAX_FPS 240
#define MAX_KBIT 1000000
#define MAX_VIEWERS 64
#define MAX_PER_MINUTE 100000
#define DEFAULT_PORT 8080

/* As GOption delivers it. */
struct raw {
  char **rest, **turn, **origins;
  char *vm, *listen, *codec, *encoder, *token, *certificate, *key, *stun, *whip, *whip_token, *log;
  int bitrate, fps, chroma, console, viewers, per_minute;
  gboolean view_only, self_signed, insecure, quiet, version;
};

static const char summary[] =
    "Shows a running QEMU in a browser: prints a URL to open, and serves until it is ended.\n"
    "\n"
    "ADDRESS is a D-Bus address, 'session' (the default), 'system', 'qmp:PATH' for a VM with\n"
    "-display dbus,p2p=yes, or 'fd:N' for a connected socket. Behind -- it starts a QEMU itself.";

static const char description[] =
    "Exit status: 0 ended by a signal, or the VM was shut down; 1 usage, 2 cannot connect to the "
    "VM,\n"
    "3 a plug-in is missing, 4 cannot listen, 5 QEMU failed.\n"
    "\n"
    "Examples:\n"
    "  qdmabuf-webrtc qmp:/run/vm.qmp\n"
    "  qdmabuf-webrtc -- qemu-system-x86_64 -device virtio-vga disk.qcow2\n"
    "  qdmabuf-webrtc --listen 192.168.1.5:8443 --tls-self-signed --vm debian\n";

static bool
parse_raw (struct raw *raw, int argc, char **argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "listen", 'l', 0, G_OPTION_ARG_STRING, &raw->listen,
      "Where to serve (default 127.0.0.1:8080; port 0: a free one)", "ADDRESS[:PORT]" },
    { "vm", 0, 0, G_OPTION_ARG_FILENAME, &raw->vm, "VM, where several are on the bus",
      "NAME|UUID" },
    { "console", 'c', 0, G_OPTION_ARG_INT, &raw->console, "Only this console (default: all)", "N" },
    { "codec", 0, 0, G_OPTION_ARG_STRING, &raw->codec, "auto, h264 or vp8 (default auto)",
      "CODEC" },
    { "encoder", 0, 0, G_OPTION_ARG_STRING, &raw->encoder,
      "GStreamer element that encodes (default: the best that is here)", "NAME" },
    { "bitrate", 'b', 0, G_OPTION_ARG_INT, &raw->bitrate, "At most (default 8000)", "KBIT" },
    { "fps", 0, 0, G_OPTION_ARG_INT, &raw->fps, "Frames a second, at most (default 60)", "N" },
    { "chroma", 0, 0, G_OPTION_ARG_INT, &raw->chroma,
      "420, or 444 for crisp coloured text where the browser can (default 420)", "420|444" },
    { "view-only", 0, 0, G_OPTION_ARG_NONE, &raw->view_only, "Nobody has keyboard and mouse",
      NULL },
    { "token", 0, 0, G_OPTION_ARG_FILENAME, &raw->token,
      "File with the token for control and, in a second line, that for watching; or none "
      "(default: new ones at each start)",
      "FILE|none" },
    { "tls-cert", 0, 0, G_OPTION_ARG_FILENAME, &raw->certificate, "Certificate, PEM", "FILE" },
    { "tls-key", 0, 0, G_OPTION_ARG_FILENAME, &raw->key, "Its key, PEM", "FILE" },
    { "tls-self-signed", 0, 0, G_OPTION_ARG_NONE, &raw->self_signed,
      "Make a certificate, once, and keep it", NULL },
    { "insecure", 0, 0, G_OPTION_ARG_NONE, &raw->insecure,
      "Serve other machines without TLS or token", NULL },
    { "allow-origin", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->origins,
      "Another site whose pages may use this server, or a proxy before it; repeatable", "URL" },
    { "viewers", 0, 0, G_OPTION_ARG_INT, &raw->viewers, "At once, at most (default 8)", "N" },
    { "sessions-per-minute", 0, 0, G_OPTION_ARG_INT, &raw->per_minute,
      "New ones, at most (default 60)", "N" },
    { "stun", 0, 0, G_OPTION_ARG_STRING, &raw->stun, "stun://HOST:PORT (default: none)", "URI" },
    { "turn", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->turn,
      "turn://USER:PASSWORD@HOST:PORT; repeatable", "URI" },
    { "whip", 0, 0, G_OPTION_ARG_STRING, &raw->whip, "Also send to this WHIP server", "URL" },
    { "whip-token", 0, 0, G_OPTION_ARG_STRING, &raw->whip_token, "Its bearer token", "TOKEN" },
    { "stats-log", 0, 0, G_OPTION_ARG_FILENAME, &raw->log, "A line of JSON for each coded frame",
      "FILE" },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &raw->quiet, "Print errors only, and the URL", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &raw->version, "Print version and licence", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &raw->rest, NULL,
      "[ADDRESS] [-- QEMU ARGUMENT…]" },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  g_option_context_add_main_entries (context, entries, NULL);
  return g_option_context_parse (context, &argc, &argv, error);
}

static void
raw_clear (struct raw *raw)
{
  char **texts[] = { &raw->vm,    &raw->listen,     &raw->codec,      &raw->encoder,
                     &raw->token, &raw->key,        &raw->log,        &raw->stun,
                     &raw->whip,  &raw->whip_token, &raw->certificate };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    g_clear_pointer (texts[i], g_free);
  g_strfreev (raw->rest);
  g_strfreev (raw->turn);
  g_strfreev (raw->origins);
}

static bool
check_range (const char *name, int value, int least, int most, GError **error)
{
  if (value >= least && value <= most)
    return true;
  return usage_error (error, "--%s must be from %d to %d, not %d", name, least, most, value);
}

static bool
check_numbers (const struct raw *raw, GError **error)
{
  if (raw->console < -1)
    return usage_error (error, "--console cannot be %d: consoles count from 0", raw->console);
  if (raw->chroma != 420 && raw->chroma != 444)
    return usage_error (error, "--chroma must be 420 or 444, not %d", raw->chroma);
  return check_range ("fps", raw->fps, 1, MAX_FPS, error) &&
         check_range ("bitrate", raw->bitrate, 50, MAX_KBIT, error) &&
         check_range ("viewers", raw->viewers, 1, MAX_VIEWERS, error) &&
         check_range ("sessions-per-minute", raw->per_minute, 1, MAX_PER_MINUTE, error);
}

static bool
take_codec (struct options *options, const struct raw *raw, GError **error)
{
  static const char *const names[N_CODECS] = { [CODEC_H264] = "h264", [CODEC_VP8] = "vp8" };

  options->codec = -1;
  for (int i = 0; i < N_CODECS; i++) {
    if (g_strcmp0 (raw->codec, names[i]) == 0)
      options->codec = i;
  }
  if (raw->codec && options->codec < 0 && !g_str_equal (raw->codec, "auto"))
    return usage_error (error, "--codec must be auto, h264 or vp8, not '%s'", raw->codec);
  if (raw->chroma == 444 && options->codec == CODEC_VP8)
    return usage_error (error, "--chroma 444 needs H.264");
  return true;
}

/* "ADDRESS", "ADDRESS:PORT", "[ADDRESS]:PORT", or ":PORT"; localhost is an address. */
static bool
take_listen (struct options *options, const char *text, GError **error)
{
  g_autofree char *host = g_strdup (text ? text : "");
  char *port = strrchr (host, ':');
  guint64 number = DEFAULT_PORT;

  if (port && !strchr (port, ']') && (strchr (host, ':') == port || *host == '['))
    *port++ = '\0';
  else
    port = NULL;
  if (port && !g_ascii_string_to_unsigned (port, 10, 0, G_MAXUINT16, &number, NULL))
    return usage_error (error, "--listen: '%s' is no port", port);
  size_t length = strlen (host);
  bool bracketed = *host == '[' && host[length - 1] == ']';
  const char *bare = bracketed ? host + 1 : host;
  if (bracketed)
    host[length - 1] = '\0';
  if (*bare == '\0' || g_str_equal (bare, "localhost"))
    bare = "127.0.0.1";
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (bare);
  if (!address)
    return usage_error (error, "--listen: '%s' is no IP address", bare);
  options->listen_address = g_inet_address_to_string (address);
  options->port = (guint16) number;
  return true;
}

static bool
read_tokens (struct options *options, const char *path, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) failed = NULL;

  if (!g_file_get_contents (path, &text, NULL, &failed))
    return usage_error (error, "--token: %s", failed->message);
  g_auto (GStrv) lines = g_strsplit (g_strstrip (text), "\n", -1);
  for (char **line = lines; *line; line++) {
    if (!access_is_token (g_strstrip (*line)))
      return usage_error (error, "--token: a line of %s is no token of 16 to 256 characters (%s)",
                          path, "letters, digits and -._~+/=");
  }
  if (g_strv_length (lines) < 1 || g_strv_length (lines) > 2)
    return usage_error (error, "--token: %s must hold one or two lines", path);
  options->token = g_strdup (lines[0]);
  options->view_token = g_strdup (lines[1]);
  if (g_strcmp0 (options->token, options->view_token) == 0)
    return usage_error (error, "--token: both tokens of %s are the same", path);
  return true;
}

static bool
take_tokens (struct options *options, const char *token, GError **error)
{
  if (token && !g_str_equal (token, "none"))
    return read_tokens (options, token, error);
  if (!token) {
    options->token = access_new_secret ();
    options->view_token = access_new_secret ();
  }
  return true;
}

static bool
check_tls (const struct options *options, GError **error)
{
  bool tls = options->tls_certificate || options->self_signed;

  if (!options->tls_certificate != !options->tls_key)
    return usage_error (error, "--tls-cert and --tls-key go together");
  if (options->tls_certificate && options->self_signed)
    return usage_error (error, "--tls-self-signed makes a certificate, --tls-cert has one");
  if (options_on_loopback (options) || options->insecure)
    return true;
  if (!tls)
    return usage_error (error, "other machines need TLS: give --tls-self-signed, or --tls-cert and "
                               "--tls-key, or --insecure if you know better");
  if (!options->token)
    return usage_error (error,
                        "other machines need a token; or give --insecure if you know better");
  return true;
}

static bool
check_servers (const struct options *options, GError **error)
{
  if (options->stun && !ice_is_stun (options->stun, error))
    return false;
  for (char **turn = options->turn; turn && *turn; turn++) {
    if (!ice_is_turn (*turn, error))
      return false;
  }
  for (char **origin = options->origins; origin && *origin; origin++) {
    if (!access_is_origin (*origin))
      return usage_error (error, "--allow-origin must be https://HOST[:PORT], not '%s'", *origin);
  }
  return true;
}

static bool
check_whip (const struct options *options, GError **error)
{
  g_autoptr (GUri) uri =
      options->whip ? g_uri_parse (options->whip, G_URI_FLAGS_ENCODED, NULL) : NULL;
  const char *scheme = uri ? g_uri_get_scheme (uri) : "";

  if (options->whip_token && !options->whip)
    return usage_error (error, "--whip-token is nothing without --whip");
  if (options->whip && !g_str_equal (scheme, "http") && !g_str_equal (scheme, "https"))
    return usage_error (error, "--whip must be an http or https URL, not '%s'", options->whip);
  return true;
}

/* Of argv, what stands behind "--" is a QEMU's; GOption gets the rest. */
static int
take_qemu (struct options *options, int argc, char **argv, GError **error)
{
  for (int i = 1; i < argc; i++) {
    if (!g_str_equal (argv[i], "--"))
      continue;
    if (i + 1 == argc) {
      usage_error (error, "behind -- must be a QEMU, such as qemu-system-x86_64");
      return -1;
    }
    options->qemu = g_strdupv (argv + i + 1);
    return i;
  }
  return argc;
}

static void
take_texts (struct options *options, struct raw *raw)
{
  options->vm = g_steal_pointer (&raw->vm);
  options->encoder = g_steal_pointer (&raw->encoder);
  options->tls_certificate = g_steal_pointer (&raw->certificate);
  options->tls_key = g_steal_pointer (&raw->key);
  options->stun = g_steal_pointer (&raw->stun);
  options->turn = g_steal_pointer (&raw->turn);
  options->origins = g_steal_pointer (&raw->origins);
  options->whip = g_steal_pointer (&raw->whip);
  options->whip_token = g_steal_pointer (&raw->whip_token);
  options->stats_log = g_steal_pointer (&raw->log);
}

static void
take_numbers (struct options *options, const struct raw *raw)
{
  options->kbit = (unsigned) raw->bitrate;
  options->fps = (unsigned) raw->fps;
  options->chroma = raw->chroma == 444 ? CHROMA_444 : CHROMA_420;
  options->console = raw->console;
  options->viewers = (unsigned) raw->viewers;
  options->sessions_per_minute = (unsigned) raw->per_minute;
  options->view_only = raw->view_only;
  options->insecure = raw->insecure;
  options->self_signed = raw->self_signed;
  options->quiet = raw->quiet;
  options->version = raw->version;
}

static bool
take_address (struct options *options, char **rest, GError **error)
{
  guint n = rest ? g_strv_length (rest) : 0;

  if (n > 1)
    return usage_error (error, "one ADDRESS only: '%s' is too much", rest[1]);
  if (n > 0 && options->qemu)
    return usage_error (error, "a QEMU behind -- has no other ADDRESS: '%s' is too much", rest[0]);
  if (options->vm && options->qemu)
    return usage_error (error, "a QEMU behind -- is the only VM: --vm is too much");
  options->address = n > 0 ? g_strdup (rest[0]) : NULL;
  return true;
}

bool
options_parse (struct options *options, int argc, char **argv, GError **error)
{
  struct raw raw = {
    .bitrate = 8000, .fps = 60, .chroma = 420, .console = -1, .viewers = 8, .per_minute = 60
  };
  bool good = false;

  memset (options, 0, sizeof *options);
  int n = take_qemu (options, argc, argv, error);
  if (n < 0 || !parse_raw (&raw, n, argv, error))
    goto out;
  take_texts (options, &raw);
  take_numbers (options, &raw);
  good = check_numbers (&raw, error) && take_codec (options, &raw, error) &&
         take_address (options, raw.rest, error) && take_listen (options, raw.listen, error) &&
         take_tokens (options, raw.token, error) && check_tls (options, error) &&
         check_servers (options, error) && check_whip (options, error);
out:
  raw_clear (&raw);
  return good;
}

void
options_clear (struct options *options)
{
  char **texts[] = {
    &options->address, &options->vm,         &options->encoder,   &options->listen_address,
    &options->token,   &options->view_token, &options->tls_key,   &options->tls_certificate,
    &options->stun,    &options->whip,       &options->stats_log, &options->whip_token
  };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    g_clear_pointer (texts[i], g_free);
  g_clear_pointer (&options->qemu, g_strfreev);
  g_clear_pointer (&options->turn, g_strfreev);
  g_clear_pointer (&options->origins, g_strfreev);
}

bool
options_on_loopback (const struct options *options)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (options->listen_address);

  return g_inet_address_get_is_loopback (address);
}

bool
options_on_any (const struct options *options)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (options->listen_address);

  return g_inet_address_get_is_any (address);
}
