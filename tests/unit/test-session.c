/* SPDX-License-Identifier: MIT */
/* A session that its owner gives up in the moment that its VM is lost. */
#include "support/fds.h"

#include "display/session.h"
#include "peer/fake-host.h"
#include "support/scene.h"

/* How long nobody may come, in ms: whoever waits for a VM comes within 50. */
#define NOBODY_MS 300u

struct owner {
  struct session *session;
  GAsyncQueue *closed;
};

static void
nothing (void *data)
{
  (void) data;
}

/* Between the loss and the begin of the wait. */
static void
give_up (void *data)
{
  struct owner *owner = data;

  session_set_reconnect (owner->session, false);
}

static void
closed (void *data)
{
  struct owner *owner = data;

  g_async_queue_push (owner->closed, owner);
}

static void
test_given_up (void **state)
{
  static const struct session_handler handler = { nothing, give_up, nothing, closed };
  const struct fake_options options = { .n_consoles = 1 };
  struct fake_host *host = fake_host_new ();
  struct owner owner = { .closed = g_async_queue_new () };
  GMainContext *context = g_main_context_new ();
  struct roster *roster = roster_new ();

  (void) state;
  fake_host_offer (host, &options);
  struct comeback *comeback = comeback_new (fake_host_address (host), NULL);
  struct peer *peer = peer_open (fake_host_address (host), NULL, NULL, NULL);
  assert_non_null (peer);
  assert_non_null (fake_host_wait (host, SCENE_PATIENCE));
  owner.session = session_new (peer, comeback, context);
  session_set_reconnect (owner.session, true);
  session_open (owner.session, roster, &handler, &owner);

  fake_host_kill (host);
  assert_non_null (g_async_queue_timeout_pop (owner.closed, SCENE_PATIENCE * 1000));
  assert_int_equal (session_state (owner.session), QDMABUF_DISPLAY_STATE_CLOSED);
  fake_host_offer (host, &options);
  assert_null (fake_host_wait (host, NOBODY_MS));
  assert_int_equal (fake_host_n_clients (host), 0);

  session_close (owner.session);
  roster_free (roster);
  session_unref (owner.session);
  g_main_context_unref (context);
  g_async_queue_unref (owner.closed);
  fake_host_free (host);
}

int
main (void)
{
  const struct CMUnitTest tests[] = { fds_unit_test (test_given_up) };

  return cmocka_run_group_tests (tests, scene_warm_up, NULL);
}
