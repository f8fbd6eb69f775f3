/* SPDX-License-Identifier: MIT */
/* The part of the ABI that abidiff does not see: numbers of enum values, and names and types of
 * properties and signals. What is released here is never changed or removed; new lines come at the
 * end of a table. */
#include "support/fds.h"

#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdbool.h>

struct value {
  int number;
  const char *nick;
};

static const struct value errors[] = {
  { 0, "failed" },
  { 1, "invalid-argument" },
  { 2, "connect" },
  { 3, "not-found" },
  { 4, "ambiguous" },
  { 5, "busy" },
  { 6, "timed-out" },
  { 7, "stopped" },
  { 8, "closed" },
  { 9, "replaced" },
  { 10, "protocol" },
  { 11, "limit" },
  { 12, "bad-layout" },
  { 13, "bad-memory" },
  { 14, "unsupported-format" },
  { 15, "unsupported-modifier" },
  { 16, "no-backend" },
  { 17, "device-lost" },
  { 18, "no-scanout" },
  { 19, "scanout-lost" },
};

static const struct value listener_flags[] = {
  { 0, "none" },
  { 1, "map" },
  { 2, "dmabuf2" },
  { 3, "all" },
};

static const struct value leds[] = {
  { 0, "none" },
  { 1, "scroll-lock" },
  { 2, "num-lock" },
  { 4, "caps-lock" },
};

static const struct value colors[] = {
  { 0, "bt601-limited" },
  { 1, "bt601-full" },
  { 2, "bt709-limited" },
  { 3, "bt709-full" },
};

static const struct value touches[] = {
  { 0, "begin" },
  { 1, "update" },
  { 2, "end" },
  { 3, "cancel" },
};

static const struct value display_states[] = {
  { 0, "connected" },
  { 1, "waiting" },
  { 2, "closed" },
};

struct property {
  const char *name;
  const char *type;
  bool writable;
};

static const struct property display_properties[] = {
  { "name", "gchararray", false },
  { "uuid", "gchararray", false },
  { "reconnect", "gboolean", true },
  { "state", "QdmabufDisplayState", false },
};

static const struct property console_properties[] = {
  { "index", "guint", false },          { "label", "gchararray", false },
  { "type", "gchararray", false },      { "head", "guint", false },
  { "width", "guint", false },          { "height", "guint", false },
  { "backend", "gchararray", true },    { "render-node", "gchararray", true },
  { "modifier", "gchararray", true },   { "listener-interfaces", "QdmabufListenerFlags", true },
  { "format", "guint", true },          { "max-frames", "guint", true },
  { "max-rate", "guint", true },        { "color", "QdmabufColor", true },
  { "lend-buffers", "gboolean", true }, { "pipelined", "gboolean", true },
  { "leds", "QdmabufLeds", false },     { "pointer-absolute", "gboolean", false },
  { "touch-slots", "guint", false },
};

static const struct property converter_properties[] = {
  { "backend", "gchararray", true }, { "render-node", "gchararray", true },
  { "format", "guint", true },       { "max-frames", "guint", true },
  { "color", "QdmabufColor", true },
};

/* All our signals return nothing and have one argument or none. */
struct signal {
  const char *name;
  const char *argument; /* NULL: none */
};

static const struct signal display_signals[] = {
  { "closed", "GError" },
  { "console-added", "QdmabufConsole" },
  { "console-removed", "QdmabufConsole" },
};

static const struct signal console_signals[] = {
  { "frame", "QdmabufFrame" },
  { "cursor-changed", NULL },
  { "disabled", NULL },
  { "warning", "GError" },
};

static void
check_enum (GType type, const struct value *values, size_t n)
{
  GEnumClass *class = g_type_class_ref (type);

  for (size_t i = 0; i < n; i++) {
    const GEnumValue *value = g_enum_get_value_by_nick (class, values[i].nick);

    assert_non_null (value);
    assert_int_equal (value->value, values[i].number);
  }
  assert_int_equal (class->n_values, n);
  g_type_class_unref (class);
}

