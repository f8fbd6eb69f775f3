/* SPDX-License-Identifier: MIT */
/* The back ends of one reader. A GPU is opened only for a buffer that nothing opened so far reads
 * as well: a console that shows a map or ordinary memory never pays for a driver. */
#include "flow/devices.h"

#include <drm_fourcc.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "flow/gpus.h"
#include "import/verify.h"

/* How long somebody who only asks waits for a driver. */
#define EXPLAIN_US (10 * G_USEC_PER_SEC)

/* One read. */
struct request {
  QdmabufBuffer *buffer;
  const struct damage *damage;
  const struct picture *dst; /* or its shape */
  int64_t deadline;
  const char **backend_name;    /* of a read at once */
  struct watch *watch;          /* nullable */
  struct pending_read *pending; /* NULL: a read at once */
};

struct devices {
  char *preference;
  char *node;
  struct chooser *chooser;
  struct gpus *gpus; /* NULL: none was needed yet */
  struct verify *verify; /* NULL: nobody asked for it */
};

static const char *const preferences[] = { "auto", "egl", "gbm", "cpu", NULL };

static const char *
or_environment (const char *value, const char *unset, const char *variable)
{
  if (value && *value && g_strcmp0 (value, unset) != 0)
    return value;
  value = g_getenv (variable);
  return value && *value ? value : unset;
}

struct devices *
devices_new (const char *backend, const char *render_node, GError **error)
{
  const char *preference = or_environment (backend, "auto", "QDMABUF_BACKEND");

  if (!g_strv_contains (preferences, preference)) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_INVALID_ARGUMENT,
                 "\"%s\" is no back end: auto, egl, gbm and cpu are", preference);
    return NULL;
  }

  struct devices *self = g_new0 (struct devices, 1);
  self->preference = g_strdup (preference);
  self->node = g_strdup (or_environment (render_node, NULL, "QDMABUF_RENDER_NODE"));
  self->chooser = chooser_new (preference);
  chooser_add (self->chooser, linear_backend_new (), NULL);
  chooser_add (self->chooser, detile_backend_new (), NULL);
  if (verify_wanted ())
    self->verify = verify_new ();
  return self;
}

void
devices_free (struct devices *self)
{
  /* Imports are released on the drivers' threads, so the chooser goes before them. */
  chooser_free (self->chooser);
  g_clear_pointer (&self->gpus, gpus_free);
  g_clear_pointer (&self->verify, verify_free);
  g_free (self->preference);
  g_free (self->node);
  g_free (self);
}

/* ---- reading ---- */

static bool
is_refusal (const GError *error)
{
  return g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_FORMAT) ||
         g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_MODIFIER) ||
         g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND);
}

static bool
read_now (struct devices *self, const struct request *request, int floor, GError **error)
{
  chooser_set_floor (self->chooser, floor);
  if (request->pending)
    return chooser_begin (self->chooser, request->buffer, request->damage, request->dst,
                          request->deadline, request->watch, request->pending, error);
  return chooser_read (self->chooser, request->buffer, request->damage, request->dst,
                       request->deadline, request->backend_name, error);
}

/* What to do after nobody at or above floor would read it. False: there is nothing left to do. */
static bool
widen (struct devices *self, const struct request *request, struct gpu *next, int floor,
       bool *at_first, GError **error)
{
  if (gpus_have_lost (self->gpus))
    return gpus_reopen_lost (self->gpus, request->deadline, error);
  if (*at_first && floor > gpus_least_score (self->gpus, next, false)) {
    *at_first = false;
    return true;
  }
  return next && gpus_open (self->gpus, next, request->deadline, error);
}

static bool
read_dmabuf (struct devices *self, const struct request *request, GError **error)
{
  bool at_first = true;

  for (;;) {
    struct gpu *next = gpus_find_next (self->gpus, request->buffer);
    int floor = gpus_least_score (self->gpus, next, at_first);
    GError *failure = NULL;
    GError *trouble = NULL;

    if (read_now (self, request, floor, &failure))
      return true;
    if (is_refusal (failure) && widen (self, request, next, floor, &at_first, &trouble)) {
      g_error_free (failure);
      continue;
    }
    if (is_refusal (failure) && !trouble)
      gpus_explain_barred (self->gpus, request->buffer, &failure);
    g_propagate_error (error, trouble ? trouble : failure);
    if (trouble)
      g_error_free (failure);
    return false;
  }
}

