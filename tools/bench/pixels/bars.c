/* SPDX-License-Identifier: MIT */
/* The list of bars, and who runs against whom. */
#include "pixels/bars.h"

#include <drm_fourcc.h>
#include <string.h>

#include "common/messages.h"
#include "pixels/numpy.h"
#include "pixels/paths.h"
#include "pixels/report.h"
#include "pixels/yuv.h"
#include "shared/eta.h"
#include "shared/interrupt.h"

enum rival { RIVAL_LIBYUV, RIVAL_NUMPY, RIVAL_MEMCPY, RIVAL_FULL_FRAME };

static const char *const rival_names[] = { "libyuv alone", "NumPy", "memcpy", "full frame" };

struct plan {
  struct bench_case c;
  struct aspect aspect;
  enum rival rival;
  double limit;
};

static const struct size size_small = { 1280, 800 };
static const struct size size_hd = { 1920, 1080 };
static const struct size size_4k = { 3840, 2160 };

static void
add (GArray *plans, uint32_t to, const struct memory_layout *layout, struct size size,
     enum rival rival, double limit)
{
  struct plan plan = { .c = { DRM_FORMAT_XRGB8888, to, layout, size },
                       .aspect = { .damage = rival == RIVAL_FULL_FRAME },
                       .rival = rival,
                       .limit = limit };

  g_array_append_val (plans, plan);
}

static void
add_conversions (GArray *plans)
{
  add (plans, DRM_FORMAT_BGR888, &layout_rows, size_small, RIVAL_LIBYUV, 1.15);
  add (plans, DRM_FORMAT_BGR888, &layout_rows, size_small, RIVAL_NUMPY, 60);
  add (plans, DRM_FORMAT_NV12, &layout_rows, size_hd, RIVAL_LIBYUV, 1.1);
  add (plans, DRM_FORMAT_NV12, &layout_rows, size_4k, RIVAL_LIBYUV, 1.1);
  add (plans, DRM_FORMAT_YUV420, &layout_rows, size_hd, RIVAL_LIBYUV, 1.1);
  add (plans, DRM_FORMAT_YUV420, &layout_rows, size_4k, RIVAL_LIBYUV, 1.1);
}

static double
detile_limit (const struct memory_layout *layout)
{
  if (layout->run_4 >= 16)
    return 2;
  return layout->run_4 >= 8 ? 3 : 4;
}

static void
add_layouts (GArray *plans)
{
  for (const struct memory_layout *layout = layouts_tiled; layout->name; layout++)
    add (plans, DRM_FORMAT_XRGB8888, layout, size_4k, RIVAL_MEMCPY, detile_limit (layout));
}

static const struct memory_layout *
find_layout (uint64_t modifier)
{
  const struct memory_layout *layout = layouts_tiled;

  while (layout->modifier != modifier)
    layout++;
  return layout;
}

static void
add_damage (GArray *plans)
{
  static const uint32_t outputs[] = { DRM_FORMAT_XRGB8888, DRM_FORMAT_BGR888, DRM_FORMAT_NV12,
                                      DRM_FORMAT_YUV420, DRM_FORMAT_YUV444 };
  const struct memory_layout *tiled = find_layout (I915_FORMAT_MOD_Y_TILED);

  for (size_t i = 0; i < G_N_ELEMENTS (outputs); i++) {
    add (plans, outputs[i], &layout_rows, size_4k, RIVAL_FULL_FRAME, 1.0 / 50);
    add (plans, outputs[i], tiled, size_4k, RIVAL_FULL_FRAME, 1.0 / 50);
  }
}

/* Of struct plan. Full transfer. */
static GArray *
list_plans (const char *filter)
{
  GArray *plans = g_array_new (FALSE, FALSE, sizeof (struct plan));

  add_conversions (plans);
  add_layouts (plans);
  add_damage (plans);
  for (unsigned i = plans->len; i-- > 0;) {
    const struct plan *plan = &g_array_index (plans, struct plan, i);

    if (!case_matches (&plan->c, &plan->aspect, filter))
      g_array_remove_index (plans, i);
  }
  return plans;
}

/* ---- one bar ---- */

typedef gint64 (*path_fn) (void *scene, unsigned round, GError **error);

