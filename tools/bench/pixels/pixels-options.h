/* SPDX-License-Identifier: MIT */
/* The command line of `pixels`, checked. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct pixels_options {
  GArray *sizes; /* struct size, at least one */
  char *filter;  /* NULL: everything */
  unsigned pairs;
  bool bars;
  char *json; /* NULL: none; "-": stdout, and no table */
};

/* Takes argv from the subcommand's name on. Exits with 0 after --help. Error: G_OPTION_ERROR, one
 * sentence. */
bool pixels_options_parse (struct pixels_options *options, int argc, char **argv, GError **error);
void pixels_options_clear (struct pixels_options *options);
