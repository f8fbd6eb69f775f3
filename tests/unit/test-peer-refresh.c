/* SPDX-License-Identifier: MIT */
/* Asking for a console's size: often, of a QEMU that does not answer. */
#include "support/fds.h"

#include "listen/deadline.h"
#include "listen/peer-private.h"
#include "peer/fake-qemu.h"
#include "support/unheeded.h"

#define PATIENCE_US (5 * G_USEC_PER_SEC)
#define MANY 2000u

struct count {
  struct peer *peer;
  GAsyncQueue *pending; /* how many questions QEMU has to answer, and 1 */
};

static void
on_console_size (void *data, unsigned index, unsigned width, unsigned height)
{
  (void) index;
  (void) height;
  g_async_queue_push (data, GUINT_TO_POINTER (width));
}

static void
on_closed (void *data, bool private_connection, const GError *error)
{
  (void) data;
  (void) private_connection;
  (void) error;
}

static const struct peer_handler handler = { on_console_size, unheeded_devices, unheeded_warning,
                                             unheeded_added,  unheeded_removed, on_closed };

static gboolean
count_pending (gpointer data)
{
  struct count *count = data;

  g_async_queue_push (count->pending, GUINT_TO_POINTER (count->peer->connection->pending + 1));
  return G_SOURCE_REMOVE;
}

/* When all that waits in the peer's thread is done. */
static unsigned
n_pending (struct peer *peer)
{
  struct count count = { .peer = peer, .pending = g_async_queue_new () };
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_LOW);
  g_source_set_callback (source, count_pending, &count, NULL);
  g_source_attach (source, peer->context);
  gpointer n = g_async_queue_timeout_pop (count.pending, PATIENCE_US);
  g_source_unref (source);
  g_async_queue_unref (count.pending);
  assert_non_null (n);
  return GPOINTER_TO_UINT (n) - 1;
}

static void
test_one_question_at_a_time (void **state)
{
  struct fake_qemu *fake = fake_new (&(struct fake_options){ .n_consoles = 2 });
  struct peer *peer = peer_open_fd (fake_client_fd (fake), NULL, NULL);
  GAsyncQueue *sizes = g_async_queue_new ();

  (void) state;
  assert_non_null (peer);
  peer_set_handler (peer, &handler, sizes);
  deadline_answer_ms = 1000;
  fake_set_faults (fake, FAKE_MUTE_CALLS);
  for (unsigned i = 0; i < MANY; i++) {
    peer_refresh_size (peer, i % 2);
    if (i % 100 == 0)
      assert_in_range (n_pending (peer), 0, 2);
  }
  /* Asked again when the time for the first answer is over, though nobody says so once more. */
  fake_set_faults (fake, 0);
  assert_non_null (g_async_queue_timeout_pop (sizes, PATIENCE_US));
  assert_non_null (g_async_queue_timeout_pop (sizes, PATIENCE_US));

  /* And whoever asks after that is answered. */
  peer_refresh_size (peer, 0);
  assert_non_null (g_async_queue_timeout_pop (sizes, PATIENCE_US));
  deadline_answer_ms = 5000;
  peer_free (peer);
  fake_free (fake);
  g_async_queue_unref (sizes);
}

int
main (void)
{
  const struct CMUnitTest tests[] = { fds_unit_test (test_one_question_at_a_time) };

  return cmocka_run_group_tests (tests, fake_warm_up, NULL);
}