static path_fn
path_against (enum rival rival)
{
  switch (rival) {
  case RIVAL_NUMPY:
    return path_whole_again;
  case RIVAL_FULL_FRAME:
    return path_damage;
  case RIVAL_LIBYUV:
  case RIVAL_MEMCPY:
  default:
    return path_whole;
  }
}

static bool
hold (const struct plan *plan, struct scene *scene, struct runner baseline, unsigned pairs,
      struct result *result, GError **error)
{
  struct contest contest = { .path = { path_against (plan->rival), scene },
                             .baseline = baseline,
                             .pairs = pairs };

  return contest_hold (&contest, result, error);
}

static bool
hold_numpy (const struct plan *plan, struct scene *scene, unsigned pairs, struct result *result,
            GError **error)
{
  struct numpy *numpy = numpy_start (scene, error);

  if (!numpy)
    return false;
  bool good = hold (plan, scene, (struct runner){ numpy_run, numpy }, pairs, result, error);
  numpy_stop (numpy);
  return good;
}

static bool
hold_rival (const struct plan *plan, struct scene *scene, unsigned pairs, struct result *result,
            GError **error)
{
  switch (plan->rival) {
  case RIVAL_NUMPY:
    return hold_numpy (plan, scene, pairs, result, error);
  case RIVAL_LIBYUV:
    return hold (plan, scene, (struct runner){ yuv_run, scene }, pairs, result, error);
  case RIVAL_FULL_FRAME:
    return hold (plan, scene, (struct runner){ path_whole, scene }, pairs, result, error);
  case RIVAL_MEMCPY:
  default:
    return hold (plan, scene, (struct runner){ path_memcpy, scene }, pairs, result, error);
  }
}

static struct verdict
judge (const struct bar *bar, const struct result *result)
{
  struct verdict verdict = { .result = *result, .ratio = result->ratio };

  if (bar->times_faster)
    verdict.ratio =
        (struct spread){ 1 / result->ratio.p90, 1 / result->ratio.median, 1 / result->ratio.p10 };
  verdict.met =
      bar->times_faster ? verdict.ratio.median >= bar->limit : verdict.ratio.median <= bar->limit;
  return verdict;
}

/* NULL error and no verdict: a signal came. */
static bool
measure (const struct plan *plan, const struct bar *bar, unsigned pairs, struct verdict *verdict)
{
  g_autoptr (GError) error = NULL;
  struct scene scene;
  struct result result;
  bool good =
      scene_init (&scene, &plan->c, &error) && hold_rival (plan, &scene, pairs, &result, &error);

  scene_clear (&scene);
  if (good)
    *verdict = judge (bar, &result);
  else if (error)
    *verdict = (struct verdict){ .why = g_strdup (error->message) };
  return good || error;
}

/* What a machine without NumPy leaves open is no failure of this one. */
static enum status
status_of (const struct plan *plan, const struct verdict *verdict)
{
  if (verdict->why)
    return plan->rival == RIVAL_NUMPY ? STATUS_OK : STATUS_FAILED;
  return verdict->met ? STATUS_OK : STATUS_MISSED;
}

static enum status
run_bar (struct report *report, const struct plan *plan, unsigned pairs)
{
  struct bar bar = { .path = case_name (&plan->c, &plan->aspect),
                     .baseline = rival_names[plan->rival],
                     .times_faster = plan->rival == RIVAL_NUMPY,
                     .limit = plan->limit };
  struct verdict verdict = { .why = NULL };
  enum status status = STATUS_OK;

  eta_show (bar.path);
  if (measure (plan, &bar, pairs, &verdict)) {
    report_bar (report, &bar, &verdict);
    status = status_of (plan, &verdict);
  }
  eta_add (1);
  g_free (verdict.why);
  g_free (bar.path);
  return status;
}

enum status
bars_run (struct report *report, const char *filter, unsigned pairs)
{
  g_autoptr (GArray) plans = list_plans (filter);
  enum status status = STATUS_OK;

  if (plans->len == 0) {
    message_error ("no bar has the words '%s' in this order", filter);
    return STATUS_USAGE;
  }
  eta_begin (plans->len);
  for (unsigned i = 0; i < plans->len && !interrupt_came () && !report_is_lost (report); i++) {
    enum status next = run_bar (report, &g_array_index (plans, struct plan, i), pairs);

    status = MAX (status, next);
  }
  eta_end ();
  return status;
}
