/* SPDX-License-Identifier: MIT */
/* The listener thread's side of a flow: puts each call into the inbox and wakes the convert thread.
 * It waits for nobody but, with the pixels of an inline update, the pass of the CPU that is reading
 * the same picture: QEMU is held back as long, and no memory is. */
#include <drm_fourcc.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "flow/flow-private.h"
#include "import/source.h"

/* A registration is good once calls come over it. */
static void
note_call (struct flow *self)
{
  self->quiet_losses = 0;
}

/* QEMU up to 10.0 calls LINEAR whatever it does not know the layout of; later ones use
 * ScanoutDMABUF2. Of memory that is in rows whoever says so, that is true all the same. */
static bool
is_hearsay (const QdmabufBuffer *buffer, unsigned version)
{
  return version == 1 && buffer->layout.modifier == DRM_FORMAT_MOD_LINEAR &&
         source_find_home (buffer) != SOURCE_FILE;
}

static QdmabufBuffer *
as_it_is (struct flow *self, QdmabufBuffer *buffer, unsigned version, GError **error)
{
  if (buffer->kind != BUFFER_DMABUF)
    return qdmabuf_buffer_ref (buffer);
  if (self->config.override_modifier)
    return buffer_with_modifier (buffer, self->config.modifier, error);
  if (is_hearsay (buffer, version))
    return buffer_with_modifier (buffer, DRM_FORMAT_MOD_INVALID, error);
  return qdmabuf_buffer_ref (buffer);
}

static void
scanout (void *data, QdmabufBuffer *buffer, unsigned version, int64_t time)
{
  struct flow *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (QdmabufBuffer) taken = as_it_is (self, buffer, version, &error);
  g_autoptr (GPtrArray) stale = NULL;

  if (!taken) {
    flow_warn (self, error);
    return;
  }
  int64_t validated = g_get_monotonic_time ();
  g_mutex_lock (&self->lock);
  note_call (self);
  self->stats.scanouts++;
  self->shown = true;
  stale = inbox_scanout (&self->inbox, taken, version, time);
  inbox_validated (&self->inbox, time, validated);
  self->stats.replies += stale ? stale->len : 0;
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);
}

static void
update_pixels (void *data, struct rect r, uint32_t stride, uint32_t fourcc, const uint8_t *pixels,
               size_t size, int64_t time)
{
  struct flow *self = data;
  g_autoptr (GError) error = NULL;
  bool unannounced = false;
  int64_t validated = g_get_monotonic_time ();

  g_mutex_lock (&self->lock);
  note_call (self);
  self->stats.updates++;
  bool ok = inbox_update_pixels (&self->inbox, r, stride, fourcc, pixels, size, time, &unannounced,
                                 &error);
  inbox_validated (&self->inbox, time, validated);
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);

  if (unannounced)
    flow_refresh_size (self);
  if (!ok)
    flow_warn (self, error);
}

static void
update_map (void *data, struct rect r, int64_t time)
{
  struct flow *self = data;
  g_autoptr (GError) error = NULL;
  int64_t validated = g_get_monotonic_time ();

  g_mutex_lock (&self->lock);
  note_call (self);
  self->stats.updates++;
  bool ok = inbox_update_map (&self->inbox, r, time, &error);
  inbox_validated (&self->inbox, time, validated);
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);
  if (!ok)
    flow_warn (self, error);
}

GError *
flow_no_scanout (void)
{
  return g_error_new (
      QDMABUF_ERROR, QDMABUF_ERROR_NO_SCANOUT,
      "QEMU never announces a picture: its OpenGL cannot export buffers. Give it a GPU "
      "(-display dbus,gl=on,rendernode=/dev/dri/renderD…), or on software rendering "
      "access to /dev/udmabuf, or start it with gl=off");
}

/* With the lock held. What is to be said of an update that is answered at once; NULL: nothing, or
 * it was said before. */
