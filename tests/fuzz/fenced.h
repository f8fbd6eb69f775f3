/* SPDX-License-Identifier: MIT */
/* Memory of any size with a page on one side that nobody may touch: reading or writing a byte too
 * many ends the program, with a sanitizer or without. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define FENCED_PAGE ((size_t) 4096)

struct fenced {
  uint8_t *base, *data;
  size_t length; /* of all pages */
};

/* before: the page is in front of the first byte, else behind the last one. */
static inline struct fenced
fenced_new (size_t size, bool before)
{
  size_t pages = (size + FENCED_PAGE - 1) / FENCED_PAGE * FENCED_PAGE;
  size_t length = pages + FENCED_PAGE;
  uint8_t *base = mmap (NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (base == MAP_FAILED || mprotect (before ? base : base + pages, FENCED_PAGE, PROT_NONE) != 0)
    abort ();
  return (struct fenced){ base, before ? base + FENCED_PAGE : base + pages - size, length };
}

static inline void
fenced_free (struct fenced *fenced)
{
  if (fenced->base)
    munmap (fenced->base, fenced->length);
  *fenced = (struct fenced){ 0 };
}
