/* SPDX-License-Identifier: MIT */
/* One call of QEMU, understood and checked: what the listener hands on. Knows no thread and no
 * socket. */
#pragma once

#include <qemu-dmabuf/qdmabuf-console.h>
#include <stdbool.h>
#include <stdint.h>

#include "buffer/buffer.h"
#include "listen/transport.h"

enum event_kind {
  EVENT_NONE,
  EVENT_ANSWER, /* a standard call: answer is what to reply */
  EVENT_SCANOUT,
  EVENT_UPDATE_PIXELS,
  EVENT_UPDATE_MAP,
  EVENT_UPDATE_DMABUF,
  EVENT_DISABLE,
  EVENT_MOUSE_SET,
  EVENT_CURSOR_DEFINE,
};

/* Which members mean something depends on kind; the others are zero. */
struct event {
  enum event_kind kind;
  GByteArray *answer;     /* ANSWER: the body of the reply; owned, nullable: empty */
  const char *signature;  /* ANSWER: of it; static */
  QdmabufBuffer *buffer;  /* SCANOUT: validated, owned */
  unsigned version;       /* SCANOUT: 0 Scanout and ScanoutMap, 1 ScanoutDMABUF, 2 ScanoutDMABUF2 */
  bool is_map;            /* SCANOUT: it was a ScanoutMap */
  struct rect rect;       /* UPDATE_*: pixels; as QEMU sent it, so not always inside the screen */
  uint32_t stride;        /* UPDATE_PIXELS: bytes */
  uint32_t fourcc;        /* UPDATE_PIXELS */
  const uint8_t *pixels;  /* UPDATE_PIXELS, CURSOR_DEFINE: lent from the call, and as many as is
                           * said about them */
  size_t size;            /* of pixels, bytes */
  uint32_t width, height; /* CURSOR_DEFINE: pixels, 1 to EVENT_MAX_CURSOR */
  int x, y;     /* MOUSE_SET: the pointer; CURSOR_DEFINE: the hot spot, inside the cursor */
  bool visible; /* MOUSE_SET */
};

#define EVENT_NONE_YET ((struct event){ .kind = EVENT_NONE })
#define EVENT_MAX_CURSOR 1024 /* pixels in either direction; QEMU's devices have 64 to 512 */

/* flags: the optional interfaces that exist; calls of others are unknown. *method: a number for
 * each method of event_n_methods () and that for unknown ones, also on failure. On failure
 * *dbus_error is the name that D-Bus has for it (static), and error PROTOCOL, BAD_LAYOUT, LIMIT or
 * UNSUPPORTED_FORMAT. */
bool event_decode (const struct transport_call *call, QdmabufListenerFlags flags,
                   struct event *event, unsigned *method, const char **dbus_error, GError **error);
void event_clear (struct event *event);
unsigned event_n_methods (void);
/* What the methods are, for the comparison with the description: NULL behind the last. Static. */
const char *event_method_interface (unsigned method);
const char *event_method_member (unsigned method);
const char *event_method_signature (unsigned method);
