/* SPDX-License-Identifier: MIT */
/* Hostile calls as bytes of the wire: whole messages through the header's parser, and right headers
 * with any bytes as arguments. */
#define _GNU_SOURCE 1 /* memfd_create */

#include <fcntl.h>
#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "listen/event.h"
#include "listen/incoming.h"
#include "listen/names.h"

#if defined __SANITIZE_ADDRESS__
#define HAVE_ASAN 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void) (at), (void) (size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void) (at), (void) (size))
#endif

/* The first bytes of an input; then come the message or the arguments. */
enum { OPTIONS, METHOD, N_FDS, DATA };
enum { EMPTY = 1, SEALED = 2, SWAPPED = 4, NO_MEMORY = 8 }; /* of OPTIONS; above: the flags */

/* Each of one page; all of them may be sealed, cut or no memory at all. */
static void
open_fds (struct fdset *fds, unsigned n, unsigned options)
{
  for (unsigned i = 0; i < n; i++) {
    int fd = options & NO_MEMORY ? open ("/dev/null", O_RDONLY | O_CLOEXEC)
                                 : memfd_create ("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (ftruncate (fd, options & EMPTY ? 0 : 4096) == 0 && options & SEALED)
      fcntl (fd, F_ADD_SEALS, F_SEAL_SHRINK);
    fdset_take (fds, fd);
  }
}

/* Every byte that was promised is there. */
static void
touch (const struct event *event)
{
  if (event->kind == EVENT_UPDATE_PIXELS) {
    volatile uint8_t last = event->pixels[(size_t) (event->rect.height - 1) * event->stride];
    (void) last;
  }
  if (event->kind == EVENT_CURSOR_DEFINE) {
    volatile uint8_t last = event->pixels[(size_t) event->width * event->height * 4 - 1];
    (void) last;
  }
  if (event->kind == EVENT_SCANOUT && event->buffer->kind == BUFFER_BYTES)
    event->buffer->bytes[layout_linear_size (&event->buffer->layout, 0) - 1] = 1;
}

static void
decode (const struct transport_call *call, unsigned flags)
{
  g_autoptr (GError) error = NULL;
  const char *dbus_error = NULL;
  struct event event;
  unsigned method = 0;
  bool good = event_decode (call, flags, &event, &method, &dbus_error, &error);

  if (good != !error || (!good && (!dbus_error || strlen (error->message) > 4096)) ||
      (!good && event.kind != EVENT_NONE))
    abort ();
  if (good)
    touch (&event);
  event_clear (&event);
}

/* The body in a block, as it is off the socket, with nothing readable behind it. */
static void
decode_body (struct transport_call *call, const uint8_t *body, size_t size, unsigned flags)
{
  static struct blocks *blocks;

  if (!blocks)
    blocks = blocks_new ();
  call->block = size > 0 ? blocks_take (blocks, size) : NULL;
  call->body.data = body;
  if (call->block) {
    memcpy (call->block->data, body, size);
    ASAN_POISON_MEMORY_REGION (call->block->data + size, call->block->size - size);
    call->body.data = call->block->data;
    call->body.size = size;
  }
  decode (call, flags);
  if (call->block) {
    ASAN_UNPOISON_MEMORY_REGION (call->block->data, call->block->size);
    block_unref (call->block);
  }
}

static void
decode_message (const uint8_t *data, size_t size, const struct fdset *fds, unsigned flags)
{
  g_autoptr (GError) error = NULL;
  struct message message;

  if (size < MESSAGE_FIXED || !message_start (&message, data, &error))
    return;
  size -= MESSAGE_FIXED;
  if (message.fields_size > size || message.body_size > size - message.fields_size)
    return;
  g_autofree uint8_t *fields = g_memdup2 (data + MESSAGE_FIXED, message.fields_size);
  if (message.type != MESSAGE_CALL)
    return;
  bool good = message_fields (&message, fields, &error);
  if (good != !error || (good && (!message.path || !message.member)))
    abort ();
  struct transport_call call = { .refusal = error,
                                 .path = message.path,
                                 .interface = message.interface,
                                 .member = message.member,
                                 .signature = message.signature,
                                 .body = { .swap = message.swap },
                                 .fds = fds,
                                 .n_fds = fds->n };
  decode_body (&call, data + MESSAGE_FIXED + message.fields_size, message.body_size, flags);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct fdset fds = FDSET_NONE;

  if (size < DATA)
    return 0;
  unsigned method = data[METHOD] % (event_n_methods () + 4);
  unsigned flags = data[OPTIONS] >> 4 & QDMABUF_LISTENER_ALL;
  open_fds (&fds, data[N_FDS] % (FDSET_MAX + 1), data[OPTIONS]);
  if (method >= event_n_methods ())
    decode_message (data + DATA, size - DATA, &fds, flags);
  else {
    struct transport_call call = { .path = PATH_LISTENER,
                                   .interface = event_method_interface (method),
                                   .member = event_method_member (method),
                                   .signature = event_method_signature (method),
                                   .body = { .swap = data[OPTIONS] & SWAPPED },
                                   .fds = &fds,
                                   .n_fds = fds.n };
    decode_body (&call, data + DATA, size - DATA, QDMABUF_LISTENER_ALL);
  }
  fdset_clear (&fds);
  return 0;
}
