/* SPDX-License-Identifier: MIT */
/* Certificates by GnuTLS, kept as PEM: the key first, then the certificate. */
#include "http/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME "self-signed.pem"
#define DAY_S (24 * 60 * 60)
#define LIFE_DAYS 3650
#define RENEW_DAYS 30
#define SERIAL_BYTES 16

G_DEFINE_AUTO_CLEANUP_FREE_FUNC (gnutls_x509_crt_t, gnutls_x509_crt_deinit, NULL)
G_DEFINE_AUTO_CLEANUP_FREE_FUNC (gnutls_x509_privkey_t, gnutls_x509_privkey_deinit, NULL)

static bool
good (int code, const char *what, GError **error)
{
  if (code >= 0)
    return true;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", what, gnutls_strerror (code));
  return false;
}

static gnutls_datum_t
datum (const char *text)
{
  return (gnutls_datum_t){ .data = (unsigned char *) text, .size = (unsigned) strlen (text) };
}

/* Whether the key is that of the certificate. GIO loads both without looking. */
static bool
belong_together (const char *certificate_pem, const char *key_pem, GError **error)
{
  g_auto (gnutls_x509_crt_t) certificate = NULL;
  g_auto (gnutls_x509_privkey_t) key = NULL;
  gnutls_datum_t certificate_data = datum (certificate_pem), key_data = datum (key_pem);
  uint8_t ids[2][64];
  size_t sizes[2] = { sizeof ids[0], sizeof ids[1] };

  gnutls_x509_crt_init (&certificate);
  gnutls_x509_privkey_init (&key);
  if (!good (gnutls_x509_crt_import (certificate, &certificate_data, GNUTLS_X509_FMT_PEM),
             "the certificate cannot be read", error) ||
      !good (gnutls_x509_privkey_import2 (key, &key_data, GNUTLS_X509_FMT_PEM, NULL, 0),
             "the key cannot be read", error) ||
      !good (gnutls_x509_crt_get_key_id (certificate, 0, ids[0], &sizes[0]), "the certificate",
             error) ||
      !good (gnutls_x509_privkey_get_key_id (key, 0, ids[1], &sizes[1]), "the key", error))
    return false;
  if (sizes[0] == sizes[1] && memcmp (ids[0], ids[1], sizes[0]) == 0)
    return true;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                       "the key is not that of the certificate");
  return false;
}

GTlsCertificate *
certificate_load (const char *certificate_path, const char *key_path, GError **error)
{
  g_autofree char *certificate_pem = NULL;
  g_autofree char *key_pem = NULL;
  GTlsCertificate *certificate = NULL;

  if (!g_file_get_contents (certificate_path, &certificate_pem, NULL, error) ||
      !g_file_get_contents (key_path, &key_pem, NULL, error))
    return NULL;
  if (belong_together (certificate_pem, key_pem, error))
    certificate = g_tls_certificate_new_from_files (certificate_path, key_path, error);
  if (!certificate)
    g_prefix_error (error, "%s and %s: ", certificate_path, key_path);
  return certificate;
}

/* ---- our own ---- */

static bool
covers (gnutls_x509_crt_t certificate, const char *name)
{
  return gnutls_x509_crt_check_hostname (certificate, name) != 0;
}

/* Whether what was kept still serves. */
static bool
serves (const char *pem, const char *const *names)
{
  g_auto (gnutls_x509_crt_t) certificate = NULL;
  gnutls_datum_t data = datum (pem);

  gnutls_x509_crt_init (&certificate);
  if (gnutls_x509_crt_import (certificate, &data, GNUTLS_X509_FMT_PEM) < 0)
    return false;
  for (const char *const *name = names; *name; name++) {
    if (!covers (certificate, *name))
      return false;
  }
  return gnutls_x509_crt_get_expiration_time (certificate) > time (NULL) + RENEW_DAYS * DAY_S;
}

static int
add_name (gnutls_x509_crt_t certificate, const char *name)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (name);

  if (!address)
    return gnutls_x509_crt_set_subject_alt_name (certificate, GNUTLS_SAN_DNSNAME, name,
                                                 (unsigned) strlen (name), GNUTLS_FSAN_APPEND);
  return gnutls_x509_crt_set_subject_alt_name (
      certificate, GNUTLS_SAN_IPADDRESS, g_inet_address_to_bytes (address),
      (unsigned) g_inet_address_get_native_size (address), GNUTLS_FSAN_APPEND);
}

static int
add_names (gnutls_x509_crt_t certificate, const char *const *names)
{
  int code = 0;

  for (const char *const *name = names; *name && code >= 0; name++)
    code = add_name (certificate, *name);
  return code;
}

