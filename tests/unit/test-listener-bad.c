/* SPDX-License-Identifier: MIT */
/* The listener and calls that must not be believed: each is named and refused, and the next one
 * works. Also its standard interfaces, and whether it is what its description says. */
#include "support/fds.h"

#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>
#include <unistd.h>

#include "listen/event.h"
#include "listen/names.h"
#include "listen/warnings.h"
#include "peer/listening.h"

struct bad_call {
  const char *method;
  const char *arguments; /* NULL: none */
  unsigned n_fds;
  const char *warning;
};

#define PIXEL "[byte 1, 2, 3, 4]"
#define XRGB "uint32 0x20020888"
#define LINEAR_TAIL "uint32 875713112, uint64 0, false)"

static const struct bad_call bad_calls[] = {
  /* wrong arguments */
  { "Scanout", NULL, 0,
    "warning protocol: Scanout: arguments of the types (); (uuuuay) are expected" },
  { "Scanout", "(1, 1, 4, 537004168, " PIXEL ")", 0, "warning protocol: Scanout: …" },
  { "Update", "(uint32 1,)", 0, "warning protocol: Update: …" },
  { "ScanoutDMABUF", "(1, 2)", 1, "warning protocol: ScanoutDMABUF: …" },
  { "ScanoutDMABUF2", "(1, 2)", 1, "warning protocol: ScanoutDMABUF2: …" },
  { "ScanoutMap", "('x',)", 1, "warning protocol: ScanoutMap: …" },
  { "UpdateMap", "(1, 2, 3)", 0, "warning protocol: UpdateMap: …" },
  { "UpdateDMABUF", "(1, 2, 3, 4, 5)", 0, "warning protocol: UpdateDMABUF: …" },
  { "Disable", "(1,)", 0, "warning protocol: Disable: …" },
  { "MouseSet", "('', '', '')", 0, "warning protocol: MouseSet: …" },
  { "CursorDefine", "(1, 1, 0, 0, 'abcd')", 0, "warning protocol: CursorDefine: …" },
  /* unknown */
  { "ScanoutDMABUF3", "(1,)", 0,
    "warning protocol: the call org.qemu.Display1.Listener.ScanoutDMABUF3 is unknown" },
  { "org.example.Disable", NULL, 0, "warning protocol: the call org.example.Disable is unknown" },
  /* pictures in messages */
  { "Scanout", "(uint32 0, uint32 1, uint32 4, " XRGB ", " PIXEL ")", 0,
    "warning bad-layout: Scanout: …" },
  { "Scanout", "(uint32 1, uint32 0, uint32 4, " XRGB ", " PIXEL ")", 0,
    "warning bad-layout: Scanout: …" },
  { "Scanout", "(uint32 1, uint32 1, uint32 4, " XRGB ", @ay [])", 0,
    "warning bad-layout: Scanout: …" },
  { "Scanout", "(uint32 1, uint32 2, uint32 4, " XRGB ", " PIXEL ")", 0,
    "warning bad-layout: Scanout: …" },
  { "Scanout", "(uint32 1, uint32 1, uint32 3, " XRGB ", " PIXEL ")", 0,
    "warning bad-layout: Scanout: …" },
  { "Scanout", "(uint32 4294967295, uint32 4294967295, uint32 4294967295, " XRGB ", " PIXEL ")", 0,
    "warning limit: Scanout: …" },
  { "Scanout", "(uint32 1, uint32 1, uint32 4, uint32 7, " PIXEL ")", 0,
    "warning unsupported-format: Scanout: pixman format 0x00000007 is unknown" },
  /* updates in messages */
  { "Update", "(0, 0, 0, 1, uint32 4, " XRGB ", " PIXEL ")", 0,
    "warning bad-layout: Update: an update of 0×1 pixels" },
  { "Update", "(0, 0, 1, -1, uint32 4, " XRGB ", " PIXEL ")", 0, "warning bad-layout: Update: …" },
  { "Update", "(0, 0, 2, 1, uint32 8, " XRGB ", " PIXEL ")", 0, "warning bad-layout: Update: …" },
  { "Update", "(0, 0, 1, 2, uint32 4294967295, " XRGB ", " PIXEL ")", 0,
    "warning bad-layout: Update: …" },
  { "Update", "(0, 0, 1, 1, uint32 4, " XRGB ", @ay [])", 0, "warning bad-layout: Update: …" },
  { "Update", "(0, 0, 2147483647, 2147483647, uint32 4, " XRGB ", " PIXEL ")", 0,
    "warning limit: Update: …" },
  { "Update", "(0, 0, 1, 1, uint32 4, uint32 0, " PIXEL ")", 0,
    "warning unsupported-format: Update: …" },
  /* file descriptors */
  { "ScanoutMap", "(handle 0, uint32 0, uint32 8, uint32 8, uint32 32, " XRGB ")", 0,
    "warning bad-layout: ScanoutMap: 0 file descriptors came with the call; 1 expected" },
  { "ScanoutMap", "(handle 0, uint32 0, uint32 8, uint32 8, uint32 32, " XRGB ")", 2,
    "warning bad-layout: ScanoutMap: 2 file descriptors came with the call; 1 expected" },
  { "ScanoutMap", "(handle 1, uint32 0, uint32 8, uint32 8, uint32 32, " XRGB ")", 1,
    "warning bad-layout: ScanoutMap: the message names file descriptor 1 and carries 1" },
  { "ScanoutMap", "(handle -1, uint32 0, uint32 8, uint32 8, uint32 32, " XRGB ")", 1,
    "warning bad-layout: ScanoutMap: the message names file descriptor -1 and carries 1" },
  { "ScanoutMap", "(handle 0, uint32 4294967295, uint32 8, uint32 8, uint32 32, " XRGB ")", 1,
    "warning bad-layout: ScanoutMap: …" },
  { "ScanoutDMABUF", "(handle 0, uint32 8, uint32 8, uint32 32, " LINEAR_TAIL, 0,
    "warning bad-layout: ScanoutDMABUF: 0 file descriptors came with the call; 1 expected" },
  { "ScanoutDMABUF", "(handle 0, uint32 8, uint32 8, uint32 32, " LINEAR_TAIL, 9,
    "warning bad-layout: …" },
  { "ScanoutDMABUF", "(handle 7, uint32 8, uint32 8, uint32 32, " LINEAR_TAIL, 1,
    "warning bad-layout: …" },
  { "UpdateDMABUF", "(0, 0, 1, 1)", 1,
    "warning bad-layout: UpdateDMABUF: 1 file descriptors came with the call; 0 …" },
  { "Disable", NULL, 100, "warning bad-layout: a call with more than 4 file descriptors" },
  /* sizes of DMA-BUFs */
  { "ScanoutDMABUF", "(handle 0, uint32 0, uint32 8, uint32 32, " LINEAR_TAIL, 1,
    "warning bad-layout: …" },
  { "ScanoutDMABUF", "(handle 0, uint32 65536, uint32 8, uint32 32, " LINEAR_TAIL, 1,
    "warning limit: …" },
  { "ScanoutDMABUF", "(handle 0, uint32 8, uint32 8, uint32 31, " LINEAR_TAIL, 1,
    "warning bad-layout: …" },
  { "ScanoutDMABUF", "(handle 0, uint32 8, uint32 8000, uint32 4096, " LINEAR_TAIL, 1,
    "warning bad-layout: …" },
  { "ScanoutDMABUF", "(handle 0, uint32 8, uint32 8, uint32 32, uint32 0, uint64 0, false)", 1,
    "warning unsupported-format: …" },
  /* DMABUF2: nothing to show, outside, too many planes, arrays that do not fit */
  { "ScanoutDMABUF2",
    "(@ah [], uint32 0, uint32 0, uint32 8, uint32 8, [uint32 0], [uint32 32], uint32 1, uint32 "
    "875713112, uint32 8, "
    "uint32 8, uint64 0, false)",
    1, "warning bad-layout: ScanoutDMABUF2: 0 file descriptors for 1 planes" },
  { "ScanoutDMABUF2",
    "([handle 0], uint32 1, uint32 0, uint32 8, uint32 8, [uint32 0], [uint32 32], uint32 1, "
    "uint32 875713112, "
    "uint32 8, uint32 8, uint64 0, false)",
    1, "warning bad-layout: ScanoutDMABUF2: the picture of 8×8 at 1, 0 lies …" },
  { "ScanoutDMABUF2",
    "([handle 0], uint32 0, uint32 4294967295, uint32 8, uint32 8, [uint32 0], [uint32 32], uint32 "
    "1, "
    "uint32 875713112, uint32 8, uint32 8, uint64 0, true)",
    1, "warning bad-layout: …" },
  { "ScanoutDMABUF2",
    "([handle 0], uint32 0, uint32 0, uint32 8, uint32 9, [uint32 0], [uint32 32], uint32 1, "
    "uint32 875713112, "
    "uint32 8, uint32 8, uint64 0, true)",
    1, "warning bad-layout: …" },
  { "ScanoutDMABUF2",
    "([handle 0], uint32 0, uint32 0, uint32 8, uint32 8, [uint32 0], [uint32 32], uint32 5, "
    "uint32 875713112, "
    "uint32 8, uint32 8, uint64 0, false)",
    1, "warning bad-layout: ScanoutDMABUF2: 5 planes with 1 offsets and 1 …" },
  { "ScanoutDMABUF2",
    "([handle 0], uint32 0, uint32 0, uint32 8, uint32 8, [uint32 0, 0], [uint32 32], uint32 2, "
    "uint32 875713112, "
    "uint32 8, uint32 8, uint64 0, false)",
    1, "warning bad-layout: …" },
  { "ScanoutDMABUF2",
    "([handle 0, 0], uint32 0, uint32 0, uint32 8, uint32 8, [uint32 0], [uint32 32], uint32 1, "
    "uint32 875713112, "
    "uint32 8, uint32 8, uint64 0, false)",
    1, "warning bad-layout: ScanoutDMABUF2: 2 file descriptors for 1 planes" },
  { "ScanoutDMABUF2",
    "([handle 0, 3], uint32 0, uint32 0, uint32 8, uint32 8, [uint32 0, 0], [uint32 32, 32], "
    "uint32 2, "
    "uint32 875713112, uint32 8, uint32 8, uint64 0, false)",
    2, "warning bad-layout: …" },
  /* cursors */
  { "CursorDefine", "(0, 1, 0, 0, @ay [])", 0,
    "warning bad-layout: CursorDefine: a cursor of 0×1…" },
  { "CursorDefine", "(-1, -1, 0, 0, " PIXEL ")", 0, "warning bad-layout: CursorDefine: …" },
  { "CursorDefine", "(1025, 1, 0, 0, " PIXEL ")", 0, "warning limit: CursorDefine: …" },
  { "CursorDefine", "(65536, 65536, 0, 0, " PIXEL ")", 0, "warning limit: CursorDefine: …" },
  { "CursorDefine", "(2, 1, 0, 0, " PIXEL ")", 0, "warning bad-layout: CursorDefine: …" },
  { "CursorDefine", "(1, 1, 0, 0, [byte 1, 2, 3, 4, 5])", 0,
    "warning bad-layout: CursorDefine: …" },
  /* properties */
  { INTERFACE_PROPERTIES ".GetAll", "('org.example.Foo\\n',)", 0,
    "warning protocol: QEMU asks for the properties of “org.example.Foo?”" },
  { INTERFACE_PROPERTIES ".Get", "('" INTERFACE_LISTENER "', 'Foo')", 0,
    "warning protocol: QEMU asks for the property “Foo”" },
  { INTERFACE_PROPERTIES ".Get", "('" INTERFACE_MAP "', 'Interfaces')", 0, "warning protocol: …" },
  { INTERFACE_PROPERTIES ".GetAll", "(1,)", 0, "warning protocol: …" },
  { INTERFACE_PROPERTIES ".Set", "('" INTERFACE_LISTENER "', 'Interfaces', <'x'>)", 0,
    "warning protocol: …" },
};

