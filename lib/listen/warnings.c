/* SPDX-License-Identifier: MIT */
/* A clock for each kind of warning. */
#include "listen/warnings.h"

#define CODES 32u
#define PAUSE G_USEC_PER_SEC

unsigned
warnings_kind (unsigned method, const GError *error)
{
  return (method * CODES + (unsigned) error->code % CODES) % WARNINGS_KINDS;
}

bool
warnings_allow (struct warnings *warnings, unsigned kind, int64_t now, uint32_t *suppressed)
{
  if (warnings->last[kind] != 0 && now - warnings->last[kind] < PAUSE) {
    warnings->suppressed[kind]++;
    return false;
  }
  *suppressed = warnings->suppressed[kind];
  warnings->suppressed[kind] = 0;
  warnings->last[kind] = now;
  return true;
}
