/* SPDX-License-Identifier: MIT */
/* QdmabufConsole as display and session see it, and the state that its own files share: console.c
 * (what it is), console-properties.c, console-run.c (start, stop), console-news.c (what its flow
 * tells), console-frames.c (getting frames), console-input.c (keys, pointer, touches),
 * console-devices.c (what takes them). */
#pragma once

#include <qemu-dmabuf/qdmabuf-console.h>
#include <stdbool.h>

#include "display/notifier.h"
#include "display/reading.h"
#include "display/session.h"
#include "flow/flow.h"

/* News for the application: what a notifier emits. */
enum console_news { NEWS_FRAME, NEWS_CURSOR, NEWS_DISABLED, NEWS_WARNING, N_NEWS };

/* What the guest has for input, as properties that QEMU changes. */
enum console_device { DEVICE_LEDS, DEVICE_ABSOLUTE, DEVICE_TOUCH, N_DEVICES };

struct _QdmabufConsole {
  GObject parent_instance;

  struct session *session;
  guint index;
  guint head;
  char *label;
  char *type;
  struct notifier *news[N_NEWS]; /* by enum console_news */
  struct notifier *on_size;
  struct notifier *on_device[N_DEVICES]; /* by enum console_device */

  GMutex lock; /* guards all below */
  GCond idle;
  struct flow *flow; /* NULL: stopped */
  bool gone;         /* QEMU no longer has it */
  bool starting;
  unsigned users; /* calls inside flow */
  GCancellable *start_cancellable;
  QdmabufFrame *last; /* of a flow that is no more */
  GQueue warnings;    /* of GError, not yet emitted */
  guint width, height;
  struct peer_devices devices;
  struct reading reading;
  char *modifier;
  guint max_rate;
  gboolean pipelined;
  QdmabufListenerFlags interfaces;
  gboolean lend;
};

QdmabufConsole *console_new (struct session *session, const struct peer_console *info);
/* Any thread. */
void console_set_size (QdmabufConsole *console, guint width, guint height);
void console_warn (QdmabufConsole *console, const GError *error);
void console_set_devices (QdmabufConsole *console, const struct peer_devices *devices);
bool console_is_listening (QdmabufConsole *console);
bool console_is_started (QdmabufConsole *console);
bool console_has_type (QdmabufConsole *console, const char *type);
/* See flow_park and flow_resume. Any thread. */
void console_park (QdmabufConsole *console);
void console_resume (QdmabufConsole *console);
/* Wakes everybody who waits, with CLOSED. Any thread. */
void console_session_over (QdmabufConsole *console);
/* QEMU no longer has it. Wakes everybody who waits, with NOT_FOUND. Any thread. */
void console_set_gone (QdmabufConsole *console);
/* True: QEMU no longer has it, error NOT_FOUND. */
bool console_check_gone (QdmabufConsole *console, GError **error);
/* As session_borrow_peer, to be given back to the session; and not for a console that is gone, as
 * its index may be another one's. */
struct peer *console_borrow_peer (QdmabufConsole *console, GError **error);

/* Its data is the console. */
extern const struct flow_handler console_flow_handler;
/* A flow that will not go away until it is returned. Nullable. */
struct flow *console_borrow_flow (QdmabufConsole *console);
void console_return_flow (QdmabufConsole *console);
bool console_has_handler (QdmabufConsole *console, enum console_news news);
void console_emit (QdmabufConsole *console, enum console_news news, gpointer argument);
void console_install_properties (GObjectClass *klass);
void console_notify_size (QdmabufConsole *console);
void console_notify_device (QdmabufConsole *console, enum console_device device);
/* Make and free the notifiers. */
void console_devices_init (QdmabufConsole *console);
void console_devices_clear (QdmabufConsole *console);
void console_news_init (QdmabufConsole *console);
void console_news_clear (QdmabufConsole *console);
