/* SPDX-License-Identifier: MIT */
/* A session description as lines. Whatever the bytes are, this much holds of them afterwards: each
 * line is one letter, "=", and printable text. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "rtc/sdp.h"

/* The lines of one part: those before the first m=, or an m= line and what follows it. */
struct sdp_part {
  char **lines; /* of struct sdp_lines */
  unsigned n;
};

struct sdp_lines {
  char **all; /* NULL-terminated */
  struct sdp_part session;
  struct sdp_part sections[SDP_MAX_SECTIONS];
  unsigned n_sections;
};

/* Errors: OFFER; then nothing is to be freed. */
bool sdp_lines_split (struct sdp_lines *lines, const char *text, GError **error);
void sdp_lines_clear (struct sdp_lines *lines);

/* What follows "a=name:" in the first such line from *from on ("" for "a=name"), or NULL. *from moves
 * behind it. from: NULL: the first. */
const char *sdp_part_find (const struct sdp_part *part, const char *name, unsigned *from);
/* "a=name". */
bool sdp_part_has (const struct sdp_part *part, const char *name);
/* All of 1 to max characters, each a letter, a digit or one of others. */
bool sdp_is_word (const char *text, size_t max, const char *others);
/* "12" or "12 …" → 12; -1: no number from 0 to max there. */
int sdp_number (const char *text, int max);
/* Sets OFFER and returns false. */
bool sdp_refuse (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);
