/* SPDX-License-Identifier: MIT */
/* A listener at a fake QEMU whose events become lines of text, in their order:
 *
 *     scanout v0 640x480 XR24 stride 2560 offset 0 planes 1 crop 0,0 640x480 mod 0 [flip]
 *     pixels X,Y WxH XR24 stride N size N last HEX      map X,Y WxH      dmabuf X,Y WxH disable
 *     mouse X,Y on|off      cursor WxH hot X,Y size N      warning CODE: TEXT      closed CODE:
 * TEXT
 *
 * All functions fail the test when they do not get what they wait for.
 */
#pragma once

#include "listen/listener.h"
#include "listen/peer.h"
#include "peer/fake-qemu.h"

#define PATIENCE_MS 5000u

struct listening {
  struct fake_qemu *fake;
  struct peer *peer;
  struct listener *listener;
  GAsyncQueue *events;  /* char *, the lines */
  GAsyncQueue *replies; /* struct listener_reply *, of UpdateDMABUF; listening_end sends the rest */
  QdmabufBuffer *buffer; /* of the newest scanout; to be read when its line has come */
  bool quiet;            /* counts instead of recording */
  int n_events;          /* atomic */
  GMutex *gate;          /* nullable: handlers wait here */
};

/* A fake with these options and its main connection; no listener yet. */
void listening_connect (struct listening *f, const struct fake_options *options);
/* A listener for console 0; returns when QEMU has answered RegisterListener. */
void listening_listen (struct listening *f, QdmabufListenerFlags flags);
/* Both with one console, and QEMU is through with the registration. */
void listening_start (struct listening *f, QdmabufListenerFlags flags);
void listening_end (struct listening *f);

/* The next line; an expected text with "…" at its end stands for any rest. */
void listening_expect (struct listening *f, const char *expected);
/* Calls are handled in order, so when this one's line came, those before it are done. */
void listening_expect_alive (struct listening *f);
void listening_expect_answer (struct listening *f, unsigned call);
/* name: of the D-Bus error. */
void listening_expect_refusal (struct listening *f, unsigned call, const char *name);
