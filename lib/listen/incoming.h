/* SPDX-License-Identifier: MIT */
/* One message after the other off a socket, and never a byte of the next: what is not read waits in
 * the kernel, where it holds the peer back, and file descriptors belong to the message with whose
 * bytes they came. */
#pragma once

#include <gio/gio.h>

#include "buffer/fdset.h"
#include "listen/block.h"
#include "listen/message.h"

enum incoming_state {
  INCOMING_MESSAGE, /* one is whole; incoming_next before the next read */
  INCOMING_NOTHING, /* the socket has nothing more now */
  INCOMING_PART,    /* there may be more, but a peer that sends little at a time could go on so for
                     * hours: whoever reads looks up and comes back */
  INCOMING_END,     /* with an error */
};

/* Set by incoming_read, to be read by all when a message is whole. */
struct incoming {
  int fd;
  struct blocks *blocks;
  size_t got; /* bytes of this message */
  struct message message;
  const uint8_t *body; /* never NULL */
  struct block *block; /* that it lies in; NULL where it is empty */
  unsigned n_fds;      /* that came with the message, but for surplus_fds */
  struct fdset fds;    /* the first of them; the others were closed at once */
  bool lost_fds;       /* more were sent than this process may have */
  bool surplus_fds;    /* more were sent than any call has; some never came */
  uint8_t fixed[MESSAGE_FIXED];
  uint8_t fields[MESSAGE_MAX_FIELDS] __attribute__ ((aligned (8)));
};

struct incoming *incoming_new (int fd); /* lent, a socket; it is not waited for */
void incoming_free (struct incoming *incoming);
/* Errors: CLOSED, PROTOCOL, LIMIT. */
enum incoming_state incoming_read (struct incoming *incoming, GError **error);
/* Drops the message: closes its fds, and gives its block up. */
void incoming_next (struct incoming *incoming);
