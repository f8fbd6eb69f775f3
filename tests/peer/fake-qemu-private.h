/* SPDX-License-Identifier: MIT */
/* What the files of the fake peer share. */
#pragma once

#include "listen/connection.h"
#include "peer/fake-qemu.h"

#define FAKE_MAX_CONSOLES 80u

struct fake_listener {
  struct fake_qemu *fake;
  unsigned console;
  struct connection *connection; /* NULL: FAKE_MUTE_LISTENER */
  int mute_fd;                   /* held open by it; -1 */
  bool ready, closed;            /* guarded */
  char *interfaces;              /* guarded; nullable */
};

/* A call that wants an answer. */
struct fake_pending {
  unsigned number;
  struct fake_listener *listener;
  uint32_t serial;
  int64_t sent, answered; /* µs */
  GDBusMessage *answer;
};

struct fake_qemu {
  GThread *thread;
  GMainContext *context;
  GCancellable *cancellable; /* of all that blocks the thread */
  struct fake_options options;
  char *name, *uuid;
  int main_fd;                   /* until the thread takes it */
  struct connection *connection; /* thread */

  GMutex mutex; /* guards what follows */
  GCond changed;
  bool quit;
  int client_fd;
  GDBusConnection *main; /* reference; NULL until authenticated */
  bool main_closed;
  bool paused;
  unsigned n_waiting; /* calls that were read and not begun */
  const char *refusal, *refusal_text; /* NULL: none */
  unsigned faults;
  bool absent[FAKE_MAX_CONSOLES]; /* of those of options */
  unsigned widths[FAKE_MAX_CONSOLES], heights[FAKE_MAX_CONSOLES];
  unsigned n_registered[FAKE_MAX_CONSOLES];
  GPtrArray *listeners; /* struct fake_listener, in the order of their registration */
  GPtrArray *pending;   /* struct fake_pending */
  unsigned n_calls;
  GQueue inputs; /* char * */
};

/* Answers a call of the client; runs on the fake's thread. */
void fake_main_call (struct fake_qemu *fake, GDBusMessage *call);
/* RegisterListener: answers, and does what QEMU does then. Thread: the fake's. */
void fake_register (struct fake_qemu *fake, unsigned console, GDBusMessage *call);
void fake_listener_free (struct fake_listener *listener);
/* With the mutex held. */
struct fake_listener *fake_newest (struct fake_qemu *fake, unsigned console);
/* Sleeps as long, or until the fake ends. */
void fake_delay (struct fake_qemu *fake, unsigned ms);
void fake_shut_down (GDBusConnection *dbus);
/* Server side of a connection on fd (taken), with messages held; NULL: the client failed, or the
 * fake ends. */
struct connection *fake_serve (struct fake_qemu *fake, int fd);
void fake_pending_free (struct fake_pending *pending);
bool
fake_wait_until (struct fake_qemu *fake, bool (*done) (struct fake_qemu *fake, const void *data),
                 const void *data, unsigned ms); /* takes and drops the mutex */
