/* SPDX-License-Identifier: MIT */
/* The schema "qdmabuf-bench/1", which docs/bench.md describes. */
#include "report.h"

#include <errno.h>
#include <gio/gio.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/json.h"
#include "formats.h"
#include "host.h"
#include "table.h"

#define SCHEMA "qdmabuf-bench/1"

struct report {
  FILE *json; /* NULL: none */
  char *name; /* of json */
  bool table;
  bool rows, bars; /* the table has its header */
  unsigned pairs;
  GVariant *host;
  GVariantBuilder all_rows, all_bars;
};

static bool
fail (const char *name, GError **error)
{
  int code = errno;

  g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (code), "cannot write '%s': %s", name,
               g_strerror (code));
  return false;
}

struct report *
report_new (const char *json, unsigned pairs, GError **error)
{
  bool to_stdout = g_strcmp0 (json, "-") == 0;
  FILE *file = to_stdout ? stdout : NULL;

  if (json && !to_stdout) {
    file = fopen (json, "ae"); /* what it holds stays until there is something better */
    if (!file) {
      fail (json, error);
      return NULL;
    }
  }
  struct report *report = g_new0 (struct report, 1);
  report->json = file;
  report->name = g_strdup (to_stdout ? "stdout" : json);
  report->table = !to_stdout;
  report->pairs = pairs;
  report->host = g_variant_ref_sink (host_describe ());
  g_variant_builder_init (&report->all_rows, G_VARIANT_TYPE ("aa{sv}"));
  g_variant_builder_init (&report->all_bars, G_VARIANT_TYPE ("aa{sv}"));
  if (report->table) {
    host_print (report->host);
    fflush (stdout);
  }
  return report;
}

static void
insert_spread (GVariantDict *dict, const char *key, const struct spread *spread)
{
  GVariantDict values;

  g_variant_dict_init (&values, NULL);
  g_variant_dict_insert (&values, "p10", "d", spread->p10);
  g_variant_dict_insert (&values, "median", "d", spread->median);
  g_variant_dict_insert (&values, "p90", "d", spread->p90);
  g_variant_dict_insert_value (dict, key, g_variant_dict_end (&values));
}

static void
describe_case (GVariantDict *dict, const struct bench_case *c, const struct aspect *aspect)
{
  g_autofree char *from = format_name (c->from);
  g_autofree char *to = format_name (c->to);
  g_autofree char *modifier =
      g_strdup_printf ("0x%016" G_GINT64_MODIFIER "x", layout_modifier (c->layout, c->size.height));

  g_variant_dict_init (dict, NULL);
  g_variant_dict_insert (dict, "from", "s", from);
  g_variant_dict_insert (dict, "to", "s", to);
  g_variant_dict_insert (dict, "layout", "s", c->layout->name);
  g_variant_dict_insert (dict, "modifier", "s", modifier);
  g_variant_dict_insert (dict, "run", "u", layout_run (c->layout, format_source_bytes (c->from)));
  g_variant_dict_insert (dict, "width", "u", c->size.width);
  g_variant_dict_insert (dict, "height", "u", c->size.height);
  g_variant_dict_insert (dict, "damage", "b", (gboolean) aspect->damage);
  g_variant_dict_insert (dict, "source", "s", aspect->cold ? "cold" : "warm");
  g_variant_dict_insert (dict, "bytes-read", "t", case_bytes_read (c, aspect->damage));
  g_variant_dict_insert (dict, "bytes-written", "t", case_bytes_written (c, aspect->damage));
}

static void
begin_rows (struct report *report)
{
  if (report->table && !report->rows)
    table_header ();
  report->rows = true;
}

