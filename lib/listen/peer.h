/* SPDX-License-Identifier: MIT */
/* The peer: the main connection to one QEMU, its VM and console objects, and everything we call on
 * them. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>

#include "listen/input.h"

/* What the guest has for input, as QEMU says. */
struct peer_devices {
  unsigned leds;        /* of the keyboard: 1 scroll lock, 2 num lock, 4 caps lock */
  bool absolute;        /* the pointer is placed, not moved */
  unsigned touch_slots; /* fingers at one time, at most PEER_MAX_TOUCH_SLOTS; 0: no multi-touch */
};

/* More than any screen has; QEMU has 10. */
#define PEER_MAX_TOUCH_SLOTS HELD_TOUCHES

struct peer_console {
  unsigned index; /* N of Console_N */
  char *label;    /* the texts are never NULL, but may be empty */
  char *type;     /* "Graphic", "Text" */
  unsigned head;
  unsigned width,
      height; /* pixels, as QEMU said when the peer was opened; later ones come as console_size */
  char *device_address;
  struct peer_devices devices; /* likewise as of the opening; later ones come as console_devices */
};

/* Called on the peer's own thread; must not block. All must be set. */
struct peer_handler {
  /* QEMU says a new size, or answers peer_refresh_size. */
  void (*console_size) (void *data, unsigned index, unsigned width, unsigned height);
  /* Something of it is new. */
  void (*console_devices) (void *data, unsigned index, const struct peer_devices *devices);
  /* Input was lost or refused. error: LIMIT (QEMU stays silent; once until it answers) or FAILED
   * (what QEMU says; once a second for each kind of event); lent. */
  void (*console_warning) (void *data, unsigned index, const GError *error);
  /* The VM has another console, or no longer that one; in the order in which QEMU said so. A
   * console whose index another one had before is a new one. */
  void (*console_added) (void *data, const struct peer_console *console); /* lent */
  void (*console_removed) (void *data, unsigned index);
  /* Once, last: the main connection is over. private: it was a p2p connection, so that another
   * client may have taken over while listeners live on. error: CLOSED or PROTOCOL; lent. */
  void (*closed) (void *data, bool private_connection, const GError *error);
};

struct peer;

/* address: a D-Bus address, "session", "system", "fd:N", "qmp:PATH", NULL (session). vm: name, UUID
 * or unique bus name; NULL: the only one there (AMBIGUOUS lists them when there are several).
 * Blocks, honours cancellable; a busy QMP socket is named within 2 s (BUSY). No main loop needed.
 * Errors: INVALID_ARGUMENT, CONNECT, NOT_FOUND, AMBIGUOUS, BUSY, TIMED_OUT (somebody is there and
 * stays silent), CLOSED (it went away meanwhile), LIMIT, G_IO_ERROR_CANCELLED. */
struct peer *
peer_open (const char *address, const char *vm, GCancellable *cancellable, GError **error);
/* fd: a connected socket; duplicated. */
struct peer *peer_open_fd (int fd, GCancellable *cancellable, GError **error);
/* aa{sv}: "name" s, "uuid" s, "bus-name" s, "consoles" au. Floating. A QEMU that does not answer is
 * left out. By "qmp:" or "fd:" it is one VM, and asking takes its private connection over from
 * whoever had it. */
GVariant *peer_list_vms (const char *address, GCancellable *cancellable, GError **error);

/* From now on events arrive; what happened before is told at once (on the peer's thread). */
void peer_set_handler (struct peer *peer, const struct peer_handler *handler, void *data);
const char *peer_name (struct peer *peer); /* never NULL; lent for the peer's life */
const char *peer_uuid (struct peer *peer); /* never NULL; all zeros where the VM was given none */
bool peer_is_private (struct peer *peer);  /* not on a bus */
bool peer_is_open (struct peer *peer);     /* false once the main connection is over; any thread */
/* Those that there are once the peer is open; later also those that are gone. */
unsigned peer_n_consoles (struct peer *peer);
const struct peer_console *
peer_console (struct peer *peer, unsigned i); /* i-th, not index; constant, any thread */

/* RegisterListener: hands fd (QEMU's end; duplicated) over and blocks for the answer, at most
 * deadline_answer_ms. Not on a listener's or the peer's thread. Within it no other call is made to
 * QEMU: it calls the listener back first. Errors: NOT_FOUND (no such console), BUSY (QEMU ≤ 9.1:
 * one listener a console), TIMED_OUT, CLOSED, REPLACED, G_IO_ERROR_CANCELLED, and what QEMU
 * answers. */
bool peer_register_listener (struct peer *peer, unsigned index, int fd, GCancellable *cancellable,
                             GError **error);
/* Asks for the console's size again; the answer comes as console_size. While QEMU has one to give,
 * all who ask share the next one, which is asked for behind it. Never blocks. Any thread. */
void peer_refresh_size (struct peer *peer, unsigned index);

/* Input: queued, never waited for, from any thread; see input.h. Errors: NOT_FOUND (no such
 * console), INVALID_ARGUMENT (out of range: nothing is sent), LIMIT (QEMU stays silent and the
 * queue was full), CLOSED (the VM left the bus), REPLACED (a private connection is over: another
 * client took it, or the VM is gone, which only a listener can tell). */
bool peer_send_key (struct peer *peer, unsigned index, unsigned qnum, bool pressed, GError **error);
bool
peer_send_button (struct peer *peer, unsigned index, unsigned button, bool pressed, GError **error);
bool peer_send_position (struct peer *peer, unsigned index, unsigned x, unsigned y, GError **error);
bool peer_send_motion (struct peer *peer, unsigned index, int dx, int dy, GError **error);
/* slot: less than PEER_MAX_TOUCH_SLOTS. x, y: pixels. */
bool peer_send_touch (struct peer *peer, unsigned index, enum input_touch kind, unsigned slot,
                      double x, double y, GError **error);
/* Lets go of every key, button and touch that was pressed through these and not released. */
bool peer_release_input (struct peer *peer, unsigned index, GError **error);
/* While QEMU is silent the newest wins. */
bool peer_set_ui_info (struct peer *peer, unsigned index, const struct input_ui_info *info,
                       GError **error);

/* Closes the connection, once QEMU has taken the release of what is held, or 50 ms have gone; no
 * handler runs after it returns. Not from a handler. */
void peer_free (struct peer *peer);
