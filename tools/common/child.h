/* SPDX-License-Identifier: MIT */
/* A child process that ends when its parent does, and the socket that it is given. */
#pragma once

#include <glib.h>

/* For GSubprocessLauncher: the child is in a process group of its own, so that Ctrl-C does not
 * reach it, and gets that signal (GINT_TO_POINTER) when the thread that starts it ends, however
 * that happens. */
void child_set_up (gpointer signal);
/* A socket at that path that listens already, so that nobody has to wait for it to appear. -1:
 * errno says why. */
int child_listen (const char *path);
