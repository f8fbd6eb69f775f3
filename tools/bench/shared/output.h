/* SPDX-License-Identifier: MIT */
/* What stdout is for, and where the JSON goes that a measurement ends with. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

#define OUTPUT_SCHEMA "qdmabuf-bench/1"

struct output;

/* json: a file, which is opened at once, so that nobody measures for minutes and then cannot write,
 * and which keeps what it holds until output_finish (), or is gone again if there was none; "-" for
 * stdout in place of the table; or NULL. The table begins here, with what the machine is. Error:
 * G_IO_ERROR, of stdout too. */
struct output *output_new (const char *json, GError **error);
/* Without writing anything. Of NULL too. */
void output_free (struct output *output);
/* Whether the table is to be printed. */
bool output_has_table (const struct output *output);
/* Could a line of the table not be written? */
bool output_is_lost (const struct output *output);
/* Does nobody wait for more, because of that or of a signal? */
bool output_is_over (const struct output *output);
/* Writes report, which is sunk, adding "schema", "version", "library" and "host" to it, and frees
 * output. any: something was measured; else nothing is written, and an old file stays.
 * Error: G_IO_ERROR. */
bool output_finish (struct output *output, bool any, GVariant *report, GError **error);
