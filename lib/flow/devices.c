/* SPDX-License-Identifier: MIT */
/* The back ends of one reader. A GPU is opened only for a buffer that may need it: a console that
 * shows a map or ordinary memory never pays for a driver. */
#include "flow/devices.h"

#include <drm_fourcc.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "flow/egl-thread.h"
#include "import/verify.h"

/* How long somebody who only asks waits for a driver. */
#define EXPLAIN_US (10 * G_USEC_PER_SEC)

struct devices {
  char *preference;
  char *node;
  struct chooser *chooser;
  struct egl_thread *egl;
  struct verify *verify; /* NULL: nobody asked for it */
  bool opened;
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
  /* Imports are released on the EGL thread, so the chooser goes before it. */
  chooser_free (self->chooser);
  if (self->egl)
    egl_thread_put (self->egl);
  g_clear_pointer (&self->verify, verify_free);
  g_free (self->preference);
  g_free (self->node);
  g_free (self);
}

static bool
wants (const struct devices *self, const char *family)
{
  return g_strcmp0 (self->preference, "auto") == 0 || g_strcmp0 (self->preference, family) == 0;
}

static bool
has_gpu (void)
{
  return g_file_test ("/dev/dri", G_FILE_TEST_IS_DIR);
}

/* Ordinary memory in rows is read by the CPU at the speed of memory; no GPU does better. */
static bool
may_need_gpu (const struct devices *self, const QdmabufBuffer *buffer)
{
  bool plain = buffer->layout.modifier == DRM_FORMAT_MOD_LINEAR &&
               (!buffer->memory[0].is_dmabuf || !has_gpu ());

  if (buffer->kind != BUFFER_DMABUF)
    return false;
  return g_strcmp0 (self->preference, "auto") != 0 || !plain;
}

static bool
open_egl (struct devices *self, int64_t deadline, GError **error)
{
  GError *reason = NULL;

  self->egl = egl_thread_get (self->node, deadline, &reason);
  if (g_error_matches (reason, QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT)) {
    g_propagate_error (error, reason);
    return false;
  }
  if (self->egl)
    chooser_add (self->chooser, egl_thread_backend (self->egl), egl_thread_executor (self->egl));
  else
    chooser_add_missing (self->chooser, "egl", reason);
  return true;
}

static void
open_gbm (struct devices *self)
{
  GError *error = NULL;
  struct backend *gbm = gbm_backend_new (self->node, &error);

  if (gbm)
    chooser_add (self->chooser, gbm, NULL);
  else
    chooser_add_missing (self->chooser, "gbm", error);
}

/* False: a driver is still being opened; the next call asks again. */
static bool
open_for (struct devices *self, const QdmabufBuffer *buffer, int64_t deadline, GError **error)
{
  if (self->opened || !may_need_gpu (self, buffer))
    return true;
  if (wants (self, "egl") && !open_egl (self, deadline, error))
    return false;
  if (wants (self, "gbm"))
    open_gbm (self);
  self->opened = true;
  return true;
}

bool
devices_read (struct devices *self, QdmabufBuffer *buffer, const struct damage *damage,
              const struct picture *dst, int64_t deadline, const char **backend_name,
              GError **error)
{
  if (!open_for (self, buffer, deadline, error))
    return false;
  if (!chooser_read (self->chooser, buffer, damage, dst, deadline, backend_name, error))
    return false;
  if (self->verify) {
    struct verify_reading *reading =
        verify_begin (self->verify, buffer, damage, dst, *backend_name, deadline);

    verify_compare (self->verify, reading, dst);
  }
  return true;
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
  if (!open_for (self, buffer, deadline, error))
    return false;
  if (!chooser_begin (self->chooser, buffer, damage, shape, deadline, watch, pending, error))
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

char *
devices_explain (struct devices *self, QdmabufBuffer *buffer)
{
  g_autoptr (GError) error = NULL;

  if (!open_for (self, buffer, g_get_monotonic_time () + EXPLAIN_US, &error))
    return g_strdup (error->message);
  return chooser_explain (self->chooser, buffer);
}
