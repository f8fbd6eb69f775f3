/* SPDX-License-Identifier: MIT */
/* The server's certificate: from files, or one of our own making that is made once and kept. */
#pragma once

#include <gio/gio.h>

/* Errors: a file cannot be read, or key and certificate do not belong together; one sentence that
 * names the file. */
GTlsCertificate *
certificate_load (const char *certificate_path, const char *key_path, GError **error);
/* Signed by itself, for these addresses and names (NULL-terminated, at least one). Kept in folder,
 * which is made if need be, in a file that only its owner can read; made anew when it does not
 * cover a name or has less than a month left. */
GTlsCertificate *
certificate_self_signed (const char *folder, const char *const *names, GError **error);
/* SHA-256, as browsers show it: "AB:CD:…". Full transfer. */
char *certificate_fingerprint (GTlsCertificate *certificate);
