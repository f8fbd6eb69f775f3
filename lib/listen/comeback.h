/* SPDX-License-Identifier: MIT */
/* The comeback: waits until the VM that a peer was lost to is at its address again, and opens a new
 * peer. It sleeps until something tells of a change, the folder of a QMP socket or the names on a
 * bus, and tries again only where nothing tells: a socket that is there and does not answer yet. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

#include "listen/peer.h"

struct comeback;

/* To be made before the peer is opened, with the same address and vm. NULL: nobody comes back to
 * such an address (fd:, or no address at all). */
struct comeback *comeback_new (const char *address, const char *vm);
/* What the VM is called, for when it comes back to a bus. After the peer was opened. */
void comeback_remember (struct comeback *comeback, struct peer *peer);
/* Blocks until the VM is back; NULL: cancelled, and only then. One thread at a time.
 *
 * On a bus it is the VM that was asked for by name or UUID; if none was, the one with both the name
 * and the UUID of before. Behind a QMP socket it is whoever is there.
 *
 * A private connection that was lost while its QEMU goes on is another client's now. It is taken
 * back only while `needed` (see comeback_poke), and at most three times from one QEMU; else the
 * next QEMU behind that socket is waited for. */
struct peer *comeback_wait (struct comeback *comeback, GCancellable *cancellable);
/* needed: somebody gets no frames as long as there is no peer. Any thread. */
void comeback_poke (struct comeback *comeback, bool needed);
void comeback_free (struct comeback *comeback);