void
report_row (struct report *report, const struct bench_case *c, const struct aspect *aspect,
            const struct result *result)
{
  GVariantDict dict;

  begin_rows (report);
  if (report->table)
    table_row (c, aspect, result);
  describe_case (&dict, c, aspect);
  g_variant_dict_insert (&dict, "pairs", "u", result->pairs);
  g_variant_dict_insert (&dict, "gb-per-s", "d", case_rate (c, aspect, result->path.median));
  insert_spread (&dict, "path-ns", &result->path);
  insert_spread (&dict, "memcpy-ns", &result->baseline);
  insert_spread (&dict, "ratio", &result->ratio);
  g_variant_builder_add_value (&report->all_rows, g_variant_dict_end (&dict));
}

void
report_failure (struct report *report, const struct bench_case *c, const struct aspect *aspect,
                const char *why)
{
  GVariantDict dict;

  begin_rows (report);
  if (report->table)
    table_failure (c, aspect, why);
  describe_case (&dict, c, aspect);
  g_variant_dict_insert (&dict, "not-measured", "s", why);
  g_variant_builder_add_value (&report->all_rows, g_variant_dict_end (&dict));
}

void
report_bar (struct report *report, const struct bar *bar, const struct verdict *verdict)
{
  GVariantDict dict;

  if (report->table && !report->bars)
    table_bars_header ();
  report->bars = true;
  if (report->table)
    table_bar (bar, verdict);
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "path", "s", bar->path);
  g_variant_dict_insert (&dict, "baseline", "s", bar->baseline);
  g_variant_dict_insert (&dict, "limit", "d", bar->limit);
  g_variant_dict_insert (&dict, "times-faster", "b", (gboolean) bar->times_faster);
  if (verdict->why) {
    g_variant_dict_insert (&dict, "not-measured", "s", verdict->why);
  } else {
    g_variant_dict_insert (&dict, "pairs", "u", verdict->result.pairs);
    insert_spread (&dict, "path-ns", &verdict->result.path);
    insert_spread (&dict, "baseline-ns", &verdict->result.baseline);
    insert_spread (&dict, "ratio", &verdict->ratio);
    g_variant_dict_insert (&dict, "met", "b", (gboolean) verdict->met);
  }
  g_variant_builder_add_value (&report->all_bars, g_variant_dict_end (&dict));
}

static GVariant *
describe (struct report *report, bool complete)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "schema", "s", SCHEMA);
  g_variant_dict_insert (&dict, "command", "s", "pixels");
  g_variant_dict_insert (&dict, "version", "s", QDMABUF_VERSION_STRING);
  g_variant_dict_insert (&dict, "library", "s", qdmabuf_get_version ());
  g_variant_dict_insert (&dict, "complete", "b", (gboolean) complete);
  g_variant_dict_insert (&dict, "pairs", "u", report->pairs);
  g_variant_dict_insert_value (&dict, "host", report->host);
  g_variant_dict_insert_value (&dict, "rows", g_variant_builder_end (&report->all_rows));
  g_variant_dict_insert_value (&dict, "bars", g_variant_builder_end (&report->all_bars));
  return g_variant_dict_end (&dict);
}

bool
report_is_lost (const struct report *report)
{
  return report->table && ferror (stdout);
}

/* Only a file can be cut off, and a pipe need not be. */
static bool
write_json (const struct report *report, const char *text, GError **error)
{
  struct stat status;
  int fd = fileno (report->json);
  bool is_file = fstat (fd, &status) == 0 && S_ISREG (status.st_mode);

  if (is_file && report->json != stdout && ftruncate (fd, 0) != 0)
    return fail (report->name, error);
  fprintf (report->json, "%s\n", text);
  return (fflush (report->json) == 0 && !ferror (report->json)) || fail (report->name, error);
}

bool
report_finish (struct report *report, bool complete, GError **error)
{
  bool any = report->rows || report->bars;
  g_autofree char *text = json_from_variant (describe (report, complete));
  bool good = !report->json || !any || write_json (report, text, error);

  if (report->json && report->json != stdout)
    fclose (report->json);
  g_variant_unref (report->host);
  g_free (report->name);
  g_free (report);
  return good;
}
