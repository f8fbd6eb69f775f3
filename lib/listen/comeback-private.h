/* SPDX-License-Identifier: MIT */
/* What the files of the comeback share: comeback.c (waiting), comeback-socket.c (behind a QMP
 * socket), comeback-bus.c. */
#pragma once

#include <stdatomic.h>
#include <sys/stat.h>

#include "listen/address.h"
#include "listen/comeback.h"

/* Between tries, ms: doubled from the first to the last. */
#define COMEBACK_FIRST_MS 50
#define COMEBACK_LAST_MS 1000

/* Which socket it is: one that a new QEMU made at the same path is another one. */
struct socket_id {
  dev_t device;
  ino_t inode; /* 0: there is none */
  struct timespec changed;
};

struct comeback {
  char *text; /* the address */
  char *vm;   /* asked for; nullable */
  struct address address;
  char *name, *uuid; /* as it was; nullable until remembered */
  GMainContext *context;
  atomic_bool news;        /* any thread: look again */
  atomic_bool needed;      /* any thread */
  struct socket_id served; /* the socket whose QEMU we had last */
  unsigned spent;          /* how often that one's connection was taken back */
};

/* Until there is news or that time has come (µs of CLOCK_MONOTONIC; INT64_MAX: none). Runs the
 * context. */
void comeback_sleep (struct comeback *comeback, int64_t until);
void comeback_tell (struct comeback *comeback);
struct socket_id socket_id_of (const char *path);
struct peer *comeback_wait_socket (struct comeback *comeback, GCancellable *cancellable);
struct peer *comeback_wait_bus (struct comeback *comeback, GCancellable *cancellable);
