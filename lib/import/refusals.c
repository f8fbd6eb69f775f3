/* SPDX-License-Identifier: MIT */
/* A small ring of refusals, searched one by one: a process meets few kinds of buffers. */
#include "import/refusals.h"

#include <string.h>

static bool
same_planes (const struct refusal *refusal, const struct layout *layout)
{
  if (refusal->n_planes != layout->n_planes)
    return false;
  for (unsigned i = 0; i < layout->n_planes; i++) {
    if (refusal->planes[i].offset != layout->planes[i].offset ||
        refusal->planes[i].stride != layout->planes[i].stride)
      return false;
  }
  return true;
}

static bool
is_about (const struct refusal *refusal, const struct backend *backend, const QdmabufBuffer *buffer)
{
  const struct layout *layout = &buffer->layout;

  return refusal->backend == backend && refusal->fourcc == layout->fourcc &&
         refusal->modifier == layout->modifier && refusal->width == layout->width &&
         refusal->height == layout->height && refusal->is_dmabuf == buffer->memory[0].is_dmabuf &&
         refusal->writable == buffer->memory[0].writable && same_planes (refusal, layout);
}

void
refusals_add (struct refusals *refusals, const struct backend *backend, const QdmabufBuffer *buffer,
              GError *reason)
{
  const struct layout *layout = &buffer->layout;
  struct refusal *refusal = &refusals->all[refusals->next];

  refusals->next = (refusals->next + 1) % CHOOSER_MAX_REFUSALS;
  g_clear_error (&refusal->reason);
  *refusal = (struct refusal){ .backend = backend,
                               .fourcc = layout->fourcc,
                               .width = layout->width,
                               .height = layout->height,
                               .modifier = layout->modifier,
                               .n_planes = layout->n_planes,
                               .is_dmabuf = buffer->memory[0].is_dmabuf,
                               .writable = buffer->memory[0].writable,
                               .reason = reason };
  memcpy (refusal->planes, layout->planes, sizeof refusal->planes);
}

const GError *
refusals_find (const struct refusals *refusals, const struct backend *backend,
               const QdmabufBuffer *buffer)
{
  for (unsigned i = 0; i < CHOOSER_MAX_REFUSALS; i++) {
    if (is_about (&refusals->all[i], backend, buffer))
      return refusals->all[i].reason;
  }
  return NULL;
}

void
refusals_clear (struct refusals *refusals)
{
  for (unsigned i = 0; i < CHOOSER_MAX_REFUSALS; i++)
    g_clear_error (&refusals->all[i].reason);
}
