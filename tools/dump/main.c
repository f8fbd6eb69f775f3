/* SPDX-License-Identifier: MIT */
/* qdmabuf-dump: saves frames of a running QEMU. This file is the flow of one run. */
#include <locale.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdio.h>

#include "capture.h"
#include "common/json.h"
#include "common/messages.h"
#include "doctor.h"
#include "list.h"
#include "options.h"
#include "outfile.h"

static bool
is_built_in (GVariant *backends, const char *name)
{
  gboolean there = FALSE;

  return g_variant_lookup (backends, name, "b", &there) && there;
}

static void
print_version_json (GVariant *backends)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "version", "s", QDMABUF_VERSION_STRING);
  g_variant_dict_insert (&dict, "library", "s", qdmabuf_get_version ());
  g_variant_dict_insert (&dict, "egl", "b", is_built_in (backends, "egl"));
  g_variant_dict_insert (&dict, "gbm", "b", is_built_in (backends, "gbm"));
  g_variant_dict_insert (&dict, "license", "s", "MIT");
  json_print (g_variant_dict_end (&dict));
}

static enum status
print_version (const struct options *options)
{
  g_autoptr (GVariant) backends =
      g_variant_take_ref (qdmabuf_query_backends (options->render_node));

  if (options->json) {
    print_version_json (backends);
    return STATUS_OK;
  }
  printf ("qdmabuf-dump %s, libqemudmabuf %s\n", QDMABUF_VERSION_STRING, qdmabuf_get_version ());
  printf ("built %s EGL, %s GBM\n", is_built_in (backends, "egl") ? "with" : "without",
          is_built_in (backends, "gbm") ? "with" : "without");
  printf ("licence: MIT\n");
  return STATUS_OK;
}

static enum status
run (const struct options *options)
{
  switch (options->action) {
  case ACTION_LIST:
    return list_run (options);
  case ACTION_DOCTOR:
    return doctor_run (options);
  case ACTION_VERSION:
    return print_version (options);
  case ACTION_DUMP:
  default:
    return capture_run (options);
  }
}

int
main (int argc, char **argv)
{
  struct options options;
  g_autoptr (GError) error = NULL;
  enum status status = STATUS_USAGE;

  setlocale (LC_ALL, "");
  message_set_program ("qdmabuf-dump");
  outfile_guard_signals ();
  if (options_parse (&options, argc, argv, &error)) {
    message_set_quiet (options.quiet);
    status = run (&options);
  } else {
    message_error ("%s (--help lists the options)", error->message);
  }
  options_clear (&options);
  if (fflush (stdout) != 0 && status == STATUS_OK) {
    message_error ("cannot write to stdout");
    status = STATUS_WRITE;
  }
  return (int) status;
}