/* What a browser wants of a server's certificate. */
static bool
fill (gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key, const char *const *names,
      GError **error)
{
  static const char common_name[] = "qdmabuf-webrtc";
  uint8_t serial[SERIAL_BYTES];
  time_t now = time (NULL);

  gnutls_rnd (GNUTLS_RND_NONCE, serial, sizeof serial);
  serial[0] &= 0x7f; /* a positive number */
  const int codes[] = {
    gnutls_x509_crt_set_version (certificate, 3),
    gnutls_x509_crt_set_serial (certificate, serial, sizeof serial),
    gnutls_x509_crt_set_activation_time (certificate, now - DAY_S),
    gnutls_x509_crt_set_expiration_time (certificate, now + (time_t) LIFE_DAYS * DAY_S),
    gnutls_x509_crt_set_dn_by_oid (certificate, GNUTLS_OID_X520_COMMON_NAME, 0, common_name,
                                   (unsigned) strlen (common_name)),
    gnutls_x509_crt_set_basic_constraints (certificate, 0, -1),
    gnutls_x509_crt_set_key_usage (certificate, GNUTLS_KEY_DIGITAL_SIGNATURE),
    gnutls_x509_crt_set_key_purpose_oid (certificate, GNUTLS_KP_TLS_WWW_SERVER, 0),
    gnutls_x509_crt_set_key (certificate, key),
    add_names (certificate, names),
    gnutls_x509_crt_sign2 (certificate, certificate, key, GNUTLS_DIG_SHA256, 0),
  };
  for (size_t i = 0; i < G_N_ELEMENTS (codes); i++) {
    if (!good (codes[i], "no certificate can be made", error))
      return false;
  }
  return true;
}

static char *
take_pem (gnutls_datum_t *data)
{
  char *text = g_strndup ((const char *) data->data, data->size);

  gnutls_free (data->data);
  return text;
}

/* Key and certificate, one after the other. Full transfer. */
static char *
make (const char *const *names, GError **error)
{
  g_auto (gnutls_x509_crt_t) certificate = NULL;
  g_auto (gnutls_x509_privkey_t) key = NULL;
  gnutls_datum_t key_data = { 0 }, certificate_data = { 0 };
  unsigned bits = GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1);

  gnutls_x509_crt_init (&certificate);
  gnutls_x509_privkey_init (&key);
  if (!good (gnutls_x509_privkey_generate (key, GNUTLS_PK_ECDSA, bits, 0), "no key can be made",
             error) ||
      !fill (certificate, key, names, error))
    return NULL;
  gnutls_x509_privkey_export2_pkcs8 (key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &key_data);
  gnutls_x509_crt_export2 (certificate, GNUTLS_X509_FMT_PEM, &certificate_data);
  g_autofree char *key_pem = take_pem (&key_data);
  g_autofree char *certificate_pem = take_pem (&certificate_data);
  return g_strconcat (key_pem, certificate_pem, NULL);
}

static bool
keep (const char *folder, const char *path, const char *pem, GError **error)
{
  if (g_mkdir_with_parents (folder, 0700) < 0) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "%s cannot be made: %s", folder,
                 g_strerror (errno));
    return false;
  }
  return g_file_set_contents_full (path, pem, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

GTlsCertificate *
certificate_self_signed (const char *folder, const char *const *names, GError **error)
{
  g_autofree char *path = g_build_filename (folder, FILE_NAME, NULL);
  g_autofree char *pem = NULL;
  bool kept = g_file_get_contents (path, &pem, NULL, NULL);

  if (kept && serves (pem, names) && belong_together (pem, pem, NULL)) {
    /* It may have been copied or restored with other rights. */
    g_chmod (path, 0600);
  } else {
    g_free (pem);
    pem = make (names, error);
    if (!pem || !keep (folder, path, pem, error))
      return NULL;
  }
  return g_tls_certificate_new_from_pem (pem, -1, error);
}

char *
certificate_fingerprint (GTlsCertificate *certificate)
{
  g_autoptr (GByteArray) der = NULL;
  GString *out = g_string_new (NULL);

  g_object_get (certificate, "certificate", &der, NULL);
  g_autofree char *hex = g_compute_checksum_for_data (G_CHECKSUM_SHA256, der->data, der->len);
  for (const char *p = hex; *p; p += 2)
    g_string_append_printf (out, "%s%c%c", p == hex ? "" : ":", g_ascii_toupper (p[0]),
                            g_ascii_toupper (p[1]));
  return g_string_free (out, FALSE);
}
