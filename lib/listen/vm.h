/* SPDX-License-Identifier: MIT */
/* What a QEMU says about itself: its name, its UUID and its consoles. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

#include "listen/connection.h"
#include "listen/peer.h"

/* QEMU has one for each head; far more are a lie. */
#define VM_MAX_CONSOLES 64u

struct vm {
  char *bus_name;   /* unique name; NULL on a private connection */
  char *name;       /* never NULL once it answered; may be empty */
  char *uuid;       /* likewise */
  GArray *consoles; /* struct peer_console, by index */
  GError *error;    /* set: it did not answer, or is no display */
};

/* Asks each of the bus names (NULL: the private connection's one) at the same time, and waits at
 * most deadline_answer_ms for all. Result: struct vm, in that order. Thread: the one that may run
 * the connection's context. NULL: cancelled. */
GPtrArray *vm_query (struct connection *connection, const char *const *bus_names, unsigned n,
                     GCancellable *cancellable, GError **error);
/* Asks one VM, without waiting: told is called in the context, at most deadline_answer_ms later,
 * and takes vm. */
void vm_ask (struct connection *connection, const char *bus_name,
             void (*told) (void *data, struct vm *vm), void *data);
/* Adds a copy behind the others, which are not moved while there are VM_MAX_CONSOLES at most. */
void vm_add_console (struct vm *vm, const struct peer_console *console);
/* The unique names behind org.qemu, the owner first. Full transfer. Errors: NOT_FOUND: nobody;
 * CONNECT. */
GStrv vm_list_names (struct connection *connection, GCancellable *cancellable, GError **error);
/* The one of vms that wanted (name, UUID, unique bus name; NULL: the only one) means; lent. Errors:
 * NOT_FOUND, AMBIGUOUS, or why that one did not answer. */
struct vm *vm_choose (GPtrArray *vms, const char *wanted, GError **error);
/* Takes what properties of one of the console's interfaces say of its devices. */
void vm_read_devices (struct peer_devices *devices, const char *interface, GVariant *properties);
/* a{sv} with name, uuid, bus-name, consoles. Floating. */
GVariant *vm_to_variant (const struct vm *vm);
void vm_free (struct vm *vm);
