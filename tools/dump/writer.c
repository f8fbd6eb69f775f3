/* SPDX-License-Identifier: MIT */
/* The list of file formats, by name and by extension. */
#include "writer.h"

#include <errno.h>
#include <string.h>

static const struct writer_ops *const writers[] = { &writer_png, &writer_ppm, &writer_raw,
                                                    &writer_y4m };

const struct writer_ops *
writer_find (const char *name)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (writers); i++) {
    if (g_ascii_strcasecmp (writers[i]->name, name) == 0)
      return writers[i];
  }
  return NULL;
}

const struct writer_ops *
writer_for_file (const char *path)
{
  const char *slash = strrchr (path, '/');
  const char *dot = strrchr (slash ? slash : path, '.');

  return dot ? writer_find (dot + 1) : &writer_png;
}

const char *
writer_names (void)
{
  return "png, ppm, raw, y4m";
}

bool
writer_fail (GError **error)
{
  int code = errno;

  g_set_error_literal (error, G_IO_ERROR, (int) g_io_error_from_errno (code), g_strerror (code));
  return false;
}
