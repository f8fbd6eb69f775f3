/* SPDX-License-Identifier: MIT */
/* A fuzz target as an ordinary test: each file of the folder that is named, and many small changes
 * of it, the same ones each time. */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "fuzz/fuzz.h"

#define CHANGED_COPIES 300

static void
change (GRand *random, uint8_t *data, size_t size)
{
  static const uint8_t edges[] = { 0, 1, 0x7f, 0x80, 0xff };

  for (unsigned n = 1 + g_rand_int (random) % 4; n > 0; n--) {
    uint8_t *byte = data + g_rand_int (random) % size;

    if (g_rand_boolean (random))
      *byte = edges[g_rand_int (random) % G_N_ELEMENTS (edges)];
    else
      *byte = (uint8_t) g_rand_int (random);
  }
}

static void
replay (const char *path)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  g_autoptr (GError) error = NULL;
  g_autofree char *data = NULL;
  size_t size = 0;

  if (!g_file_get_contents (path, &data, &size, &error))
    g_error ("%s", error->message);
  LLVMFuzzerTestOneInput ((const uint8_t *) data, size);
  for (unsigned i = 0; size > 0 && i < CHANGED_COPIES; i++) {
    g_autofree uint8_t *copy = g_memdup2 (data, size);

    change (random, copy, size);
    LLVMFuzzerTestOneInput (copy, size - (i % 8 == 0 ? g_rand_int (random) % size : 0));
  }
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) folder = argc == 2 ? g_dir_open (argv[1], 0, &error) : NULL;
  const char *name = NULL;
  unsigned n = 0;

  if (!folder) {
    fprintf (stderr, "%s: %s\n", argv[0], error ? error->message : "one folder is expected");
    return 2;
  }
  while ((name = g_dir_read_name (folder))) {
    g_autofree char *path = g_build_filename (argv[1], name, NULL);

    replay (path);
    n++;
  }
  printf ("%u files\n", n);
  return n > 0 ? 0 : 1;
}
