/* SPDX-License-Identifier: MIT */
/* The figures of `pixels`, as docs/bench.md describes them. */
#include "pixels/report.h"

#include "pixels/formats.h"
#include "pixels/table.h"
#include "shared/output.h"

struct report {
  struct output *output;
  bool rows, bars; /* the table has its header */
  unsigned pairs;
  GVariantBuilder all_rows, all_bars;
};

struct report *
report_new (const char *json, unsigned pairs, GError **error)
{
  struct output *output = output_new (json, error);

  if (!output)
    return NULL;
  struct report *report = g_new0 (struct report, 1);
  report->output = output;
  report->pairs = pairs;
  g_variant_builder_init (&report->all_rows, G_VARIANT_TYPE ("aa{sv}"));
  g_variant_builder_init (&report->all_bars, G_VARIANT_TYPE ("aa{sv}"));
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
  if (output_has_table (report->output) && !report->rows)
    table_header ();
  report->rows = true;
}

void
report_row (struct report *report, const struct bench_case *c, const struct aspect *aspect,
            const struct result *result)
{
  GVariantDict dict;

  begin_rows (report);
  if (output_has_table (report->output))
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
  if (output_has_table (report->output))
    table_failure (c, aspect, why);
  describe_case (&dict, c, aspect);
  g_variant_dict_insert (&dict, "not-measured", "s", why);
  g_variant_builder_add_value (&report->all_rows, g_variant_dict_end (&dict));
}

void
report_bar (struct report *report, const struct bar *bar, const struct verdict *verdict)
{
  GVariantDict dict;

  if (output_has_table (report->output) && !report->bars)
    table_bars_header ();
  report->bars = true;
  if (output_has_table (report->output))
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
  g_variant_dict_insert (&dict, "command", "s", "pixels");
  g_variant_dict_insert (&dict, "complete", "b", (gboolean) complete);
  g_variant_dict_insert (&dict, "pairs", "u", report->pairs);
  g_variant_dict_insert_value (&dict, "rows", g_variant_builder_end (&report->all_rows));
  g_variant_dict_insert_value (&dict, "bars", g_variant_builder_end (&report->all_bars));
  return g_variant_dict_end (&dict);
}

bool
report_is_lost (const struct report *report)
{
  return output_is_lost (report->output);
}

bool
report_finish (struct report *report, bool complete, GError **error)
{
  bool any = report->rows || report->bars;
  bool good = output_finish (report->output, any, describe (report, complete), error);

  g_free (report);
  return good;
}
