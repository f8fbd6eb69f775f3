/* SPDX-License-Identifier: MIT */
/* Is this DTLS certificate the one that the peer's description named? webrtcbin does not ask before
 * 1.28.5, so that whoever is in between could be the peer. */
#pragma once

#include <stdbool.h>

/* fingerprint: "sha-256 AA:BB:…": a hash that is trusted (SHA-256, -384, -512), and of its length? */
bool fingerprint_is_known (const char *fingerprint);
/* pem: one certificate. It matches one of them. Anything malformed does not. */
bool fingerprint_match (const char *pem, char *const *fingerprints, unsigned n_fingerprints);
