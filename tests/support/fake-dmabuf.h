/* SPDX-License-Identifier: MIT */
/* For tests of what is done with a GPU's memory: memfds that pass for the kernel's dma-bufs, of an
 * exporter that the test names. Stands in for two functions of shared libraries, so include it in
 * one file of a program. Include support/fds.h first. */
#pragma once

#include <dlfcn.h>
#include <glib.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#ifndef DMA_BUF_MAGIC
#define DMA_BUF_MAGIC 0x444d4142
#endif

/* NULL: memfds are memfds. "": dma-bufs of which /proc does not tell. */
static const char *exporter;

int
fstatfs (int fd, struct statfs *status)
{
  static int (*real) (int, struct statfs *);

  if (!real)
    real = (int (*) (int, struct statfs *)) dlsym (RTLD_NEXT, "fstatfs");
  int result = real (fd, status);
  if (exporter && result == 0 && status->f_type == TMPFS_MAGIC)
    status->f_type = DMA_BUF_MAGIC;
  return result;
}

gboolean
g_file_get_contents (const char *path, char **text, gsize *length, GError **error)
{
  static gboolean (*real) (const char *, char **, gsize *, GError **);

  if (!real)
    real = (gboolean (*) (const char *, char **, gsize *, GError **)) dlsym (RTLD_NEXT,
                                                                             "g_file_get_contents");
  if (!exporter || !*exporter || !g_str_has_prefix (path, "/proc/self/fdinfo/"))
    return real (path, text, length, error);
  *text =
      g_strdup_printf ("pos:\t0\nflags:\t02\nsize:\t4096\ncount:\t2\nexp_name:\t%s\n", exporter);
  return TRUE;
}
