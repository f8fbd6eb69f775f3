/* SPDX-License-Identifier: MIT */
/* The first bytes of a message say how many more there are; those go straight to where they stay.
 */
#include "listen/incoming.h"

#include <errno.h>
#include <limits.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* As many are taken at once: one more than any call has. The kernel closes the others, which then
 * never count as ours: it passes up to 253 with each piece, and the application has a limit. */
#define MAX_FDS (FDSET_MAX + 1u)
/* As often the socket is read before the reader looks up: a picture takes some 20. */
#define MAX_READS 64u
/* So the pixels of a Scanout, which are the 21st byte and the following, begin at a cache line. */
#define BODY_AT 44u

struct incoming *
incoming_new (int fd)
{
  struct incoming *incoming = g_new0 (struct incoming, 1);

  incoming->fd = fd;
  incoming->body = incoming->fields;
  incoming->blocks = blocks_new ();
  return incoming;
}

void
incoming_next (struct incoming *incoming)
{
  fdset_clear (&incoming->fds);
  incoming->n_fds = 0;
  incoming->lost_fds = false;
  incoming->surplus_fds = false;
  g_clear_pointer (&incoming->block, block_unref);
  incoming->body = incoming->fields;
  incoming->got = 0;
}

void
incoming_free (struct incoming *incoming)
{
  incoming_next (incoming);
  blocks_free (incoming->blocks);
  g_free (incoming);
}

/* How many there were. */
static unsigned
take_fds (struct incoming *incoming, const struct cmsghdr *control)
{
  unsigned n = (unsigned) ((control->cmsg_len - CMSG_LEN (0)) / sizeof (int));

  for (unsigned i = 0; i < n; i++) {
    int fd = -1;

    memcpy (&fd, CMSG_DATA (control) + i * sizeof fd, sizeof fd);
    fdset_take (&incoming->fds, fd);
    incoming->n_fds += incoming->n_fds < UINT_MAX; /* a message can bring very many */
  }
  return n;
}

static void
take_control (struct incoming *incoming, struct msghdr *header)
{
  unsigned n = 0;

  for (struct cmsghdr *c = CMSG_FIRSTHDR (header); c; c = CMSG_NXTHDR (header, c))
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
      n += take_fds (incoming, c);
  if ((header->msg_flags & MSG_CTRUNC) == 0)
    return;
  if (n == MAX_FDS)
    incoming->surplus_fds = true;
  else
    incoming->lost_fds = true;
}

static enum incoming_state
end (ssize_t n, GError **error)
{
  if (n == 0)
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_CLOSED, "QEMU closed the connection");
  else
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_CLOSED, "the connection to QEMU ended: %s",
                 g_strerror (errno));
  return INCOMING_END;
}

/* INCOMING_MESSAGE: there may be more. */
static enum incoming_state
receive (struct incoming *incoming, struct iovec *parts, size_t n_parts, GError **error)
{
  union {
    struct cmsghdr first;
    char bytes[CMSG_SPACE (sizeof (int) * MAX_FDS)];
  } control;
  struct msghdr header = { .msg_iov = parts,
                           .msg_iovlen = n_parts,
                           .msg_control = &control,
                           .msg_controllen = CMSG_LEN (sizeof (int) * MAX_FDS) };
  ssize_t n = 0;

  do
    n = recvmsg (incoming->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return INCOMING_NOTHING;
  if (n <= 0)
    return end (n, error);
  take_control (incoming, &header);
  incoming->got += (size_t) n;
  return INCOMING_MESSAGE;
}

static enum incoming_state
receive_fixed (struct incoming *incoming, GError **error)
{
  struct iovec part = { incoming->fixed + incoming->got, MESSAGE_FIXED - incoming->got };
  enum incoming_state state = receive (incoming, &part, 1, error);

  if (state != INCOMING_MESSAGE || incoming->got < MESSAGE_FIXED)
    return state;
  if (!message_start (&incoming->message, incoming->fixed, error))
    return INCOMING_END;
  if (incoming->message.body_size == 0)
    return INCOMING_MESSAGE;
  incoming->block = blocks_take (incoming->blocks, BODY_AT + incoming->message.body_size);
  if (incoming->block) {
    incoming->body = incoming->block->data + BODY_AT;
    return INCOMING_MESSAGE;
  }
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT,
               "no memory for a message of QEMU of %u bytes", incoming->message.body_size);
  return INCOMING_END;
}

static size_t
message_size (const struct incoming *incoming)
{
  return MESSAGE_FIXED + (size_t) incoming->message.fields_size + incoming->message.body_size;
}

static enum incoming_state
receive_rest (struct incoming *incoming, GError **error)
{
  const struct message *message = &incoming->message;
  size_t got = incoming->got - MESSAGE_FIXED;
  size_t fields = MIN (got, message->fields_size);
  size_t body = got - fields;
  struct iovec parts[] = { { incoming->fields + fields, message->fields_size - fields },
                           { NULL, message->body_size - body } };

  if (incoming->block)
    parts[1].iov_base = incoming->block->data + BODY_AT + body;
  return receive (incoming, parts, G_N_ELEMENTS (parts), error);
}

enum incoming_state
incoming_read (struct incoming *incoming, GError **error)
{
  enum incoming_state state = INCOMING_MESSAGE;

  for (unsigned i = 0; state == INCOMING_MESSAGE; i++) {
    if (incoming->got >= MESSAGE_FIXED && incoming->got == message_size (incoming))
      return INCOMING_MESSAGE;
    if (i == MAX_READS)
      return INCOMING_PART;
    if (incoming->got < MESSAGE_FIXED)
      state = receive_fixed (incoming, error);
    else
      state = receive_rest (incoming, error);
  }
  return state;
}
