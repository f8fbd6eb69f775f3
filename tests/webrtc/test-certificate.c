/* SPDX-License-Identifier: MIT */
/* Certificates of our own making, and those from files. */
#include "support/fds.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "http/certificate.h"

static char *folder, *kept;

static int
set_up (void **state)
{
  g_autofree char *top = g_dir_make_tmp ("test-certificate-XXXXXX", NULL);

  folder = g_build_filename (top, "made", "by itself", NULL);
  kept = g_build_filename (folder, "self-signed.pem", NULL);
  return fds_remember (state);
}

static int
tear_down (void **state)
{
  g_autofree char *middle = g_path_get_dirname (folder);
  g_autofree char *top = g_path_get_dirname (middle);

  g_unlink (kept);
  g_rmdir (folder);
  g_rmdir (middle);
  assert_int_equal (g_rmdir (top), 0);
  g_free (folder);
  g_free (kept);
  return fds_check (state);
}

static GTlsCertificate *
get (const char *first, const char *second)
{
  const char *const names[] = { first, second, NULL };
  g_autoptr (GError) error = NULL;
  GTlsCertificate *certificate = certificate_self_signed (folder, names, &error);

  assert_null (error);
  assert_non_null (certificate);
  return certificate;
}

/* What a client would say of it that knows it: nothing, if it is for that name. */
static GTlsCertificateFlags
verify (GTlsCertificate *certificate, const char *name)
{
  g_autoptr (GSocketConnectable) identity = g_network_address_new (name, 443);

  return g_tls_certificate_verify (certificate, identity, certificate);
}

static void
test_kept (void **state)
{
  g_autoptr (GTlsCertificate) first = get ("192.168.7.5", "vm-host");
  g_autoptr (GTlsCertificate) second = get ("192.168.7.5", "vm-host");
  g_autofree char *a = certificate_fingerprint (first);
  g_autofree char *b = certificate_fingerprint (second);
  GStatBuf info;

  (void) state;
  assert_string_equal (a, b);
  assert_int_equal (strlen (a), 32 * 3 - 1);
  assert_int_equal (g_stat (kept, &info), 0);
  assert_int_equal (info.st_mode & 0777, 0600);
  assert_int_equal (verify (first, "192.168.7.5"), 0);
  assert_int_equal (verify (first, "vm-host"), 0);
  assert_int_not_equal (verify (first, "192.168.7.6"), 0);
}

static void
test_made_anew (void **state)
{
  g_autoptr (GTlsCertificate) first = get ("192.168.7.5", NULL);
  g_autoptr (GTlsCertificate) other = get ("192.168.7.6", NULL);
  g_autofree char *a = certificate_fingerprint (first);
  g_autofree char *b = certificate_fingerprint (other);

  (void) state;
  assert_string_not_equal (a, b);
  assert_int_equal (verify (other, "192.168.7.6"), 0);
  assert_true (g_file_set_contents (kept, "garbage", -1, NULL));
  g_autoptr (GTlsCertificate) again = get ("192.168.7.6", NULL);
  assert_int_equal (verify (again, "192.168.7.6"), 0);
  /* An IPv6 address too. */
  g_autoptr (GTlsCertificate) six = get ("::1", NULL);
  assert_int_equal (verify (six, "::1"), 0);
}

static void
test_rights_are_restored (void **state)
{
  g_autoptr (GTlsCertificate) first = get ("192.168.7.5", NULL);
  GStatBuf info;

  (void) state;
  g_chmod (kept, 0644);
  g_autoptr (GTlsCertificate) second = get ("192.168.7.5", NULL);
  assert_int_equal (g_stat (kept, &info), 0);
  assert_int_equal (info.st_mode & 0777, 0600);
}

static void
test_files (void **state)
{
  g_autoptr (GTlsCertificate) first = get ("192.168.7.5", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *other = g_build_filename (folder, "other.pem", NULL);
  g_autofree char *text = NULL;

  (void) state;
  g_autoptr (GTlsCertificate) loaded = certificate_load (kept, kept, &error);
  assert_non_null (loaded);
  assert_true (g_tls_certificate_is_same (loaded, first));

  assert_true (g_file_get_contents (kept, &text, NULL, NULL));
  assert_true (g_file_set_contents (other, text, -1, NULL));
  g_autoptr (GTlsCertificate) second = get ("192.168.7.6", NULL);
  assert_null (certificate_load (kept, other, &error));
  assert_non_null (strstr (error->message, "the key is not that of the certificate"));
  assert_non_null (strstr (error->message, other));
  g_clear_error (&error);

  assert_true (g_file_set_contents (other, "no PEM", -1, NULL));
  assert_null (certificate_load (other, kept, &error));
  assert_non_null (strstr (error->message, "certificate cannot be read"));
  g_clear_error (&error);
  assert_null (certificate_load (kept, other, &error));
  assert_non_null (strstr (error->message, "key cannot be read"));
  g_clear_error (&error);
  g_unlink (other);
  assert_null (certificate_load (kept, other, &error));
  assert_non_null (strstr (error->message, other));
}

/* A folder where nothing can be kept is an error, not a certificate that is new each time. */
static void
test_cannot_be_kept (void **state)
{
  const char *const names[] = { "::1", NULL };
  g_autoptr (GError) error = NULL;

  (void) state;
  assert_null (certificate_self_signed ("/proc/nowhere", names, &error));
  assert_non_null (strstr (error->message, "/proc/nowhere"));
}

#define with_folder(f) cmocka_unit_test_setup_teardown (f, set_up, tear_down)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    with_folder (test_kept),
    with_folder (test_made_anew),
    with_folder (test_rights_are_restored),
    with_folder (test_files),
    fds_unit_test (test_cannot_be_kept),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
