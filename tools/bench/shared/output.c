/* SPDX-License-Identifier: MIT */
/* A file that is opened before and written after a measurement; a stdout that must be there. */
#include "shared/output.h"

#include <errno.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/json.h"
#include "shared/host.h"
#include "shared/interrupt.h"

struct output {
  FILE *file; /* NULL: no JSON is wanted */
  bool made;  /* there was none of that name */
  char *name;
  GVariant *host; /* before anything was measured: its load is not ours */
};

static bool
fail (const char *name, GError **error)
{
  int code = errno;

  g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (code), "cannot write '%s': %s", name,
               g_strerror (code));
  return false;
}

/* What cannot be written now is known before anybody measures for it. */
static bool
begin_table (const struct output *output, GError **error)
{
  host_print (output->host);
  return fflush (stdout) == 0 || fail ("stdout", error);
}

/* What the file holds stays until there is something better. */
static bool
open_file (struct output *output, GError **error)
{
  output->file = fopen (output->name, "axe");
  output->made = output->file != NULL;
  if (!output->file && errno == EEXIST)
    output->file = fopen (output->name, "ae");
  return output->file || fail (output->name, error);
}

struct output *
output_new (const char *json, GError **error)
{
  bool to_stdout = g_strcmp0 (json, "-") == 0;
  struct output *output = g_new0 (struct output, 1);

  output->file = to_stdout ? stdout : NULL;
  output->name = g_strdup (to_stdout ? "stdout" : json);
  if (json && !to_stdout && !open_file (output, error)) {
    output_free (output);
    return NULL;
  }
  output->host = g_variant_ref_sink (host_describe ());
  if (!to_stdout && !begin_table (output, error))
    g_clear_pointer (&output, output_free);
  return output;
}

void
output_free (struct output *output)
{
  if (!output)
    return;
  if (output->file && output->file != stdout)
    fclose (output->file);
  if (output->made)
    unlink (output->name);
  g_clear_pointer (&output->host, g_variant_unref);
  g_free (output->name);
  g_free (output);
}

bool
output_has_table (const struct output *output)
{
  return output->file != stdout;
}

bool
output_is_lost (const struct output *output)
{
  return output_has_table (output) && ferror (stdout);
}

bool
output_is_over (const struct output *output)
{
  return interrupt_came () || output_is_lost (output);
}

static GVariant *
sign (const struct output *output, GVariant *report)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, report);
  g_variant_dict_insert (&dict, "schema", "s", OUTPUT_SCHEMA);
  g_variant_dict_insert (&dict, "version", "s", QDMABUF_VERSION_STRING);
  g_variant_dict_insert (&dict, "library", "s", qdmabuf_get_version ());
  g_variant_dict_insert_value (&dict, "host", output->host);
  return g_variant_dict_end (&dict);
}

/* Only a file can be cut off, and a pipe need not be. */
static bool
write_json (const struct output *output, GVariant *report, GError **error)
{
  g_autofree char *text = json_from_variant (sign (output, report));
  struct stat status;
  int fd = fileno (output->file);
  bool is_file = fstat (fd, &status) == 0 && S_ISREG (status.st_mode);

  if (is_file && output->file != stdout && ftruncate (fd, 0) != 0)
    return fail (output->name, error);
  fprintf (output->file, "%s\n", text);
  return (fflush (output->file) == 0 && !ferror (output->file)) || fail (output->name, error);
}

bool
output_finish (struct output *output, bool any, GVariant *report, GError **error)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (report);
  bool good = !output->file || !any || write_json (output, owned, error);

  if (good && any)
    output->made = false; /* it is no longer empty */
  output_free (output);
  return good;
}
