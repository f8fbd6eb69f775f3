/* SPDX-License-Identifier: MIT */
/* JSON output: types, nesting, and strings of people who mean no good. */
#include "support/fds.h"

#include <locale.h>
#include <math.h>

#include "common/json.h"

static void
assert_json (GVariant *value, const char *expected)
{
  g_autofree char *text = json_from_variant (value);

  assert_string_equal (text, expected);
}

static void
test_scalars (void **state)
{
  (void) state;
  assert_json (g_variant_new_boolean (TRUE), "true");
  assert_json (g_variant_new_boolean (FALSE), "false");
  assert_json (g_variant_new_byte (200), "200");
  assert_json (g_variant_new_int16 (-5), "-5");
  assert_json (g_variant_new_uint16 (65535), "65535");
  assert_json (g_variant_new_int32 (G_MININT32), "-2147483648");
  assert_json (g_variant_new_uint32 (G_MAXUINT32), "4294967295");
  assert_json (g_variant_new_int64 (G_MININT64), "-9223372036854775808");
  assert_json (g_variant_new_uint64 (G_MAXUINT64), "18446744073709551615");
  assert_json (g_variant_new_double (1.5), "1.5");
  assert_json (g_variant_new_double (NAN), "null");
  assert_json (g_variant_new_double (INFINITY), "null");
  assert_json (g_variant_new_variant (g_variant_new_uint32 (3)), "3");
  assert_json (g_variant_new_maybe (G_VARIANT_TYPE_UINT32, NULL), "null");
  assert_json (g_variant_new_maybe (NULL, g_variant_new_uint32 (3)), "3");
}

static void
test_strings (void **state)
{
  (void) state;
  assert_json (g_variant_new_string (""), "\"\"");
  assert_json (g_variant_new_string ("a \"b\" \\ /"), "\"a \\\"b\\\" \\\\ /\"");
  assert_json (g_variant_new_string ("x\ny\tz\r\x01\x1f"),
               "\"x\\ny\\u0009z\\u000d\\u0001\\u001f\"");
  assert_json (g_variant_new_string ("\x1b[2J\x7f\xc2\x9b"), "\"\\u001b[2J\\u007f\\u009b\"");
  assert_json (g_variant_new_string ("M\xc3\xbcller \xf0\x9f\x96\xa5"),
               "\"M\xc3\xbcller \xf0\x9f\x96\xa5\"");
}

static void
test_containers (void **state)
{
  (void) state;
  assert_json (g_variant_new_strv (NULL, 0), "[]");
  assert_json (g_variant_new_parsed ("['a', 'b']"), "[\n  \"a\",\n  \"b\"\n]");
  assert_json (g_variant_new_parsed ("@a{sv} {}"), "{}");
  assert_json (g_variant_new_parsed ("{'k\"': <uint32 1>, 'l': <[true]>}"),
               "{\n  \"k\\\"\": 1,\n  \"l\": [\n    true\n  ]\n}");
  assert_json (g_variant_new_parsed ("{'c': 1, 'a': 2, 'b': 3}"),
               "{\n  \"a\": 2,\n  \"b\": 3,\n  \"c\": 1\n}");
  assert_json (g_variant_new_parsed ("(1, 'x')"), "[\n  1,\n  \"x\"\n]");
}

/* A comma for a decimal point would be two numbers. */
static void
test_locale (void **state)
{
  (void) state;
  if (setlocale (LC_ALL, "de_DE.UTF-8") || setlocale (LC_ALL, "fr_FR.UTF-8"))
    assert_json (g_variant_new_double (0.25), "0.25");
  setlocale (LC_ALL, "C");
  assert_json (g_variant_new_double (0.25), "0.25");
  assert_json (g_variant_new_string ("\xc3\xbc"), "\"\xc3\xbc\"");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_scalars),
    fds_unit_test (test_strings),
    fds_unit_test (test_containers),
    fds_unit_test (test_locale),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
