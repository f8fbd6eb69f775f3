/* SPDX-License-Identifier: MIT */
/* From an equation to tables: where blocks begin, what a copy can take at once, and the bounds of
 * it all. */
#include "import/detile/plan.h"

/* Bytes that a row of blocks (or all columns of them) may span, for a table of 32 bits. */
#define MAX_SPAN G_MAXINT32

/* Four rows of a picture in blocks larger than a page are on more pages than a first-level TLB
 * knows, so it pays to go down before going on to the right. Measured at 3840×2160. */
#define LARGE_BLOCK 4096
#define LARGE_BLOCK_REACH 1024

/* How the blocks of one picture stand. */
struct grid {
  uint32_t block_width, block_height; /* bytes, rows */
  uint64_t block;                     /* bytes */
  uint64_t across, down;              /* blocks that there are */
  uint64_t step_x, step_y;            /* bytes from a block to its neighbours */
};

static bool
refuse (char **reason, char *why)
{
  *reason = why;
  return false;
}

static uint64_t
divide_up (uint64_t n, uint64_t by)
{
  return (n + by - 1) / by;
}

static bool
by_stride (const struct equation *equation)
{
  return equation->order == EQUATION_ROWS || equation->order == EQUATION_ZIGZAG;
}

static bool
check_stride (const struct equation *equation, uint32_t stride, char **reason)
{
  uint32_t width = 1u << equation->width_bits;

  if (!by_stride (equation) || stride % width == 0)
    return true;
  return refuse (reason, g_strdup_printf ("needs a stride that is a multiple of %u bytes, not %u",
                                          width, stride));
}

static void
grid_init (struct grid *grid, const struct equation *equation,
           const struct equation_request *request, uint32_t stride)
{
  uint64_t row = (uint64_t) request->width * request->cpp;

  *grid = (struct grid){ .block_width = 1u << equation->width_bits,
                         .block_height = 1u << equation_height_bits (equation),
                         .block = (uint64_t) 1 << equation->bits };
  grid->across =
      by_stride (equation) ? stride / grid->block_width : divide_up (row, grid->block_width);
  grid->down = divide_up (request->height, grid->block_height);
  if (equation->order == EQUATION_COLUMNS) {
    grid->step_y = grid->block;
    grid->step_x = divide_up (equation->column_rows, grid->block_height) * grid->block;
  } else {
    grid->step_x = grid->block;
    grid->step_y = grid->across * grid->block;
  }
}

/* ---- what can be copied at once ---- */

/* The bits of an address below `bits` are those of the column, and nothing above them depends on
 * these. */
static bool
has_run (const struct equation *equation, unsigned bits)
{
  uint32_t low = (1u << bits) - 1;

  for (unsigned i = 0; i < equation->bits; i++) {
    uint32_t wanted = i < bits ? 1u << i : 0;

    if ((equation->u[i] & low) != wanted)
      return false;
    if (i < bits && (equation->u[i] != wanted || equation->v[i] || equation->flip >> i & 1))
      return false;
  }
  return true;
}

static unsigned
find_run (const struct equation *equation)
{
  unsigned bits = 0;

  while (bits < equation->width_bits && has_run (equation, bits + 1))
    bits++;
  return bits;
}

/* Do 16 bytes hold 8 columns of an even row and of the odd one below it? */
static bool
is_pair (const struct equation *equation)
{
  if (equation->width_bits < 3 || equation_height_bits (equation) < 1)
    return false;
  for (unsigned i = 0; i < equation->bits; i++) {
    if (i < 4 && (equation->u[i] > 7 || equation->v[i] > 1 || equation->flip >> i & 1))
      return false;
    if (i >= 4 && (equation->u[i] & 7 || equation->v[i] & 1))
      return false;
  }
  return equation->bits > 4;
}

static enum plan_unit
pair_unit (const struct equation *equation)
{
  const uint32_t *u = equation->u;
  const uint32_t *v = equation->v;

  if (!is_pair (equation) || u[0] != 1 || u[1] != 2 || v[0] || v[1])
    return PLAN_UNIT_RUN;
  if (u[2] == 4 && v[2] == 0 && u[3] == 0 && v[3] == 1)
    return PLAN_UNIT_PAIR;
  if (u[2] == 0 && v[2] == 1 && u[3] == 4 && v[3] == 0)
    return PLAN_UNIT_CROSSED;
  if (u[2] == 4 && v[2] == 1 && u[3] == 0 && v[3] == 1)
    return PLAN_UNIT_FOLDED;
  return PLAN_UNIT_RUN;
}

