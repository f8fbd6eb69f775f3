/* SPDX-License-Identifier: MIT */
/* The command line of qdmabuf-webrtc. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "media/codec.h"

struct options {
  char *address, *vm;   /* of the VM; NULL: the only one of the session bus */
  char **qemu;          /* a QEMU to start, with its arguments; NULL: none */
  char *listen_address; /* an IP address */
  guint16 port;         /* 0: a free one */
  int codec;            /* enum codec; -1: what the viewer likes best */
  char *encoder;        /* nullable */
  unsigned kbit, fps;
  enum chroma chroma;
  int console; /* -1: all */
  bool view_only, insecure, self_signed, quiet, version;
  char *token;                     /* for control; NULL: nobody needs one */
  char *view_token;                /* for watching; NULL with token */
  char *tls_certificate, *tls_key; /* both or none */
  char *stun;                      /* nullable */
  char **turn, **origins;          /* nullable */
  unsigned viewers, sessions_per_minute;
  char *whip, *whip_token; /* nullable */
  char *stats_log;         /* nullable */
};

/* False: *error says what cannot be meant. options is to be cleared in any case. */
bool options_parse (struct options *options, int argc, char **argv, GError **error);
void options_clear (struct options *options);
/* Whether the address is this machine's own. */
bool options_on_loopback (const struct options *options);
/* Whether it stands for all addresses of this machine. */
bool options_on_any (const struct options *options);
