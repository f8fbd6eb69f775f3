/* SPDX-License-Identifier: MIT */
/* Draws with cairo: above how the frames of each mode are spread over time, below where in each
 * stage its median, its 99 percent and its longest are. */
#include "report/plot.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <gio/gio.h>
#include <math.h>

#include "report/plot-axis.h"

#define WIDTH 960.0
#define LEFT 110.0
#define RIGHT 40.0
#define TOP 82.0
#define SPREAD_HEIGHT 300.0 /* of the distributions */
#define GAP 84.0
#define ROW 14.0 /* a mode in a stage */
#define BOTTOM 52.0
#define COLUMNS 200
#define FONT 12.0

/* Told apart by those too who do not see all colours. */
static const double colors[][3] = {
  { 0.00, 0.45, 0.70 }, { 0.84, 0.37, 0.00 }, { 0.00, 0.62, 0.45 }, { 0.80, 0.47, 0.65 }
};

struct plot {
  cairo_t *cairo;
  const char *caption;
  const GPtrArray *summaries;
  struct plot_axis frames_axis, stages_axis;
  GPtrArray *stages; /* names of those that occur, borrowed */
  double height;
};

static bool
is_svg (const char *file)
{
  return g_str_has_suffix (file, ".svg");
}

bool
plot_check_name (const char *file, GError **error)
{
  if (is_svg (file) || g_str_has_suffix (file, ".png"))
    return true;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "the name of a plot ends in .svg or .png, not as '%s' does", file);
  return false;
}

static const struct summary *
summary_at (const struct plot *plot, unsigned i)
{
  return plot->summaries->pdata[i];
}

static void
set_color (const struct plot *plot, unsigned mode, double alpha)
{
  const double *c = colors[mode % G_N_ELEMENTS (colors)];

  cairo_set_source_rgba (plot->cairo, c[0], c[1], c[2], alpha);
}

static void
set_gray (const struct plot *plot, double level)
{
  cairo_set_source_rgb (plot->cairo, level, level, level);
}

/* align: 0 the text begins at x, 0.5 it is in the middle there, 1 it ends there. */
static void
draw_text (const struct plot *plot, double x, double y, double align, const char *text)
{
  cairo_text_extents_t extents;

  cairo_text_extents (plot->cairo, text, &extents);
  cairo_move_to (plot->cairo, x - align * extents.x_advance, y);
  cairo_show_text (plot->cairo, text);
}

static void
draw_line (const struct plot *plot, double x1, double y1, double x2, double y2)
{
  cairo_move_to (plot->cairo, x1, y1);
  cairo_line_to (plot->cairo, x2, y2);
  cairo_stroke (plot->cairo);
}

static double
stages_top (void)
{
  return TOP + SPREAD_HEIGHT + GAP;
}

static void
draw_axis (const struct plot *plot, const struct plot_axis *axis, double top, double bottom)
{
  cairo_set_line_width (plot->cairo, 1);
  for (int step = axis->first; step <= axis->last; step++) {
    double x = plot_axis_x (axis, plot_axis_step (step));
    g_autofree char *label = plot_axis_label (step);

    set_gray (plot, 0.85);
    draw_line (plot, x, top, x, bottom);
    set_gray (plot, 0.2);
    draw_text (plot, x, bottom + 18, 0.5, label);
  }
}

static void
draw_axes (const struct plot *plot)
{
  double bottom = plot->height - BOTTOM;

  draw_axis (plot, &plot->frames_axis, TOP, TOP + SPREAD_HEIGHT);
  draw_axis (plot, &plot->stages_axis, stages_top (), bottom);
  draw_text (plot, LEFT + plot->stages_axis.width / 2, bottom + 38, 0.5,
             "since the call was read (logarithmic)");
}

/* ---- above: the distributions ---- */

static double
highest_share (const struct plot *plot)
{
  double shares[COLUMNS];
  double highest = 0;

  for (unsigned i = 0; i < plot->summaries->len; i++) {
    plot_axis_shares (&plot->frames_axis, &summary_at (plot, i)->taken, shares, COLUMNS);
    for (unsigned k = 0; k < COLUMNS; k++)
      highest = MAX (highest, shares[k]);
  }
  return highest > 0 ? highest : 1;
}

