/* SPDX-License-Identifier: MIT */
/* An installation may have been moved as a whole: what lies beside the program comes first. */
#include "libexec.h"

#include <unistd.h>

/* Full transfer. */
static char *
beside_program (const char *name)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = g_path_get_dirname (program ? program : "");

  return g_build_filename (folder, TOOLS_BIN_TO_LIBEXEC, "qemu-dmabuf", name, NULL);
}

char *
libexec_find (const char *name, const char *given, const char *option, GError **error)
{
  g_autofree char *moved = beside_program (name);
  g_autofree char *installed = g_build_filename (TOOLS_LIBEXECDIR, "qemu-dmabuf", name, NULL);
  const char *const places[] = { moved, installed };

  if (given && access (given, R_OK) == 0)
    return g_canonicalize_filename (given, NULL);
  for (size_t i = 0; !given && i < G_N_ELEMENTS (places); i++) {
    if (access (places[i], R_OK) == 0)
      return g_canonicalize_filename (places[i], NULL);
  }
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
               "there is no %s that can be read at %s: name it with %s", name,
               given ? given : installed, option);
  return NULL;
}
