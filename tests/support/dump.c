/* SPDX-License-Identifier: MIT */
/* Running the tool and keeping its words. */
#include "support/dump.h"

#include "support/fds.h"

#include <sys/wait.h>

struct dump
dump_run (const char *first, ...)
{
  g_autoptr (GPtrArray) args = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  struct dump dump = { 0 };
  int wait_status = 0;
  va_list list;

  g_ptr_array_add (args, (char *) g_getenv ("QDMABUF_DUMP"));
  va_start (list, first);
  for (const char *arg = first; arg; arg = va_arg (list, const char *))
    g_ptr_array_add (args, (char *) arg);
  va_end (list);
  g_ptr_array_add (args, NULL);

  if (!g_spawn_sync (NULL, (char **) args->pdata, NULL, G_SPAWN_LEAVE_DESCRIPTORS_OPEN, NULL, NULL,
                     &dump.output, &dump.message, &wait_status, &error))
    fail_msg ("%s", error->message);
  dump.status = WIFEXITED (wait_status) ? WEXITSTATUS (wait_status) : -WTERMSIG (wait_status);
  return dump;
}

void
dump_clear (struct dump *dump)
{
  g_clear_pointer (&dump->message, g_free);
  g_clear_pointer (&dump->output, g_free);
}

void
assert_dump_status (const struct dump *dump, int status)
{
  if (dump->status != status)
    fail_msg ("qdmabuf-dump ended with %d instead of %d: %s", dump->status, status, dump->message);
}