/* The four rows of a kernel go the same way. */
static bool
has_four_rows (const struct equation *equation)
{
  return equation->order != EQUATION_ZIGZAG || equation_height_bits (equation) >= 2;
}

static void
choose_unit (struct plan *plan, const struct equation *equation)
{
  unsigned run = 1u << find_run (equation);

  if (!has_four_rows (equation)) {
    plan->unit = PLAN_UNIT_RUN;
    plan->run = MIN (run, 8);
  } else if (run >= 512) {
    plan->unit = PLAN_UNIT_512;
    plan->run = 512;
  } else if (run >= 64) {
    plan->unit = PLAN_UNIT_64;
    plan->run = 64;
  } else if (run >= 16) {
    plan->unit = PLAN_UNIT_16;
    plan->run = 16;
  } else {
    plan->unit = pair_unit (equation);
    plan->run = run;
  }
}

/* ---- tables ---- */

static uint32_t *
make_columns (const struct plan *plan, const struct equation *equation, const struct grid *grid,
              bool backwards)
{
  size_t n = (size_t) divide_up ((uint64_t) plan->width * plan->cpp, plan->run);
  uint32_t *columns = g_new (uint32_t, n);

  for (size_t i = 0; i < n; i++) {
    uint32_t u = (uint32_t) i * plan->run;
    uint64_t block = u / grid->block_width;

    if (backwards)
      block = grid->across - 1 - block;
    columns[i] = (uint32_t) (block * grid->step_x) ^ equation_of_column (equation, u);
  }
  return columns;
}

static struct plan_row *
make_rows (const struct plan *plan, const struct equation *equation, const struct grid *grid)
{
  struct plan_row *rows = g_new (struct plan_row, plan->height);

  for (uint32_t v = 0; v < plan->height; v++) {
    uint64_t block = v / grid->block_height;

    rows[v] = (struct plan_row){
      .base = block * grid->step_y,
      .address = equation_of_row (equation, v),
      .backwards = equation->order == EQUATION_ZIGZAG ? (uint32_t) (block & 1) : 0,
    };
  }
  return rows;
}

bool
plan_size (uint64_t *size, const struct equation *equation, const struct equation_request *request,
           uint32_t stride, char **reason)
{
  struct grid grid = { 0 };

  if (!check_stride (equation, stride, reason))
    return false;
  grid_init (&grid, equation, request, stride);
  if (grid.across < divide_up ((uint64_t) request->width * request->cpp, grid.block_width))
    return refuse (reason, g_strdup_printf ("has a stride of %u bytes, less than a row", stride));
  if (grid.across * grid.step_x > MAX_SPAN)
    return refuse (
        reason, g_strdup_printf ("has a stride of %u bytes, more than any picture needs", stride));
  *size = equation->order == EQUATION_COLUMNS ? grid.across * grid.step_x : grid.down * grid.step_y;
  return true;
}

void
plan_init (struct plan *plan, const struct equation *equation,
           const struct equation_request *request, uint32_t stride)
{
  struct grid grid = { 0 };

  *plan = (struct plan){ .cpp = request->cpp, .width = request->width, .height = request->height };
  grid_init (&grid, equation, request, stride);
  choose_unit (plan, equation);
  plan->reach = grid.block > LARGE_BLOCK ? LARGE_BLOCK_REACH : G_MAXINT32 / 512 * 512;
  plan->columns[0] = make_columns (plan, equation, &grid, false);
  if (equation->order == EQUATION_ZIGZAG)
    plan->columns[1] = make_columns (plan, equation, &grid, true);
  plan->rows = make_rows (plan, equation, &grid);
}

void
plan_clear (struct plan *plan)
{
  g_free (plan->columns[0]);
  g_free (plan->columns[1]);
  g_free (plan->rows);
  *plan = (struct plan){ 0 };
}

uint64_t
plan_address (const struct plan *plan, uint32_t u, uint32_t v)
{
  const struct plan_row *row = &plan->rows[v];

  return row->base + (plan->columns[row->backwards][u / plan->run] ^ row->address) + u % plan->run;
}
