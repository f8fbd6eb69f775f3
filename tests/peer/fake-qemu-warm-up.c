/* SPDX-License-Identifier: MIT */
/* Once through everything that GDBus makes at its first use. */
#include <dirent.h>
#include <poll.h>

#include "listen/peer.h"
#include "peer/fake-qemu.h"

static int
count_fds (void)
{
  DIR *dir = opendir ("/proc/self/fd");
  int n = 0;

  g_assert_nonnull (dir);
  while (readdir (dir))
    n++;
  closedir (dir);
  return n;
}

/* GDBus closes a socket on its own thread, when that gets to it; nothing tells. */
static void
wait_until_settled (void)
{
  int last = count_fds ();

  for (int same = 0; same < 10;) {
    poll (NULL, 0, 5);
    int now = count_fds ();
    same = now == last ? same + 1 : 0;
    last = now;
  }
}

int
fake_warm_up (void **state)
{
  struct fake_qemu *fake = fake_new (&(struct fake_options){ .n_consoles = 1 });
  struct peer *peer = peer_open_fd (fake_client_fd (fake), NULL, NULL);

  (void) state;
  g_assert_nonnull (peer);
  peer_free (peer);
  fake_free (fake);
  wait_until_settled ();
  return 0;
}