static GVariant *
parse (const char *text)
{
  GError *error = NULL;
  GVariant *value = text ? g_variant_parse (NULL, text, NULL, NULL, &error) : NULL;

  if (error)
    fail_msg ("%s: %s", text, error->message);
  return value;
}

/* arguments: as parse takes them. */
static unsigned
call_with (struct listening *f, const char *method, const char *arguments, bool wants_reply)
{
  g_autoptr (GVariant) body = parse (arguments);

  return fake_call (f->fake, 0, method, body, NULL, 0, wants_reply);
}

/* Each gets its own listener, so that the limit of one warning a second hides none; asks for an
 * answer, so that it must also be an error; and the calls behind it work. */
static void
test_bad_calls (void **state)
{
  int fds[128];

  (void) state;
  for (unsigned i = 0; i < G_N_ELEMENTS (fds); i++)
    fds[i] = fake_memfd (4096);
  for (unsigned i = 0; i < G_N_ELEMENTS (bad_calls); i++) {
    const struct bad_call *bad = &bad_calls[i];
    g_autoptr (GVariant) arguments = parse (bad->arguments);
    GError *error = NULL;
    struct listening f;

    listening_start (&f, QDMABUF_LISTENER_ALL);
    unsigned call = fake_call (f.fake, 0, bad->method, arguments, fds, bad->n_fds, true);
    listening_expect (&f, bad->warning);
    assert_null (fake_wait_reply (f.fake, call, PATIENCE_MS, NULL, &error));
    assert_true (g_dbus_error_is_remote_error (error));
    g_clear_error (&error);
    /* Without an answer wanted it is the same, and none comes. */
    fake_call (f.fake, 0, bad->method, arguments, fds, bad->n_fds, false);
    listening_expect_alive (&f);
    assert_int_equal (listener_get_counters (f.listener).refused, 2);
    listening_end (&f);
  }
  for (unsigned i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
}

static void
test_not_offered (void **state)
{
  int fd = fake_memfd (4096);
  struct listening f;

  (void) state;
  listening_start (&f, QDMABUF_LISTENER_NONE);
  listening_expect_refusal (&f, fake_scanout_map (f.fake, 0, fd, 0, 8, 8, 32, FAKE_XRGB),
                            ERROR_UNKNOWN_METHOD);
  listening_expect (&f, "warning protocol: the call " INTERFACE_MAP ".ScanoutMap is unknown");
  listening_expect_refusal (
      &f, call_with (&f, INTERFACE_PROPERTIES ".GetAll", "('" INTERFACE_MAP "',)", true),
      ERROR_UNKNOWN_INTERFACE);
  listening_expect_alive (&f);
  close (fd);
  listening_end (&f);
}

static char *
call_for_text (struct listening *f, const char *method, const char *arguments)
{
  unsigned call = call_with (f, method, arguments, true);
  GError *error = NULL;
  g_autoptr (GVariant) body = fake_wait_reply (f->fake, call, PATIENCE_MS, NULL, &error);

  assert_null (error);
  return g_variant_print (body, FALSE);
}

static void
test_standard (void **state)
{
  struct listening f;

  (void) state;
  listening_start (&f, QDMABUF_LISTENER_MAP);
  g_autofree char *get =
      call_for_text (&f, INTERFACE_PROPERTIES ".Get", "('" INTERFACE_LISTENER "', 'Interfaces')");
  assert_string_equal (get, "(<['" INTERFACE_MAP "']>,)");
  g_autofree char *all =
      call_for_text (&f, INTERFACE_PROPERTIES ".GetAll", "('" INTERFACE_MAP "',)");
  assert_string_equal (all, "({},)");
  g_autofree char *ping = call_for_text (&f, INTERFACE_PEER ".Ping", NULL);
  assert_string_equal (ping, "()");
  listening_end (&f);
}

/* What the listener says about itself is what the description of the interfaces says, and what is
 * decoded. */
static void
test_description (void **state)
{
  g_autofree char *path =
      g_build_filename (g_getenv ("SOURCE_DIR"), "lib/listen/org.qemu.Display1.xml", NULL);
  g_autofree char *text = NULL;
  GError *error = NULL;
  struct listening f;

  (void) state;
  assert_true (g_file_get_contents (path, &text, NULL, &error));
  g_autoptr (GDBusNodeInfo) description = g_dbus_node_info_new_for_xml (text, &error);
  assert_null (error);
  listening_start (&f, QDMABUF_LISTENER_ALL);
  unsigned call =
      fake_call (f.fake, 0, INTERFACE_INTROSPECTABLE ".Introspect", NULL, NULL, 0, true);
  g_autoptr (GVariant) body = fake_wait_reply (f.fake, call, PATIENCE_MS, NULL, &error);
  const char *xml = NULL;
  g_variant_get (body, "(&s)", &xml);
  g_autoptr (GDBusNodeInfo) own = g_dbus_node_info_new_for_xml (xml, &error);
  assert_null (error);

  unsigned n = 0;
  for (GDBusInterfaceInfo **i = description->interfaces; *i; i++) {
    if (!g_str_has_prefix ((*i)->name, INTERFACE_LISTENER))
      continue;
    GDBusInterfaceInfo *mine = g_dbus_node_info_lookup_interface (own, (*i)->name);
    assert_non_null (mine);
    for (GDBusMethodInfo **m = (*i)->methods; m && *m; m++, n++) {
      GDBusMethodInfo *method = g_dbus_interface_info_lookup_method (mine, (*m)->name);

      assert_non_null (method);
      for (unsigned a = 0; (*m)->in_args && (*m)->in_args[a]; a++)
        assert_string_equal (method->in_args[a]->signature, (*m)->in_args[a]->signature);
    }
  }
  assert_int_equal (n, event_n_methods ());
  listening_end (&f);
}

/* A path of its own, and a call without an interface: QEMU sends neither, so the peer cannot. */
static void
test_addressing (void **state)
{
  struct transport_call call = { .path = "/elsewhere", .member = "Disable", .signature = "" };
  const char *dbus_error = NULL;
  struct event event;
  GError *error = NULL;
  unsigned method = 0;

  (void) state;
  assert_false (event_decode (&call, QDMABUF_LISTENER_ALL, &event, &method, &dbus_error, &error));
  assert_string_equal (dbus_error, ERROR_UNKNOWN_OBJECT);
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL));
  g_clear_error (&error);
  call.path = PATH_LISTENER;
  assert_true (event_decode (&call, QDMABUF_LISTENER_ALL, &event, &method, &dbus_error, &error));
  assert_int_equal (event.kind, EVENT_DISABLE);
  assert_string_equal (event_method_member (method), "Disable");
  event_clear (&event);
}

