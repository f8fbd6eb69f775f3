/* SPDX-License-Identifier: MIT */
/* TLS handshakes of those who connect: a bounded number at once, each for a bounded time. */
#pragma once

#include <gio/gio.h>

/* A connection whose handshake is done, and TLS upon it; lent. Failed ones are dropped. */
typedef void (*handshakes_done) (void *data, GSocketConnection *connection, GIOStream *stream);

struct handshakes;

/* done runs in the main context, not within handshakes_begin. Main thread, as all that follows. */
struct handshakes *
handshakes_new (GTlsCertificate *certificate, handshakes_done done, void *data);
/* Those that go on are dropped. */
void handshakes_free (struct handshakes *handshakes);
void handshakes_begin (struct handshakes *handshakes, GSocketConnection *connection);
