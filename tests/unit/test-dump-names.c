/* SPDX-License-Identifier: MIT */
/* Names of output files: patterns that are no formats, and names from VMs that are not trusted. */
#include "support/fds.h"

#include <string.h>

#include "dump/names.h"

static void
assert_expands (const char *text, unsigned number, const char *expected)
{
  struct name_pattern pattern;
  g_autoptr (GError) error = NULL;

  assert_true (name_pattern_parse (text, &pattern, &error));
  g_autofree char *name = name_pattern_expand (&pattern, number);
  assert_string_equal (name, expected);
  name_pattern_clear (&pattern);
}

static void
assert_refused (const char *text)
{
  struct name_pattern pattern;
  g_autoptr (GError) error = NULL;

  assert_false (name_pattern_parse (text, &pattern, &error));
  assert_true (g_error_matches (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE));
  assert_non_null (strstr (error->message, text));
}

static void
test_patterns (void **state)
{
  (void) state;
  assert_expands ("a.png", 7, "a.png");
  assert_expands ("a-%d.png", 7, "a-7.png");
  assert_expands ("a-%04d.png", 7, "a-0007.png");
  assert_expands ("%09d", 123, "000000123");
  assert_expands ("%02d.png", 12345, "12345.png");
  assert_expands ("100%%-%d", 3, "100%-3");
  assert_expands ("%d-100%%", 3, "3-100%");
  assert_expands ("%%d", 3, "%d");
  assert_expands ("\xff\xfe-%d", 3, "\xff\xfe-3");
}

static void
test_refused_patterns (void **state)
{
  (void) state;
  assert_refused ("%");
  assert_refused ("a%");
  assert_refused ("%s.png");
  assert_refused ("%n");
  assert_refused ("%d-%d.png");
  assert_refused ("%04d%04d");
  assert_refused ("%4d");
  assert_refused ("%00d");
  assert_refused ("%010d");
  assert_refused ("%0");
  assert_refused ("%04");
  assert_refused ("%-4d");
  assert_refused ("%ld");
  assert_refused ("%*d");
  assert_refused ("% d");
  assert_refused ("100%.png");
}

static void
test_numbered (void **state)
{
  struct name_pattern pattern;

  (void) state;
  assert_true (name_pattern_parse ("a-%%.png", &pattern, NULL));
  assert_false (pattern.numbered);
  name_pattern_clear (&pattern);
  assert_true (name_pattern_parse ("%d", &pattern, NULL));
  assert_true (pattern.numbered);
  name_pattern_clear (&pattern);
}

static char *
default_name (const char *vm, bool numbered)
{
  struct name_pattern pattern;
  char *name = NULL;

  name_pattern_default (vm, 2, "png", numbered, &pattern);
  name = name_pattern_expand (&pattern, 5);
  name_pattern_clear (&pattern);
  return name;
}

static void
assert_default (const char *vm, bool numbered, const char *expected)
{
  g_autofree char *name = default_name (vm, numbered);

  assert_string_equal (name, expected);
}

static void
test_default (void **state)
{
  (void) state;
  assert_default ("debian", false, "qemu-debian-2.png");
  assert_default ("debian", true, "qemu-debian-2-0005.png");
  assert_default ("", false, "qemu-vm-2.png");
  assert_default (NULL, false, "qemu-vm-2.png");
  assert_default ("../../etc/passwd", false, "qemu-.._.._etc_passwd-2.png");
  assert_default ("a\nb\x1b[31m\x7f", false, "qemu-a_b_[31m_-2.png");
  assert_default ("%n%s%04d", true, "qemu-%n%s%04d-2-0005.png");
  assert_default ("M\xc3\xbcller", false, "qemu-M\xc3\xbcller-2.png");
  assert_default ("\xc2\x9b", false, "qemu-_-2.png"); /* a control character of two bytes */
}

static void
test_default_is_short (void **state)
{
  g_autofree char *vm = g_strnfill (5000, 'x');
  g_autofree char *name = default_name (vm, true);

  (void) state;
  assert_true (strlen (name) < 255);
  assert_true (g_str_has_suffix (name, "-2-0005.png"));
}

static void
test_copy (void **state)
{
  struct name_pattern pattern;
  struct name_pattern copy;

  (void) state;
  assert_true (name_pattern_parse ("x-%03d.y", &pattern, NULL));
  name_pattern_copy (&pattern, &copy);
  name_pattern_clear (&pattern);
  g_autofree char *name = name_pattern_expand (&copy, 4);
  assert_string_equal (name, "x-004.y");
  name_pattern_clear (&copy);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_patterns),         fds_unit_test (test_refused_patterns),
    fds_unit_test (test_numbered),         fds_unit_test (test_default),
    fds_unit_test (test_default_is_short), fds_unit_test (test_copy),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
