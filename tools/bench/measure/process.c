/* SPDX-License-Identifier: MIT */
/* Reads /proc. Times are those of the scheduler where the kernel has them, in nanoseconds: a tick
 * of the others is as long as many frames. */
#define _GNU_SOURCE 1
#include "measure/process.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define VIRTUAL_CPU "CPU " /* how QEMU names these threads, with debug-threads=on */

/* "" where it cannot be read. Full transfer. */
static char *
read_file (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? text : g_strdup ("");
}

/* The clock of "stat", in ticks, where "schedstat" is missing. */
static double
ticks_us (const char *folder)
{
  g_autofree char *text = read_file (folder, "stat");
  const char *rest = strrchr (text, ')');
  unsigned long user = 0;
  unsigned long kernel = 0;

  if (!rest ||
      sscanf (rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) != 2)
    return 0;
  return (double) (user + kernel) * G_USEC_PER_SEC / (double) sysconf (_SC_CLK_TCK);
}

static double
thread_cpu_us (const char *folder)
{
  g_autofree char *text = read_file (folder, "schedstat");
  guint64 ns = g_ascii_strtoull (text, NULL, 10);

  return ns > 0 ? (double) ns / 1000 : ticks_us (folder);
}

static guint64
status_value (const char *status, const char *key)
{
  const char *found = strstr (status, key);

  return found ? g_ascii_strtoull (found + strlen (key), NULL, 10) : 0;
}

static void
add_thread (const char *folder, bool own, struct process *process)
{
  g_autofree char *name = read_file (folder, "comm");
  g_autofree char *status = read_file (folder, "status");
  double cpu = thread_cpu_us (folder);

  process->threads++;
  if (g_str_has_prefix (name, VIRTUAL_CPU))
    process->guest_cpu_us += cpu;
  if (!own)
    process->wake_ups += status_value (status, "\nvoluntary_ctxt_switches:");
}

static void
add_threads (const char *folder, struct process *process)
{
  g_autofree char *tasks = g_build_filename (folder, "task", NULL);
  g_autoptr (GDir) dir = g_dir_open (tasks, 0, NULL);
  const char *name = NULL;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree char *path = g_build_filename (tasks, name, NULL);

    add_thread (path, g_ascii_strtoll (name, NULL, 10) == gettid (), process);
  }
}

static unsigned
count_fds (const char *folder, bool self)
{
  g_autofree char *path = g_build_filename (folder, "fd", NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  unsigned n = 0;

  while (dir && g_dir_read_name (dir))
    n++;
  return self && n > 0 ? n - 1 : n; /* the folder's own */
}

/* Of the whole process, those threads included that have ended. */
static double
all_cpu_us (int pid, const char *folder)
{
  struct timespec time = { 0 };
  clockid_t clock = 0;

  if (clock_getcpuclockid (pid, &clock) == 0 && clock_gettime (clock, &time) == 0)
    return (double) time.tv_sec * G_USEC_PER_SEC + (double) time.tv_nsec / 1000;
  return ticks_us (folder);
}

double
process_thread_cpu_us (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (double) time.tv_sec * G_USEC_PER_SEC + (double) time.tv_nsec / 1000;
}

void
process_read (int pid, struct process *process)
{
  g_autofree char *folder = g_strdup_printf ("/proc/%d", pid);
  g_autofree char *status = read_file (folder, "status");

  *process = (struct process){ .rss = status_value (status, "\nVmRSS:") << 10 };
  process->cpu_us = all_cpu_us (pid, folder);
  process->own_cpu_us = process_thread_cpu_us ();
  add_threads (folder, process);
  process->fds = count_fds (folder, pid == getpid ());
}