static void
test_enums (void **state)
{
  (void) state;
  check_enum (QDMABUF_TYPE_ERROR, errors, G_N_ELEMENTS (errors));
  check_enum (QDMABUF_TYPE_COLOR, colors, G_N_ELEMENTS (colors));
  check_enum (QDMABUF_TYPE_DISPLAY_STATE, display_states, G_N_ELEMENTS (display_states));
  check_enum (QDMABUF_TYPE_TOUCH, touches, G_N_ELEMENTS (touches));
}

static void
check_flags (GType type, const struct value *values, size_t n)
{
  GFlagsClass *class = g_type_class_ref (type);

  for (size_t i = 0; i < n; i++) {
    const GFlagsValue *value = g_flags_get_value_by_nick (class, values[i].nick);

    assert_non_null (value);
    assert_int_equal (value->value, values[i].number);
  }
  assert_int_equal (class->n_values, n);
  g_type_class_unref (class);
}

static void
test_flags (void **state)
{
  (void) state;
  check_flags (QDMABUF_TYPE_LISTENER_FLAGS, listener_flags, G_N_ELEMENTS (listener_flags));
  check_flags (QDMABUF_TYPE_LEDS, leds, G_N_ELEMENTS (leds));
}

static void
test_error_domain (void **state)
{
  (void) state;
  assert_string_equal (g_quark_to_string (QDMABUF_ERROR), "qdmabuf-error-quark");
}

static void
check_properties (GType type, const struct property *properties, size_t n)
{
  GObjectClass *class = g_type_class_ref (type);
  guint n_there = 0;
  GParamSpec **there = g_object_class_list_properties (class, &n_there);

  for (size_t i = 0; i < n; i++) {
    GParamSpec *spec = g_object_class_find_property (class, properties[i].name);

    if (!spec)
      fail_msg ("%s has no property %s", g_type_name (type), properties[i].name);
    assert_string_equal (g_type_name (spec->value_type), properties[i].type);
    assert_true (spec->flags & G_PARAM_READABLE);
    assert_int_equal (!!(spec->flags & G_PARAM_WRITABLE), properties[i].writable);
  }
  assert_int_equal (n_there, n);
  g_free (there);
  g_type_class_unref (class);
}

static void
check_signals (GType type, const struct signal *signals, size_t n)
{
  gpointer class = g_type_class_ref (type);
  guint n_there = 0;
  guint *there = g_signal_list_ids (type, &n_there);

  for (size_t i = 0; i < n; i++) {
    GSignalQuery query;
    guint id = g_signal_lookup (signals[i].name, type);

    if (id == 0)
      fail_msg ("%s has no signal %s", g_type_name (type), signals[i].name);
    g_signal_query (id, &query);
    assert_int_equal (query.return_type, G_TYPE_NONE);
    assert_int_equal (query.n_params, signals[i].argument ? 1 : 0);
    if (signals[i].argument)
      assert_string_equal (g_type_name (query.param_types[0]), signals[i].argument);
  }
  assert_int_equal (n_there, n);
  g_free (there);
  g_type_class_unref (class);
}

static void
test_display (void **state)
{
  (void) state;
  check_properties (QDMABUF_TYPE_DISPLAY, display_properties, G_N_ELEMENTS (display_properties));
  check_signals (QDMABUF_TYPE_DISPLAY, display_signals, G_N_ELEMENTS (display_signals));
}

static void
test_console (void **state)
{
  (void) state;
  check_properties (QDMABUF_TYPE_CONSOLE, console_properties, G_N_ELEMENTS (console_properties));
  check_signals (QDMABUF_TYPE_CONSOLE, console_signals, G_N_ELEMENTS (console_signals));
}

static void
test_converter (void **state)
{
  (void) state;
  check_properties (QDMABUF_TYPE_CONVERTER, converter_properties,
                    G_N_ELEMENTS (converter_properties));
}

static void
test_boxed_types (void **state)
{
  (void) state;
  assert_true (G_TYPE_IS_BOXED (QDMABUF_TYPE_BUFFER));
  assert_true (G_TYPE_IS_BOXED (QDMABUF_TYPE_FRAME));
  assert_true (G_TYPE_IS_BOXED (QDMABUF_TYPE_CURSOR));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_enums),        fds_unit_test (test_flags),
    fds_unit_test (test_error_domain), fds_unit_test (test_display),
    fds_unit_test (test_console),      fds_unit_test (test_converter),
    fds_unit_test (test_boxed_types),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
