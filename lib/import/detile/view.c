/* SPDX-License-Identifier: MIT */
/* What is known of the view, process-wide: it is the driver's, not a console's. */
#include "import/detile/view.h"

/* More than there are kinds of block-linear layouts that the CPU knows. */
#define MAX_KINDS 8

#define BLOCK_HEIGHT 0xfu /* the field of a modifier */

static GMutex lock; /* guards all below */
static struct {
  uint64_t kind; /* a modifier without its block's height */
  enum nvidia_view view;
} found[MAX_KINDS];
static unsigned n_found;

enum nvidia_view
nvidia_view_said (void)
{
  const char *view = g_getenv ("QDMABUF_NVIDIA_VIEW");

  /* Anything else than the two names is as good as nothing said. */
  if (g_strcmp0 (view, "sectors") == 0)
    return NVIDIA_VIEW_SECTORS;
  return g_strcmp0 (view, "gobs") == 0 ? NVIDIA_VIEW_GOBS : NVIDIA_VIEW_UNKNOWN;
}

/* With the lock held. */
static enum nvidia_view
find (uint64_t kind)
{
  for (unsigned i = 0; i < n_found; i++) {
    if (found[i].kind == kind)
      return found[i].view;
  }
  return NVIDIA_VIEW_UNKNOWN;
}

enum nvidia_view
nvidia_view_found (uint64_t modifier)
{
  g_mutex_lock (&lock);
  enum nvidia_view view = find (modifier & ~(uint64_t) BLOCK_HEIGHT);
  g_mutex_unlock (&lock);
  return view;
}

void
nvidia_view_learn (uint64_t modifier, enum nvidia_view view)
{
  uint64_t kind = modifier & ~(uint64_t) BLOCK_HEIGHT;

  g_mutex_lock (&lock);
  if (find (kind) == NVIDIA_VIEW_UNKNOWN && n_found < MAX_KINDS) {
    found[n_found].kind = kind;
    found[n_found++].view = view;
  }
  g_mutex_unlock (&lock);
}
