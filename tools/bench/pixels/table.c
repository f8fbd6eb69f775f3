/* SPDX-License-Identifier: MIT */
/* Columns as wide as what is known to come. */
#include "pixels/table.h"

#include <stdio.h>

#include "pixels/formats.h"
#include "shared/eta.h"

/* Files and pipes see each line when it is measured, as a terminal does. */
static void
end_line (void)
{
  printf ("\n");
  fflush (stdout);
}

void
table_header (void)
{
  eta_hide ();
  printf ("\n%-5s%-15s%-5s%-21s%-5s%11s%8s%11s%8s%8s", "from", "layout", "to", "size", "src", "ms",
          "GB/s", "x memcpy", "p10", "p90");
  end_line ();
}

static void
print_case (const struct bench_case *c, const struct aspect *aspect)
{
  g_autofree char *from = format_name (c->from);
  g_autofree char *to = format_name (c->to);
  g_autofree char *size = case_size (c, aspect);

  eta_hide ();
  printf ("%-5s%-15s%-5s%-21s%-5s", from, c->layout->name, to, size,
          aspect->cold ? "cold" : "warm");
}

void
table_row (const struct bench_case *c, const struct aspect *aspect, const struct result *result)
{
  const struct spread *ratio = &result->ratio;

  print_case (c, aspect);
  printf ("%11.4f%8.2f%11.2f%8.2f%8.2f", result->path.median / 1e6,
          case_rate (c, aspect, result->path.median), ratio->median, ratio->p10, ratio->p90);
  end_line ();
}

void
table_failure (const struct bench_case *c, const struct aspect *aspect, const char *why)
{
  print_case (c, aspect);
  printf (" not measured: %s", why);
  end_line ();
}

void
table_bars_header (void)
{
  eta_hide ();
  printf ("\n%-43s%-13s%9s%9s%9s%9s%9s%7s", "path", "against", "ms", "its ms", "median", "p10",
          "p90", "limit");
  end_line ();
}

void
table_bar (const struct bar *bar, const struct verdict *verdict)
{
  const struct spread *ratio = &verdict->ratio;

  eta_hide ();
  printf ("%-43s%-13s", bar->path, bar->baseline);
  if (verdict->why)
    printf ("%9s%9s%9s%9s%9s%7.3g  not measured: %s", "", "", "", "", "", bar->limit, verdict->why);
  else
    printf ("%9.4f%9.4f%9.4g%9.4g%9.4g%7.3g  %s", verdict->result.path.median / 1e6,
            verdict->result.baseline.median / 1e6, ratio->median, ratio->p10, ratio->p90,
            bar->limit, verdict->met ? "met" : "missed");
  end_line ();
}