static void
trace_shares (const struct plot *plot, const double *shares, double highest)
{
  double bottom = TOP + SPREAD_HEIGHT;
  double step = plot->frames_axis.width / COLUMNS;

  cairo_move_to (plot->cairo, LEFT, bottom);
  for (unsigned k = 0; k < COLUMNS; k++) {
    double y = bottom - SPREAD_HEIGHT * shares[k] / highest;

    cairo_line_to (plot->cairo, LEFT + k * step, y);
    cairo_line_to (plot->cairo, LEFT + (k + 1) * step, y);
  }
  cairo_line_to (plot->cairo, LEFT + plot->frames_axis.width, bottom);
}

static void
draw_spread (const struct plot *plot, unsigned mode, double highest)
{
  const struct histogram *taken = &summary_at (plot, mode)->taken;
  double median = plot_axis_x (&plot->frames_axis, (double) histogram_percentile (taken, 500));
  double shares[COLUMNS];

  plot_axis_shares (&plot->frames_axis, taken, shares, COLUMNS);
  trace_shares (plot, shares, highest);
  set_color (plot, mode, 0.25);
  cairo_fill_preserve (plot->cairo);
  set_color (plot, mode, 1);
  cairo_set_line_width (plot->cairo, 1.5);
  cairo_stroke (plot->cairo);
  cairo_set_dash (plot->cairo, (const double[]){ 4, 3 }, 2, 0);
  draw_line (plot, median, TOP, median, TOP + SPREAD_HEIGHT);
  cairo_set_dash (plot->cairo, NULL, 0, 0);
}

static void
draw_spreads (const struct plot *plot)
{
  double highest = highest_share (plot);
  g_autofree char *top = g_strdup_printf ("%.1f %%", 100 * highest);

  set_gray (plot, 0.2);
  draw_text (plot, LEFT - 8, TOP + 10, 1, top);
  draw_text (plot, LEFT - 8, TOP + SPREAD_HEIGHT, 1, "0 %");
  draw_text (plot, LEFT - 8, TOP + SPREAD_HEIGHT / 2, 1, "frames per");
  draw_text (plot, LEFT - 8, TOP + SPREAD_HEIGHT / 2 + 15, 1, "column");
  draw_line (plot, LEFT, TOP + SPREAD_HEIGHT, LEFT + plot->frames_axis.width, TOP + SPREAD_HEIGHT);
  for (unsigned i = 0; i < plot->summaries->len; i++)
    draw_spread (plot, i, highest);
}

static void
draw_legend (const struct plot *plot)
{
  double x = LEFT;

  cairo_set_font_size (plot->cairo, FONT + 3);
  set_gray (plot, 0);
  draw_text (plot, LEFT, 24, 0, "From QEMU's call to the frame in the application's hands");
  cairo_set_font_size (plot->cairo, FONT);
  set_gray (plot, 0.4);
  draw_text (plot, LEFT, 43, 0, plot->caption);
  for (unsigned i = 0; i < plot->summaries->len; i++) {
    const struct summary *summary = summary_at (plot, i);
    g_autofree char *text = g_strdup_printf (
        "%s: p50 %" G_GUINT64_FORMAT " \302\265s, p99 %" G_GUINT64_FORMAT
        " \302\265s, %.0f frames/s",
        summary->mode, histogram_percentile (&summary->taken, 500),
        histogram_percentile (&summary->taken, 990), summary->figures[FIGURE_RATE]);
    cairo_text_extents_t extents;

    set_color (plot, i, 1);
    cairo_rectangle (plot->cairo, x, 56, 12, 12);
    cairo_fill (plot->cairo);
    set_gray (plot, 0.2);
    draw_text (plot, x + 18, 67, 0, text);
    cairo_text_extents (plot->cairo, text, &extents);
    x += extents.x_advance + 44;
  }
}

/* ---- below: the stages ---- */

static void
add_stages (GPtrArray *names, const struct summary *summary)
{
  for (unsigned i = 0; i < summary->stages->len; i++) {
    const struct stage *stage = &g_array_index (summary->stages, struct stage, i);

    if (stage->n > 0 && !g_ptr_array_find_with_equal_func (names, stage->name, g_str_equal, NULL))
      g_ptr_array_add (names, stage->name);
  }
}

