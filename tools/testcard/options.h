/* SPDX-License-Identifier: MIT */
/* The kernel's command line. */
#ifndef TESTCARD_OPTIONS_H
#define TESTCARD_OPTIONS_H

#include "card.h"

#define OPTIONS_FPS_MAX UINT32_MAX

typedef struct {
  int32_t width, height; /* 0 x 0: what the display wants */
  uint32_t fps;          /* 0 to 1000, or OPTIONS_FPS_MAX */
  CardDamage damage;
  bool cursor;
  uint32_t heads; /* 1 to 16 */
} Options;

/* Reads "PATH name=value …"; the first word, and words without '=', are the kernel's path. An
 * unknown name or a bad value is fatal: a test must not run with other settings than it asked for.
 */
void options_parse (const char *line, Options *options);

#endif
