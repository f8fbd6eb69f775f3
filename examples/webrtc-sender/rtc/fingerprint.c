/* SPDX-License-Identifier: MIT */
/* Fingerprints of certificates, as RFC 8122 has them: a hash of the DER form. */
#include "rtc/fingerprint.h"

#include <glib.h>
#include <string.h>

static const struct {
  const char *name;
  GChecksumType type;
} hashes[] = {
  { "sha-256", G_CHECKSUM_SHA256 },
  { "sha-384", G_CHECKSUM_SHA384 },
  { "sha-512", G_CHECKSUM_SHA512 },
};

static int
hash_of (const char *fingerprint)
{
  size_t length = strcspn (fingerprint, " ");

  for (unsigned i = 0; i < G_N_ELEMENTS (hashes); i++) {
    if (length == strlen (hashes[i].name) &&
        g_ascii_strncasecmp (fingerprint, hashes[i].name, length) == 0)
      return (int) i;
  }
  return -1;
}

/* "AA:bb" → "aabb"; NULL: not of this many bytes. */
static char *
plain (const char *text, gssize bytes)
{
  g_autofree char *hex = g_malloc ((size_t) bytes * 2 + 1);

  for (gssize i = 0; i < bytes; i++, text += 3) {
    if (!g_ascii_isxdigit (text[0]) || !g_ascii_isxdigit (text[1]) ||
        text[2] != (i + 1 < bytes ? ':' : 0))
      return NULL;
    hex[2 * i] = g_ascii_tolower (text[0]);
    hex[2 * i + 1] = g_ascii_tolower (text[1]);
  }
  hex[2 * bytes] = 0;
  return g_steal_pointer (&hex);
}

static char *
value_of (const char *fingerprint, int hash)
{
  const char *space = strchr (fingerprint, ' ');

  return space ? plain (space + 1, g_checksum_type_get_length (hashes[hash].type)) : NULL;
}

bool
fingerprint_is_known (const char *fingerprint)
{
  int hash = hash_of (fingerprint);
  g_autofree char *value = hash < 0 ? NULL : value_of (fingerprint, hash);

  return value != NULL;
}

static guchar *
der_of (const char *pem, gsize *size)
{
  static const char head[] = "-----BEGIN CERTIFICATE-----";
  const char *start = strstr (pem, head);
  const char *end = start ? strstr (start, "-----END CERTIFICATE-----") : NULL;
  g_autofree char *base64 = NULL;

  if (!end)
    return NULL;
  start += strlen (head);
  base64 = g_strndup (start, (gsize) (end - start));
  return g_base64_decode (base64, size);
}

static bool
matches (const guchar *der, gsize size, const char *fingerprint)
{
  int hash = hash_of (fingerprint);
  g_autofree char *named = hash < 0 ? NULL : value_of (fingerprint, hash);
  g_autofree char *real =
      hash < 0 ? NULL : g_compute_checksum_for_data (hashes[hash].type, der, size);

  return g_strcmp0 (named, real) == 0 && named;
}

bool
fingerprint_match (const char *pem, char *const *fingerprints, unsigned n_fingerprints)
{
  gsize size = 0;
  g_autofree guchar *der = der_of (pem, &size);

  if (!der || size == 0)
    return false;
  for (unsigned i = 0; i < n_fingerprints; i++) {
    if (matches (der, size, fingerprints[i]))
      return true;
  }
  return false;
}
