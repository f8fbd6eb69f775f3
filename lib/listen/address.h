/* SPDX-License-Identifier: MIT */
/* What a user may write to say where a VM is. */
#pragma once

#include <gio/gio.h>

enum address_kind {
  ADDRESS_BUS,     /* text: a D-Bus address of a message bus */
  ADDRESS_SESSION, /* the session bus */
  ADDRESS_SYSTEM,  /* the system bus */
  ADDRESS_FD,      /* fd: a connected Unix socket with a VM at its other end */
  ADDRESS_QMP,     /* text: path of a QMP socket, asked for a private connection */
};

struct address {
  enum address_kind kind;
  char *text; /* nullable, owned */
  int fd;     /* owned, CLOEXEC; -1 unless ADDRESS_FD */
};

#define ADDRESS_NONE ((struct address){ .fd = -1 })

/* text: a D-Bus address, "session", "system", "fd:N" (N is duplicated, the caller keeps it),
 * "qmp:PATH", or NULL for the session bus. On failure *address is ADDRESS_NONE. Error:
 * INVALID_ARGUMENT. */
gboolean address_parse (const char *text, struct address *address, GError **error);
/* fd: any socket of the caller, duplicated. Error: INVALID_ARGUMENT. */
gboolean address_from_fd (int fd, struct address *address, GError **error);
/* The fd, which the caller owns from now on. */
int address_steal_fd (struct address *address);
void address_clear (struct address *address);
/* For messages: "the session bus", "qmp:/run/vm.sock". Full transfer. */
char *address_describe (const struct address *address);
