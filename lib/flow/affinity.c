/* SPDX-License-Identifier: MIT */
/* No kernel call tells which GPU made a dma-buf, so this weighs what is known of it. */
#include "flow/affinity.h"

#include <drm_fourcc.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "import/nodes.h"
#include "import/source.h"

/* Kinds of buffers that are remembered; a process meets few. */
#define MAX_LEARNT 16

enum { FITS_BY_NAME = 2, FITS_BY_VENDOR = 5, FITS_AS_LEARNT = 9 };

/* What buffers have in common that one GPU reads. */
struct origin {
  uint8_t vendor; /* of the modifier */
  char *exporter; /* nullable */
};

struct learnt {
  struct origin origin;
  unsigned node;
};

struct affinity {
  GPtrArray *nodes; /* of struct node */
  bool pinned;
  GArray *learnt; /* of struct learnt, oldest first */
};

static void
learnt_clear (void *data)
{
  struct learnt *learnt = data;

  g_free (learnt->origin.exporter);
}

struct affinity *
affinity_new (const char *node)
{
  struct affinity *self = g_new0 (struct affinity, 1);

  self->nodes = node ? nodes_only (node) : nodes_list ();
  self->pinned = node != NULL;
  self->learnt = g_array_new (FALSE, FALSE, sizeof (struct learnt));
  g_array_set_clear_func (self->learnt, learnt_clear);
  return self;
}

void
affinity_free (struct affinity *self)
{
  g_ptr_array_unref (self->nodes);
  g_array_unref (self->learnt);
  g_free (self);
}

unsigned
affinity_n_nodes (const struct affinity *self)
{
  return self->nodes->len;
}

const char *
affinity_node (const struct affinity *self, unsigned node)
{
  return ((const struct node *) self->nodes->pdata[node])->path;
}

/* ---- what is known ---- */

static struct origin
origin_of (const QdmabufBuffer *buffer)
{
  return (struct origin){ .vendor = (uint8_t) (buffer->layout.modifier >> 56),
                          .exporter = source_exporter (buffer) };
}

/* -1: nothing was learnt. */
static int
find_learnt (const struct affinity *self, const struct origin *origin)
{
  for (unsigned i = 0; i < self->learnt->len; i++) {
    const struct learnt *learnt = &g_array_index (self->learnt, struct learnt, i);

    if (learnt->origin.vendor == origin->vendor &&
        g_strcmp0 (learnt->origin.exporter, origin->exporter) == 0)
      return (int) i;
  }
  return -1;
}

/* 0: it cannot have made such a buffer, 1: it may, 2: its driver did. */
static int
closeness (const struct affinity *self, unsigned node, const char *exporter)
{
  bool sure = false;
  bool may = node_may_export (self->nodes->pdata[node], exporter, &sure);

  return may ? 1 + sure : 0;
}

/* How many nodes are as close as any. */
static unsigned
count_closest (const struct affinity *self, const char *exporter, int *closest)
{
  unsigned n = 0;

  *closest = 1;
  for (unsigned i = 0; i < self->nodes->len; i++) {
    int each = closeness (self, i, exporter);

    if (each > *closest)
      n = 0;
    *closest = MAX (*closest, each);
    n += each == *closest;
  }
  return n;
}

static int
bar (GError **reason, const char *why)
{
  g_set_error_literal (reason, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, why);
  return -1;
}

/* Without a modifier a driver imports whatever it believes, and shows the memory of another GPU as
 * rows that it may not consist of. */
static int
check_unknown_layout (const struct affinity *self, unsigned node, const char *exporter,
                      GError **reason)
{
  int closest = 0;
  unsigned n = count_closest (self, exporter, &closest);

  if (closeness (self, node, exporter) < closest)
    return bar (reason,
                "it has no modifier, and another GPU made it, which alone knows its layout");
  if (n > 1 && !self->pinned)
    return bar (reason, "it has no modifier, and several GPUs here may have made it: choose one by "
                        "its render node");
  return 0;
}

static bool
is_of_unknown_layout (const QdmabufBuffer *buffer)
{
  return buffer->layout.modifier == DRM_FORMAT_MOD_INVALID &&
         source_find_home (buffer) != SOURCE_FILE;
}

int
affinity_of_any (const QdmabufBuffer *buffer, GError **reason)
{
  if (is_of_unknown_layout (buffer))
    return bar (reason, "it has no modifier, and nothing tells whether the GPU that EGL takes by "
                        "itself made it: choose one by its render node");
  return 0;
}

int
affinity_of (const struct affinity *self, unsigned node, const QdmabufBuffer *buffer,
             GError **reason)
{
  struct origin origin = origin_of (buffer);
  g_autofree char *exporter = origin.exporter;

  if (is_of_unknown_layout (buffer) && check_unknown_layout (self, node, exporter, reason) < 0)
    return -1;
  if (self->nodes->len < 2)
    return 0;

  int at = find_learnt (self, &origin);
  if (at >= 0 && g_array_index (self->learnt, struct learnt, at).node == node)
    return FITS_AS_LEARNT;
  int fits = closeness (self, node, exporter) == 2 ? FITS_BY_NAME : 0;
  if (node_has_vendor (self->nodes->pdata[node], buffer->layout.modifier))
    fits += FITS_BY_VENDOR;
  return fits;
}

void
affinity_learn (struct affinity *self, unsigned node, const QdmabufBuffer *buffer)
{
  struct learnt learnt = { .origin = origin_of (buffer), .node = node };
  int at = find_learnt (self, &learnt.origin);

  if (at >= 0)
    g_array_remove_index (self->learnt, (unsigned) at);
  else if (self->learnt->len == MAX_LEARNT)
    g_array_remove_index (self->learnt, 0);
  g_array_append_val (self->learnt, learnt);
}
