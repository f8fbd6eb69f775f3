/* SPDX-License-Identifier: MIT */
/* The engine: four rows at once by a kernel where a rectangle covers whole units of four whole
 * rows, and run by run at its edges. */
#include "import/detile/detile.h"

#include <string.h>

/* Rows that are copied before going to the right: their target is on fewer pages than a first-level
 * TLB knows. */
#define BAND 32u

/* A rectangle in bytes and rows. */
struct span {
  uint32_t first, last; /* byte columns: first, and one past the last */
  uint32_t top, bottom; /* rows, likewise */
};

struct work {
  const struct plan *plan;
  const uint8_t *source;
  detile_kernel kernel; /* NULL: run by run */
  uint32_t unit;        /* bytes of a row that the kernel takes at once */
};

static detile_kernel
find_kernel (const struct detile_kernels *kernels, enum plan_unit unit)
{
  switch (unit) {
  case PLAN_UNIT_512:
    return kernels->run_512;
  case PLAN_UNIT_64:
    return kernels->run_64;
  case PLAN_UNIT_16:
    return kernels->run_16;
  case PLAN_UNIT_PAIR:
    return kernels->pair;
  case PLAN_UNIT_CROSSED:
    return kernels->crossed;
  case PLAN_UNIT_FOLDED:
    return kernels->folded;
  default:
    return NULL;
  }
}

/* Loops over runs of one length, which the compiler knows where run is a constant. */
static inline void
copy_runs (const uint8_t *from, const uint32_t *columns, uint32_t address, size_t n, size_t run,
           uint8_t *to)
{
  for (size_t i = 0; i < n; i++)
    memcpy (to + i * run, from + (columns[i] ^ address), run);
}

static void
copy_whole_runs (const uint8_t *from, const uint32_t *columns, uint32_t address, size_t n,
                 size_t run, uint8_t *to)
{
  switch (run) {
  case 1:
    return copy_runs (from, columns, address, n, 1, to);
  case 2:
    return copy_runs (from, columns, address, n, 2, to);
  case 4:
    return copy_runs (from, columns, address, n, 4, to);
  case 8:
    return copy_runs (from, columns, address, n, 8, to);
  case 16:
    return copy_runs (from, columns, address, n, 16, to);
  default:
    return copy_runs (from, columns, address, n, run, to);
  }
}

/* Bytes first to last of row v. */
static void
copy_row (const struct work *work, uint32_t v, uint32_t first, uint32_t last, uint8_t *to)
{
  const struct plan *plan = work->plan;
  const struct plan_row *row = &plan->rows[v];
  const uint32_t *columns = plan->columns[row->backwards];
  const uint8_t *from = work->source + row->base;
  uint32_t run = plan->run;
  uint32_t head = first % run ? MIN (run - first % run, last - first) : 0;

  if (head > 0)
    memcpy (to, from + (columns[first / run] ^ row->address) + first % run, head);
  to += head;
  first += head;

  size_t n = (last - first) / run;
  copy_whole_runs (from, columns + first / run, row->address, n, run, to);
  first += (uint32_t) n * run;
  if (first < last)
    memcpy (to + n * run, from + (columns[first / run] ^ row->address), last - first);
}

/* Four rows from v on; span->first and last are anywhere, the middle goes through the kernel. */
static void
copy_four (const struct work *work, uint32_t v, const struct span *span,
           struct detile_target target)
{
  const struct plan *plan = work->plan;
  uint32_t first = MIN ((span->first + work->unit - 1) / work->unit * work->unit, span->last);
  uint32_t last = MAX (span->last / work->unit * work->unit, first);
  struct detile_block block = { .columns =
                                    plan->columns[plan->rows[v].backwards] + first / plan->run,
                                .n = (last - first) / work->unit };

  for (unsigned r = 0; r < DETILE_ROWS; r++, target.data += target.stride) {
    block.from[r] = work->source + plan->rows[v + r].base;
    block.address[r] = plan->rows[v + r].address;
    block.to[r] = target.data + (first - span->first);
    if (first > span->first)
      copy_row (work, v + r, span->first, first, target.data);
    if (span->last > last)
      copy_row (work, v + r, last, span->last, target.data + (last - span->first));
  }
  if (block.n > 0)
    work->kernel (&block);
}

static void
copy_span (const struct work *work, const struct span *span, struct detile_target target)
{
  for (uint32_t v = span->top; v < span->bottom;) {
    if (work->kernel && v % DETILE_ROWS == 0 && span->bottom - v >= DETILE_ROWS) {
      copy_four (work, v, span, target);
      target.data += DETILE_ROWS * target.stride;
      v += DETILE_ROWS;
    } else {
      copy_row (work, v, span->first, span->last, target.data);
      target.data += target.stride;
      v++;
    }
  }
}

/* From the left to the right, plan->reach bytes at a time. */
static void
copy_band (const struct work *work, const struct span *span, struct detile_target target)
{
  uint32_t reach = work->plan->reach;

  for (uint32_t first = span->first; first < span->last;) {
    uint32_t last = MIN ((first / reach + 1) * reach, span->last);
    struct span part = { first, last, span->top, span->bottom };

    copy_span (work, &part, target);
    target.data += last - first;
    first = last;
  }
}

void
detile_rect (const struct plan *plan, const struct detile_kernels *kernels, const uint8_t *source,
             struct rect r, struct detile_target target)
{
  struct work work = {
    .plan = plan,
    .source = source,
    .kernel = find_kernel (kernels, plan->unit),
    .unit = MAX (plan->run, plan->unit >= PLAN_UNIT_PAIR ? 8 : 1),
  };
  struct span span = {
    .first = (uint32_t) r.x * plan->cpp,
    .last = (uint32_t) (r.x + r.width) * plan->cpp,
    .top = (uint32_t) r.y,
    .bottom = (uint32_t) (r.y + r.height),
  };

  for (uint32_t bottom = span.bottom; span.top < bottom; span.top = span.bottom) {
    span.bottom = MIN ((span.top / BAND + 1) * BAND, bottom);
    copy_band (&work, &span, target);
    target.data += (ptrdiff_t) (span.bottom - span.top) * target.stride;
  }
}
