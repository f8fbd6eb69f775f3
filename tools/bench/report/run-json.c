/* SPDX-License-Identifier: MIT */
/* Walks figures and stages into dictionaries. */
#include "report/run-json.h"

static GVariant *
describe_figures (const double figures[N_FIGURES])
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  for (unsigned i = 0; i < N_FIGURES; i++)
    g_variant_dict_insert (&dict, figure_names[i].key, "d", figures[i]);
  return g_variant_dict_end (&dict);
}

static GVariant *
describe_stage (const struct stage *stage)
{
  return g_variant_new_parsed (
      "{'stage': <%s>, 'n': <%t>, 'p50': <%u>, 'p95': <%u>, 'p99': <%u>, 'max': <%u>}", stage->name,
      stage->n, stage->p50, stage->p95, stage->p99, stage->max);
}

static GVariant *
describe_stages (const GArray *stages)
{
  GVariantBuilder all;

  g_variant_builder_init (&all, G_VARIANT_TYPE ("aa{sv}"));
  for (unsigned i = 0; i < stages->len; i++)
    g_variant_builder_add_value (&all, describe_stage (&g_array_index (stages, struct stage, i)));
  return g_variant_builder_end (&all);
}

GVariant *
histogram_describe (const struct histogram *histogram)
{
  GVariantBuilder bins;

  g_variant_builder_init (&bins, G_VARIANT_TYPE ("a(tt)"));
  for (unsigned i = 0; i < HISTOGRAM_BINS; i++) {
    if (histogram->bins[i] > 0)
      g_variant_builder_add (&bins, "(tt)", histogram_edge (i), histogram->bins[i]);
  }
  return g_variant_new_parsed (
      "{'n': <%t>, 'p50': <%t>, 'p95': <%t>, 'p99': <%t>, 'max': <%t>, 'bins': <%@a(tt)>}",
      histogram->n, histogram_percentile (histogram, 500), histogram_percentile (histogram, 950),
      histogram_percentile (histogram, 990), histogram->max, g_variant_builder_end (&bins));
}

GVariant *
run_describe (const struct run *run)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "mode", "s", run->mode);
  g_variant_dict_insert (&dict, "run", "u", run->number);
  if (run->failure) {
    g_variant_dict_insert (&dict, "not-measured", "s", run->failure);
    return g_variant_dict_end (&dict);
  }
  g_variant_dict_insert (&dict, "complete", "b", (gboolean) run->complete);
  g_variant_dict_insert (&dict, "seconds", "d", run->seconds);
  g_variant_dict_insert (&dict, "backend", "s", run->backend ? run->backend : "");
  g_variant_dict_insert (&dict, "width", "u", run->width);
  g_variant_dict_insert (&dict, "height", "u", run->height);
  g_variant_dict_insert_value (&dict, "figures", describe_figures (run->figures));
  g_variant_dict_insert_value (&dict, "stages", describe_stages (run->stages));
  g_variant_dict_insert_value (&dict, "taken", histogram_describe (&run->taken));
  return g_variant_dict_end (&dict);
}

GVariant *
runs_describe (const GPtrArray *runs)
{
  GVariantBuilder all;

  g_variant_builder_init (&all, G_VARIANT_TYPE ("aa{sv}"));
  for (unsigned i = 0; i < runs->len; i++)
    g_variant_builder_add_value (&all, run_describe (runs->pdata[i]));
  return g_variant_builder_end (&all);
}

GVariant *
summary_describe (const struct summary *summary)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "mode", "s", summary->mode);
  g_variant_dict_insert (&dict, "measured", "u", summary->measured);
  g_variant_dict_insert (&dict, "failed", "u", summary->failed);
  if (summary->failure)
    g_variant_dict_insert (&dict, "not-measured", "s", summary->failure);
  if (summary->measured == 0)
    return g_variant_dict_end (&dict);
  g_variant_dict_insert (&dict, "backend", "s", summary->backend ? summary->backend : "");
  g_variant_dict_insert_value (&dict, "figures", describe_figures (summary->figures));
  g_variant_dict_insert_value (&dict, "stages", describe_stages (summary->stages));
  g_variant_dict_insert_value (&dict, "taken", histogram_describe (&summary->taken));
  return g_variant_dict_end (&dict);
}
