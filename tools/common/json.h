/* SPDX-License-Identifier: MIT */
/* JSON output: a GVariant, printed. */
#pragma once

#include <glib.h>

/* a{s*} becomes an object with its keys sorted, other arrays and tuples an array, variants what
 * they hold, numbers and strings themselves. Control characters are escaped, those that JSON would
 * allow too: names of VMs are not trusted and this may end on a terminal. Two spaces a level, no
 * line feed at the end. Sinks a floating value. Full transfer. */
char *json_from_variant (GVariant *value);
/* The same and a line feed, to stdout. */
void json_print (GVariant *value);
