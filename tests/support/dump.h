/* SPDX-License-Identifier: MIT */
/* qdmabuf-dump, run as a user runs it. */
#pragma once

#include <glib.h>

struct dump {
  int status;    /* its exit code */
  char *message; /* what it said on stderr */
  char *output;  /* and on stdout */
};

/* Arguments up to NULL. */
struct dump dump_run (const char *first, ...) G_GNUC_NULL_TERMINATED;
void dump_clear (struct dump *dump);
/* Fails the test with the tool's own words unless it ended with status. */
void assert_dump_status (const struct dump *dump, int status);