/* Names of strangers are neither short nor fit for a terminal. */
static void
test_long_names (void **state)
{
  g_autofree char *name = g_strnfill (1 << 20, 'a');
  const struct transport_call calls[] = {
    { .path = name, .member = "Disable", .signature = "" },
    { .path = "/elsewhere", .member = name, .signature = "" },
    { .path = PATH_LISTENER, .member = name, .signature = "" },
    { .path = PATH_LISTENER, .interface = name, .member = "Disable", .signature = "" },
  };

  (void) state;
  name[0] = '/';
  name[1] = '\n';
  for (unsigned i = 0; i < G_N_ELEMENTS (calls); i++) {
    g_autoptr (GError) error = NULL;
    const char *dbus_error = NULL;
    struct event event;
    unsigned method = 0;

    assert_false (
        event_decode (&calls[i], QDMABUF_LISTENER_ALL, &event, &method, &dbus_error, &error));
    assert_true (strlen (error->message) < 1000);
    assert_null (strchr (error->message, '\n'));
  }
}

static void
test_warnings_once_a_second (void **state)
{
  struct listening f;

  (void) state;
  listening_start (&f, QDMABUF_LISTENER_ALL);
  for (unsigned i = 0; i < 200; i++)
    call_with (&f, "Disable", "(1,)", false);
  listening_expect (&f, "warning protocol: Disable: …");
  /* Another kind is not held back by it. */
  call_with (&f, "MouseSet", "(1,)", false);
  listening_expect (&f, "warning protocol: MouseSet: …");
  listening_expect_alive (&f);
  listening_end (&f);

  struct warnings *warnings = g_new0 (struct warnings, 1);
  g_autoptr (GError) error = g_error_new_literal (QDMABUF_ERROR, QDMABUF_ERROR_LIMIT, "");
  unsigned kind = warnings_kind (event_n_methods (), error);
  uint32_t n = 9;
  assert_true (kind < WARNINGS_KINDS);
  assert_true (warnings_allow (warnings, kind, 1000, &n));
  assert_int_equal (n, 0);
  assert_false (warnings_allow (warnings, kind, 1001, &n));
  assert_false (warnings_allow (warnings, kind, 1000999, &n));
  assert_true (warnings_allow (warnings, kind + 1, 1000999, &n));
  assert_true (warnings_allow (warnings, kind, 1001000, &n));
  assert_int_equal (n, 2);
  g_free (warnings);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_bad_calls),
    fds_unit_test (test_not_offered),
    fds_unit_test (test_standard),
    fds_unit_test (test_description),
    fds_unit_test (test_addressing),
    fds_unit_test (test_long_names),
    fds_unit_test (test_warnings_once_a_second),
  };

  return cmocka_run_group_tests (tests, fake_warm_up, NULL);
}
