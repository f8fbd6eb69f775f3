/* SPDX-License-Identifier: MIT */
/* The list of all cases, and what they are called. */
#include "pixels/cases.h"

#include <drm_fourcc.h>
#include <string.h>

#include "pixels/formats.h"

const struct aspect aspects[N_ASPECTS] = {
  { false, false }, { false, true }, { true, false }, { true, true }
};

static void
add_conversions (GArray *cases, struct size size)
{
  g_autoptr (GArray) sources = format_sources ();

  for (unsigned i = 0; i < sources->len; i++) {
    struct bench_case c = { g_array_index (sources, uint32_t, i), 0, &layout_rows, size };

    if (format_source_bytes (c.from) == 0)
      continue;
    for (const struct frame_format *to = frame_formats; to->fourcc; to++) {
      c.to = to->fourcc;
      g_array_append_val (cases, c);
    }
  }
}

static void
add_tiled (GArray *cases, struct size size, uint32_t from, uint32_t to)
{
  for (const struct memory_layout *layout = layouts_tiled; layout->name; layout++) {
    struct bench_case c = { from, to, layout, size };

    if (layout_run (layout, format_source_bytes (from)) > 0)
      g_array_append_val (cases, c);
  }
}

/* What of a conversion comes on top of detiling does not depend on the layout: one serves for all.
 */
static void
add_tiled_conversions (GArray *cases, struct size size)
{
  static const uint32_t outputs[] = { DRM_FORMAT_BGR888, DRM_FORMAT_NV12, DRM_FORMAT_YUV420 };

  for (const struct memory_layout *layout = layouts_tiled; layout->name; layout++) {
    if (layout->modifier != I915_FORMAT_MOD_Y_TILED)
      continue;
    for (size_t i = 0; i < G_N_ELEMENTS (outputs); i++) {
      struct bench_case c = { DRM_FORMAT_XRGB8888, outputs[i], layout, size };

      g_array_append_val (cases, c);
    }
  }
}

GArray *
cases_list (const GArray *sizes)
{
  GArray *cases = g_array_new (FALSE, FALSE, sizeof (struct bench_case));

  for (unsigned i = 0; i < sizes->len; i++) {
    struct size size = g_array_index (sizes, struct size, i);

    add_conversions (cases, size);
    add_tiled (cases, size, DRM_FORMAT_XRGB8888, DRM_FORMAT_XRGB8888);
    add_tiled (cases, size, DRM_FORMAT_RGB565, DRM_FORMAT_XRGB8888);
    add_tiled_conversions (cases, size);
  }
  return cases;
}

char *
case_size (const struct bench_case *c, const struct aspect *aspect)
{
  g_autofree char *size = g_strdup_printf ("%ux%u", c->size.width, c->size.height);

  if (aspect->damage)
    return g_strdup_printf ("%ux%u in %s", DAMAGE_SIZE, DAMAGE_SIZE, size);
  return g_steal_pointer (&size);
}

char *
case_name (const struct bench_case *c, const struct aspect *aspect)
{
  g_autofree char *from = format_name (c->from);
  g_autofree char *to = format_name (c->to);
  g_autofree char *size = case_size (c, aspect);

  return g_strdup_printf ("%s %s %s %s %s", from, c->layout->name, to, size,
                          aspect->cold ? "cold" : "warm");
}

bool
case_matches (const struct bench_case *c, const struct aspect *aspect, const char *filter)
{
  g_autofree char *name = case_name (c, aspect);
  g_autofree char *upper = g_ascii_strup (name, -1);
  g_autofree char *wanted = g_ascii_strup (filter ? filter : "", -1);
  g_auto (GStrv) words = g_strsplit (wanted, " ", -1);

  const char *at = upper;

  for (char **word = words; *word && at; word++) {
    at = strstr (at, *word);
    if (at)
      at += strlen (*word);
  }
  return at;
}

static uint64_t
pixels_of (const struct bench_case *c, bool damage)
{
  if (damage)
    return (uint64_t) MIN (DAMAGE_SIZE, c->size.width) * MIN (DAMAGE_SIZE, c->size.height);
  return (uint64_t) c->size.width * c->size.height;
}

uint64_t
case_bytes_read (const struct bench_case *c, bool damage)
{
  return pixels_of (c, damage) * format_source_bytes (c->from);
}

uint64_t
case_bytes_written (const struct bench_case *c, bool damage)
{
  for (const struct frame_format *to = frame_formats; to->fourcc; to++) {
    if (to->fourcc == c->to)
      return pixels_of (c, damage) * to->bits / 8;
  }
  g_return_val_if_reached (0);
}

double
case_rate (const struct bench_case *c, const struct aspect *aspect, double ns)
{
  return (double) (case_bytes_read (c, aspect->damage) + case_bytes_written (c, aspect->damage)) /
         ns;
}
