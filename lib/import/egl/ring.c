/* SPDX-License-Identifier: MIT */
/* Two fences for each copy: behind the drawing, for whoever owns the source, and behind the copy,
 * for whoever wants it. */
#include "import/egl/ring.h"

#include <qemu-dmabuf/qdmabuf-error.h>

#include "import/egl/pack.h"

/* ---- fences ---- */

static uint64_t
nanoseconds_until (int64_t deadline)
{
  return (uint64_t) MAX (deadline - g_get_monotonic_time (), 0) * 1000;
}

static bool
wait_fence (GLsync fence, const char *what, int64_t deadline, GError **error)
{
  GLenum result =
      glClientWaitSync (fence, GL_SYNC_FLUSH_COMMANDS_BIT, nanoseconds_until (deadline));

  if (result == GL_ALREADY_SIGNALED || result == GL_CONDITION_SATISFIED)
    return true;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST,
               "the GPU did not finish %s in the time allowed", what);
  return false;
}

void
egl_slot_wait (struct egl_slot *slot, int64_t deadline)
{
  const struct egl_device *device = slot->device;

  if (slot->sync != EGL_NO_SYNC_KHR)
    device->wait_sync (device->display, slot->sync, 0, nanoseconds_until (deadline));
  g_atomic_int_add (&slot->claims, -1);
}

/* ---- slots ---- */

static bool
is_free (struct egl_slot *slot)
{
  return g_atomic_int_get (&slot->claims) == 0;
}

/* The smallest that is large enough, else the largest: that one grows. */
static bool
is_better (const struct egl_slot *slot, const struct egl_slot *best, size_t size)
{
  if (!best)
    return true;
  if (slot->size >= size && best->size >= size)
    return slot->size < best->size;
  return slot->size > best->size;
}

static struct egl_slot *
find_slot (struct egl_ring *ring, size_t size)
{
  struct egl_slot *best = NULL;
  struct egl_slot *unused = NULL;

  for (unsigned i = 0; i < EGL_RING_SLOTS; i++) {
    struct egl_slot *slot = &ring->slots[i];

    if (!slot->buffer && !unused)
      unused = slot;
    if (slot->buffer && is_free (slot) && is_better (slot, best, size))
      best = slot;
  }
  return best ? best : unused;
}

static void
drop_sync (struct egl_slot *slot)
{
  if (slot->sync != EGL_NO_SYNC_KHR)
    slot->device->destroy_sync (slot->device->display, slot->sync);
  slot->sync = EGL_NO_SYNC_KHR;
}

static void
slot_bind (struct egl_slot *slot, const struct egl_device *device, size_t size)
{
  if (!slot->buffer)
    glGenBuffers (1, &slot->buffer);
  drop_sync (slot);
  slot->device = device;
  glBindBuffer (GL_PIXEL_PACK_BUFFER, slot->buffer);
  if (slot->size >= size)
    return;
  glBufferData (GL_PIXEL_PACK_BUFFER, (GLsizeiptr) size, NULL, GL_STREAM_READ);
  slot->size = size;
}

static void
slot_fence (struct egl_slot *slot, bool watched)
{
  const struct egl_device *device = slot->device;

  slot->fence = glFenceSync (GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
  if (watched && device->create_sync)
    slot->sync = device->create_sync (device->display, EGL_SYNC_FENCE_KHR, NULL);
  /* Whoever waits elsewhere cannot flush what was said here. */
  glFlush ();
}

static void
let_go (struct egl_slot *slot)
{
  glDeleteSync (slot->fence);
  slot->fence = NULL;
  g_atomic_int_add (&slot->claims, -1);
}

static void
break_ring (struct egl_ring *ring, const GError *reason)
{
  if (ring->broken)
    return;
  ring->broken = true;
  g_warning ("egl: pictures are read without pixel buffers from now on: %s", reason->message);
}

/* False without error: the copy failed, and the canvas is what it was. */
static bool
is_submitted (struct egl_ring *ring, const struct egl_device *device, GLsync drawn,
              int64_t deadline, GError **error)
{
  g_autoptr (GError) reason = NULL;

  if (!wait_fence (drawn, "drawing", deadline, error))
    return false;
  if (egl_device_check (device, "copying", &reason))
    return true;
  if (g_error_matches (reason, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST))
    g_propagate_error (error, g_steal_pointer (&reason));
  else
    break_ring (ring, reason);
  return false;
}

struct egl_slot *
egl_ring_begin (struct egl_ring *ring, const struct egl_device *device,
                const struct egl_canvas *canvas, const struct damage *damage,
                const struct picture *shape, bool watched, int64_t deadline, GError **error)
{
  size_t size = egl_pack_size (damage, shape);
  struct egl_slot *slot = ring->broken || !device->es3 ? NULL : find_slot (ring, size);

  if (!slot)
    return NULL;
  GLsync drawn = glFenceSync (GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
  slot_bind (slot, device, size);
  glBindFramebuffer (GL_FRAMEBUFFER, canvas->framebuffer);
  egl_pack_read (damage, shape, NULL);
  glBindBuffer (GL_PIXEL_PACK_BUFFER, 0);
  slot_fence (slot, watched);
  bool submitted = is_submitted (ring, device, drawn, deadline, error);
  glDeleteSync (drawn);
  g_atomic_int_set (&slot->claims, watched && submitted ? 2 : 1);
  if (!submitted) {
    let_go (slot);
    return NULL;
  }
  slot->damage = *damage;
  slot->shape = *shape;
  slot->serial = canvas->serial;
  return slot;
}

static bool
copy_out (struct egl_slot *slot, const struct egl_device *device, const struct picture *dst,
          GError **error)
{
  size_t size = egl_pack_size (&slot->damage, &slot->shape);

  glBindBuffer (GL_PIXEL_PACK_BUFFER, slot->buffer);
  const uint8_t *bytes =
      glMapBufferRange (GL_PIXEL_PACK_BUFFER, 0, (GLsizeiptr) size, GL_MAP_READ_BIT);
  if (bytes)
    egl_pack_write (bytes, &slot->damage, dst);
  bool intact = bytes && glUnmapBuffer (GL_PIXEL_PACK_BUFFER);
  glBindBuffer (GL_PIXEL_PACK_BUFFER, 0);
  if (!egl_device_check (device, "mapping a pixel buffer", error))
    return false;
  if (!intact)
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_FAILED,
                 "the driver does not map its pixel buffers");
  return intact;
}

bool
egl_ring_finish (struct egl_ring *ring, const struct egl_device *device, struct egl_slot *slot,
                 const struct picture *dst, int64_t deadline, GError **error)
{
  g_autoptr (GError) reason = NULL;
  bool ok = !dst;

  if (dst && wait_fence (slot->fence, "reading", deadline, &reason))
    ok = copy_out (slot, device, dst, &reason);
  if (g_error_matches (reason, QDMABUF_ERROR, QDMABUF_ERROR_FAILED))
    break_ring (ring, reason);
  if (reason)
    g_propagate_error (error, g_steal_pointer (&reason));
  let_go (slot);
  return ok;
}

void
egl_ring_clear (struct egl_ring *ring)
{
  for (unsigned i = 0; i < EGL_RING_SLOTS; i++) {
    struct egl_slot *slot = &ring->slots[i];

    if (!slot->buffer)
      continue;
    glDeleteSync (slot->fence);
    drop_sync (slot);
    glDeleteBuffers (1, &slot->buffer);
  }
  *ring = (struct egl_ring){ 0 };
}
