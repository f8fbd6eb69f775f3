/* SPDX-License-Identifier: MIT */
/* Names of output files: a plain one, a numbered pattern, or one made from the VM's name. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct name_pattern {
  char *before, *after; /* around the number; without one, the name is both together */
  unsigned width;       /* digits at least; shorter numbers get leading zeros */
  bool numbered;
};

/* "frame-%04d.png": at most one %d or %0Nd (N from 1 to 9), and %% for a percent sign. The text is
 * never used as a format of printf. Error: G_OPTION_ERROR. */
bool name_pattern_parse (const char *text, struct name_pattern *pattern, GError **error);
/* qemu-<vm>-<console>.<extension>, or qemu-<vm>-<console>-%04d.<extension>. vm is what the VM calls
 * itself, anything; what does not belong into a file name is replaced. */
void name_pattern_default (const char *vm, unsigned console, const char *extension, bool numbered,
                           struct name_pattern *pattern);
/* Full transfer. number is not used where the pattern has none. */
char *name_pattern_expand (const struct name_pattern *pattern, unsigned number);
void name_pattern_copy (const struct name_pattern *from, struct name_pattern *to);
void name_pattern_clear (struct name_pattern *pattern);