/* By whoever reads it already; that is no time to look for others, who may cost more than the read.
 */
static bool
read_again (struct devices *self, const struct request *request, GError **error)
{
  GError *failure = NULL;

  if (read_now (self, request, G_MAXINT, &failure))
    return true;
  if (is_refusal (failure)) {
    g_error_free (failure);
    return gpus_reopen_lost (self->gpus, request->deadline, error) &&
           read_dmabuf (self, request, error);
  }
  g_propagate_error (error, failure);
  return false;
}

static void
need_gpus (struct devices *self)
{
  if (!self->gpus)
    self->gpus = gpus_new (self->chooser, self->preference, self->node);
}

/* Reads, or begins to. */
static bool
serve (struct devices *self, const struct request *request, GError **error)
{
  if (request->buffer->kind != BUFFER_DMABUF)
    return read_now (self, request, BACKEND_SCORE_NO, error);
  need_gpus (self);
  if (!gpus_reopen_lost (self->gpus, request->deadline, error))
    return false;
  if (chooser_find_reader (self->chooser, request->buffer))
    return read_again (self, request, error);
  bool ok = read_dmabuf (self, request, error);
  if (ok)
    gpus_learn (self->gpus, request->buffer);
  return ok;
}

bool
devices_read (struct devices *self, QdmabufBuffer *buffer, const struct damage *damage,
              const struct picture *dst, int64_t deadline, const char **backend_name,
              GError **error)
{
  const struct request request = { .buffer = buffer,
                                   .damage = damage,
                                   .dst = dst,
                                   .deadline = deadline,
                                   .backend_name = backend_name };

  bool ok = serve (self, &request, error);
  if (ok && self->verify) {
    struct verify_reading *reading =
        verify_begin (self->verify, buffer, damage, dst, *backend_name, deadline);

    verify_compare (self->verify, reading, dst);
  }
  return ok;
}

const struct stamps *
devices_stamps (const struct devices *self)
{
  return chooser_stamps (self->chooser);
}

GVariant *
devices_verify_stats (struct devices *self)
{
  return self->verify ? verify_stats (self->verify) : NULL;
}

bool
devices_begin (struct devices *self, QdmabufBuffer *buffer, const struct damage *damage,
               const struct picture *shape, int64_t deadline, struct watch *watch,
               struct pending_read *pending, GError **error)
{
  const struct request request = { .buffer = buffer,
                                   .damage = damage,
                                   .dst = shape,
                                   .deadline = deadline,
                                   .watch = watch,
                                   .pending = pending };

  if (!serve (self, &request, error))
    return false;
  if (self->verify && pending->ticket)
    pending->verify = verify_begin (self->verify, buffer, damage, shape, pending->name, deadline);
  return true;
}

bool
devices_finish (struct devices *self, struct pending_read *pending, const struct picture *dst,
                int64_t deadline, const char **backend_name, GError **error)
{
  struct verify_reading *reading = g_steal_pointer (&pending->verify);
  bool ok = chooser_finish (self->chooser, pending, dst, deadline, backend_name, error);

  if (reading)
    verify_compare (self->verify, reading, ok ? dst : NULL);
  return ok;
}

/* Ordinary memory in rows is read by the CPU at the speed of memory; no GPU does better. */
static bool
may_need_gpu (const struct devices *self, const QdmabufBuffer *buffer)
{
  if (buffer->kind != BUFFER_DMABUF)
    return false;
  return g_strcmp0 (self->preference, "auto") != 0 ||
         buffer->layout.modifier != DRM_FORMAT_MOD_LINEAR || buffer->memory[0].is_dmabuf;
}

char *
devices_explain (struct devices *self, QdmabufBuffer *buffer)
{
  int64_t deadline = g_get_monotonic_time () + EXPLAIN_US;
  g_autoptr (GError) error = NULL;
  struct gpu *next = NULL;

  if (may_need_gpu (self, buffer)) {
    need_gpus (self);
    while ((next = gpus_find_next (self->gpus, buffer))) {
      if (!gpus_open (self->gpus, next, deadline, &error))
        return g_strdup (error->message);
    }
  }
  chooser_set_floor (self->chooser, BACKEND_SCORE_NO);
  return chooser_explain (self->chooser, buffer);
}
