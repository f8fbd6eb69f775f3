/* SPDX-License-Identifier: MIT */
/* The little of JSON that three QMP commands need: where an object ends, and the value of one of
 * its keys. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* A piece of text that belongs to somebody else. */
struct span {
  const char *text; /* not terminated; NULL: nothing found */
  size_t length;    /* bytes */
};

/* Bytes of the first object in text, blanks before it included; 0: it is not complete yet. *broken:
 * what is there can never become one (it begins with something else, or it is nested too deeply).
 */
size_t qmp_message_length (const char *text, size_t length, bool *broken);
/* The value of key in the object itself, not in those inside it; text NULL where there is none. */
struct span qmp_message_find (struct span object, const char *key);
/* Such a value as text: escapes resolved, control characters and invalid UTF-8 replaced, at most
 * 500 bytes; NULL where it is no string. Full transfer. */
char *qmp_message_string (struct span value);