static GError *
why_not (struct flow *self, enum inbox_verdict verdict, int64_t now)
{
  if (verdict == INBOX_STOPPED || verdict == INBOX_FULL)
    return NULL;
  if (verdict == INBOX_NO_SCANOUT) {
    if (self->told_no_scanout)
      return NULL;
    self->told_no_scanout = true;
    return flow_no_scanout ();
  }
  flow_want_registration (self, now);
  if (++self->scanouts_lost < 3 || self->told_scanout_lost)
    return NULL;
  self->told_scanout_lost = true;
  return g_error_new (
      QDMABUF_ERROR, QDMABUF_ERROR_SCANOUT_LOST,
      "this QEMU loses the new buffer at each page flip of a blob=on guest; the picture is fetched "
      "anew, at most twice a second. QEMU 10.1 or later cures it");
}

/* With the lock held. When the flow stops nobody reads any more. */
static enum inbox_verdict
take_update (struct flow *self, struct rect r, struct listener_reply *reply, int64_t now)
{
  return self->stopping ? INBOX_STOPPED : inbox_update_dmabuf (&self->inbox, r, reply, now);
}

static void
update_dmabuf (void *data, struct rect r, struct listener_reply *reply, int64_t time)
{
  struct flow *self = data;
  g_autoptr (GError) error = NULL;
  int64_t validated = g_get_monotonic_time ();

  g_mutex_lock (&self->lock);
  note_call (self);
  self->stats.updates++;
  enum inbox_verdict verdict = take_update (self, r, reply, time);
  inbox_validated (&self->inbox, time, validated);
  if (verdict != INBOX_QUEUED) {
    error = why_not (self, verdict, time);
    self->stats.replies++;
  }
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);

  if (verdict != INBOX_QUEUED)
    listener_reply_send (reply);
  if (error)
    flow_warn (self, error);
}

static void
disable (void *data)
{
  struct flow *self = data;

  g_mutex_lock (&self->lock);
  note_call (self);
  inbox_disable (&self->inbox, g_get_monotonic_time ());
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);
}

static void
set_cursor (struct flow *self, QdmabufCursor *cursor)
{
  g_mutex_lock (&self->lock);
  QdmabufCursor *old = self->cursor;
  self->cursor = cursor;
  g_mutex_unlock (&self->lock);
  g_clear_pointer (&old, qdmabuf_cursor_unref);
  self->handler.cursor_changed (self->data);
}

static void
mouse_set (void *data, int x, int y, bool visible)
{
  struct flow *self = data;
  g_autoptr (QdmabufCursor) old = flow_dup_cursor (self);

  set_cursor (self, cursor_moved (old, x, y, visible));
}

static void
cursor_define (void *data, uint32_t width, uint32_t height, int hot_x, int hot_y, GBytes *pixels)
{
  struct flow *self = data;
  g_autoptr (QdmabufCursor) old = flow_dup_cursor (self);
  g_autoptr (QdmabufCursor) shape = cursor_new (width, height, hot_x, hot_y, pixels);
  int x = 0, y = 0;

  if (old)
    qdmabuf_cursor_get_position (old, &x, &y);
  set_cursor (self, cursor_moved (shape, x, y, !old || qdmabuf_cursor_get_visible (old)));
}

static void
warning (void *data, const GError *error)
{
  flow_pass_warning (data, error);
}

static void
closed (void *data, const GError *error)
{
  struct flow *self = data;

  g_debug ("console %u: the listener's socket closed: %s", self->console,
           error ? error->message : "no reason");
  g_mutex_lock (&self->lock);
  self->listening = false;
  self->quiet_losses++;
  flow_want_registration (self, g_get_monotonic_time ());
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);
  self->handler.hung_up (self->data, error);
}

const struct listener_handler flow_incoming = {
  .scanout = scanout,
  .update_pixels = update_pixels,
  .update_map = update_map,
  .update_dmabuf = update_dmabuf,
  .disable = disable,
  .mouse_set = mouse_set,
  .cursor_define = cursor_define,
  .warning = warning,
  .closed = closed,
};
