/* SPDX-License-Identifier: MIT */
/* Running the fetch scripts. */
#include "support/fetched.h"

#include "support/fds.h"

#include <string.h>
#include <sys/wait.h>

#define CANNOT_BE_HAD 77

static char *
last_line (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (g_strchomp ((char *) text), "\n", -1);
  guint n = g_strv_length (lines);

  return g_strdup (n > 0 ? lines[n - 1] : "");
}

char *
fetched (const char *script, const char *folder)
{
  g_autofree char *program =
      g_build_filename (g_getenv ("SOURCE_DIR"), "tests", "support", script, NULL);
  g_autofree char *dir = g_build_filename (g_getenv ("BUILD_DIR"), folder, NULL);
  char *argv[] = { program, dir, NULL };
  g_autofree char *output = NULL;
  g_autofree char *message = NULL;
  g_autoptr (GError) error = NULL;
  int status = 0;

  if (!g_spawn_sync (NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, &message, &status,
                     &error))
    fail_msg ("%s", error->message);
  if (WIFEXITED (status) && WEXITSTATUS (status) == CANNOT_BE_HAD) {
    print_message ("skipped: %s", message);
    skip ();
  }
  if (status != 0)
    fail_msg ("%s: %s", script, message);
  return last_line (output);
}

char *
fetched_qemu72 (void)
{
  return fetched ("fetch-qemu72.sh", "qemu72");
}

char *
fetched_qemu_newer (void)
{
  return fetched ("fetch-qemu-newer.sh", "qemu-newer");
}

char **
fetched_linux_guest (void)
{
  g_autofree char *line = fetched ("fetch-linux-guest.sh", "linux-guest");
  g_autoptr (GError) error = NULL;
  char **argv = NULL;

  if (!g_shell_parse_argv (line, NULL, &argv, &error))
    fail_msg ("%s: %s", line, error->message);
  return argv;
}
