/* SPDX-License-Identifier: MIT */
/* The client's part of the authentication that comes before the first message: lines in, lines out,
 * no socket. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stddef.h>

/* Bytes of a line with its end; a server's longest lists the ways to authenticate. */
#define SASL_MAX_LINE 512u

enum sasl_state {
  SASL_CLAIM,  /* who we are was said */
  SASL_NOBODY, /* that was rejected: the kernel shall say it */
  SASL_FDS,    /* we are believed; asked to pass file descriptors */
  SASL_DONE,   /* messages may begin, in both directions */
};

struct sasl {
  enum sasl_state state;
  bool data_sent;           /* SASL_NOBODY: the server asked for data, and got none */
  char line[SASL_MAX_LINE]; /* the line that is being read */
  size_t length;            /* of it so far */
  char out[64];             /* to be sent before anything else is read */
  size_t n_out;             /* bytes of it; the first one of all is a NUL */
};

/* uid: whom we claim to be. Sets what is to be sent first. */
void sasl_start (struct sasl *sasl, unsigned uid);
/* One byte after the other, as none behind the last line is the authentication's. Sets what is to
 * be sent now. Errors: CONNECT. */
bool sasl_feed (struct sasl *sasl, char byte, GError **error);
