/* SPDX-License-Identifier: MIT */
/* An answer goes to the socket at once, by whoever gives it; what the socket does not take waits in
 * line. */
#include "listen/answers.h"

#include <errno.h>
#include <sys/socket.h>

#include "listen/message.h"

struct answers {
  GMutex lock; /* guards all below */
  int fd;      /* -1: closed */
  uint32_t serial;
  GByteArray *next;   /* the answer that is being written */
  GByteArray *unsent; /* and those before it */
  bool unread;
};

struct answers *
answers_new (int fd)
{
  struct answers *answers = g_new0 (struct answers, 1);

  g_mutex_init (&answers->lock);
  answers->fd = fd;
  answers->next = g_byte_array_new ();
  answers->unsent = g_byte_array_new ();
  return answers;
}

void
answers_free (struct answers *answers)
{
  g_byte_array_unref (answers->next);
  g_byte_array_unref (answers->unsent);
  g_mutex_clear (&answers->lock);
  g_free (answers);
}

void
answers_close (struct answers *answers)
{
  g_mutex_lock (&answers->lock);
  answers->fd = -1;
  g_byte_array_set_size (answers->unsent, 0);
  g_mutex_unlock (&answers->lock);
}

static void
write_next (struct answers *answers, uint32_t serial, const char *error_name, const char *signature,
            const GByteArray *body)
{
  answers->serial = answers->serial == UINT32_MAX ? 1 : answers->serial + 1;
  g_byte_array_set_size (answers->next, 0);
  message_put_answer (answers->next, answers->serial, serial, error_name, signature,
                      body ? body->len : 0);
  if (body)
    g_byte_array_append (answers->next, body->data, body->len);
}

/* With the lock held. How many bytes went; an end of the socket is the reader's to find, and what
 * was to be sent then counts as sent. */
static unsigned
send_some (struct answers *answers, const GByteArray *bytes)
{
  ssize_t n = 0;

  do
    n = send (answers->fd, bytes->data, bytes->len, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : bytes->len;
  return (unsigned) n;
}

static bool
flush (struct answers *answers)
{
  if (answers->unsent->len > 0)
    g_byte_array_remove_range (answers->unsent, 0, send_some (answers, answers->unsent));
  return answers->unsent->len > 0;
}

/* With the lock held, behind all that waits. */
static bool
send_next (struct answers *answers)
{
  unsigned sent = flush (answers) ? 0 : send_some (answers, answers->next);
  unsigned rest = answers->next->len - sent;

  if (rest > 0 && answers->unsent->len + rest > ANSWERS_MAX_UNSENT) {
    answers->unread = true;
    g_byte_array_set_size (answers->unsent, 0);
  } else if (rest > 0)
    g_byte_array_append (answers->unsent, answers->next->data + sent, rest);
  return rest > 0;
}

bool
answers_send (struct answers *answers, uint32_t serial, const char *error_name,
              const char *signature, const GByteArray *body)
{
  bool full = false;

  g_mutex_lock (&answers->lock);
  if (answers->fd >= 0 && !answers->unread) {
    write_next (answers, serial, error_name, signature, body);
    full = send_next (answers);
  }
  g_mutex_unlock (&answers->lock);
  return full;
}

bool
answers_flush (struct answers *answers)
{
  g_mutex_lock (&answers->lock);
  bool full = answers->fd >= 0 && flush (answers);
  g_mutex_unlock (&answers->lock);
  return full;
}

bool
answers_are_unread (struct answers *answers)
{
  g_mutex_lock (&answers->lock);
  bool unread = answers->unread;
  g_mutex_unlock (&answers->lock);
  return unread;
}
