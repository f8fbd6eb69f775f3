/* SPDX-License-Identifier: MIT */
/* The command line, checked. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "names.h"
#include "writer.h"

enum action { ACTION_DUMP, ACTION_LIST, ACTION_DOCTOR, ACTION_VERSION };

struct options {
  enum action action;
  char *address; /* NULL: the session bus */
  char *vm;      /* name or UUID; NULL: the only one there */
  unsigned console;
  unsigned count;              /* frames, at least 1 */
  char *output;                /* NULL: a name made from the VM's; "-": stdout */
  struct name_pattern pattern; /* of output, where that is neither NULL nor "-" */
  const struct writer_ops *writer;
  bool every;
  unsigned fps;                           /* 0: not given */
  char *modifier, *backend, *render_node; /* NULL: the library's default */
  bool cursor;
  bool map;       /* offer shared memory maps to QEMU */
  double timeout; /* seconds */
  char *qemu;     /* the QEMU that --doctor looks at; NULL: the one in PATH */
  bool json;
  bool quiet;
};

/* Takes the program's argv. Exits with 0 after --help. Error: G_OPTION_ERROR, one sentence. */
bool options_parse (struct options *options, int argc, char **argv, GError **error);
void options_clear (struct options *options);
/* µs of CLOCK_MONOTONIC, from now. */
gint64 options_deadline (const struct options *options);