/* A bar from the median to 99 percent, with a line to the longest. */
static void
draw_stage (const struct plot *plot, unsigned mode, const struct stage *stage, double y)
{
  double p50 = plot_axis_x (&plot->stages_axis, stage->p50);
  double p99 = plot_axis_x (&plot->stages_axis, stage->p99);
  double max = plot_axis_x (&plot->stages_axis, stage->max);

  set_color (plot, mode, 0.8);
  cairo_rectangle (plot->cairo, p50, y + 2, MAX (p99 - p50, 2), ROW - 5);
  cairo_fill (plot->cairo);
  set_color (plot, mode, 1);
  cairo_set_line_width (plot->cairo, 1);
  draw_line (plot, p99, y + ROW / 2, max, y + ROW / 2);
  draw_line (plot, max, y + 3, max, y + ROW - 3);
}

static void
draw_stages (const struct plot *plot)
{
  unsigned n = plot->summaries->len;
  double y = stages_top ();

  set_gray (plot, 0.2);
  draw_text (plot, LEFT, y - 10, 0, "Stages: bar from p50 to p99, line to the longest");
  for (unsigned k = 0; k < plot->stages->len; k++) {
    const char *name = plot->stages->pdata[k];

    set_gray (plot, 0.2);
    draw_text (plot, LEFT - 8, y + n * ROW / 2 + 4, 1, name);
    for (unsigned i = 0; i < n; i++) {
      const struct stage *stage = stages_find (summary_at (plot, i)->stages, name);

      if (stage && stage->n > 0)
        draw_stage (plot, i, stage, y + i * ROW);
    }
    y += n * ROW + 6;
  }
}

static void
draw (const struct plot *plot)
{
  set_gray (plot, 1);
  cairo_paint (plot->cairo);
  cairo_select_font_face (plot->cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                          CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size (plot->cairo, FONT);
  draw_axes (plot);
  draw_spreads (plot);
  draw_legend (plot);
  draw_stages (plot);
}

/* ---- the file ---- */

static cairo_surface_t *
surface_new (const char *file, double height)
{
  return is_svg (file) ? cairo_svg_surface_create (file, WIDTH, height)
                       : cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int) WIDTH, (int) height);
}

static bool
save (cairo_surface_t *surface, const char *file, GError **error)
{
  cairo_status_t status = CAIRO_STATUS_SUCCESS;

  if (!is_svg (file))
    status = cairo_surface_write_to_png (surface, file);
  cairo_surface_finish (surface);
  if (status == CAIRO_STATUS_SUCCESS)
    status = cairo_surface_status (surface);
  if (status != CAIRO_STATUS_SUCCESS)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot write '%s': %s", file,
                 cairo_status_to_string (status));
  return status == CAIRO_STATUS_SUCCESS;
}

/* Borrowed summaries. Full transfer of the array. */
static GPtrArray *
with_frames (const GPtrArray *summaries)
{
  GPtrArray *some = g_ptr_array_new ();

  for (unsigned i = 0; i < summaries->len; i++) {
    if (((const struct summary *) summaries->pdata[i])->taken.n > 0)
      g_ptr_array_add (some, summaries->pdata[i]);
  }
  return some;
}

bool
plot_write (const char *file, const char *caption, const GPtrArray *summaries, GError **error)
{
  g_autoptr (GPtrArray) some = with_frames (summaries);
  g_autoptr (GPtrArray) stages = g_ptr_array_new ();
  struct plot plot = { .caption = caption, .summaries = some, .stages = stages };

  if (some->len == 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "'%s' is not drawn: there was no frame",
                 file);
    return false;
  }
  for (unsigned i = 0; i < some->len; i++)
    add_stages (stages, some->pdata[i]);
  plot.frames_axis = plot_axis_of_frames (some, LEFT, WIDTH - LEFT - RIGHT);
  plot.stages_axis = plot_axis_of_stages (some, LEFT, WIDTH - LEFT - RIGHT);
  plot.height = stages_top () + stages->len * (some->len * ROW + 6) + BOTTOM;
  cairo_surface_t *surface = surface_new (file, plot.height);
  plot.cairo = cairo_create (surface);
  draw (&plot);
  cairo_destroy (plot.cairo);
  bool good = save (surface, file, error);
  cairo_surface_destroy (surface);
  return good;
}
