/* SPDX-License-Identifier: MIT */
/* The pool: a fixed number of sealed memfds that know what each of them misses. */
#define _GNU_SOURCE 1 /* memfd_create, seals */

#include "deliver/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "buffer/planes.h"
#include "deliver/frame.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

struct pool {
  gatomicrefcount refs;
  GMutex lock; /* guards all below */
  unsigned n_out, n_published;
  unsigned n, max;
  /* Notification: called without the lock; `running` calls are under way, `quiet` says that none
   * is. */
  void (*released) (void *data);
  void *data;
  unsigned running;
  bool awaited; /* somebody waits for quiet: else telling it would be a system call for nobody */
  GCond quiet;
  struct pool_buffer *buffers[]; /* n of max */
};

struct pool *
pool_new (unsigned max_buffers)
{
  struct pool *pool = g_malloc0 (sizeof *pool + max_buffers * sizeof pool->buffers[0]);

  g_atomic_ref_count_init (&pool->refs);
  g_mutex_init (&pool->lock);
  g_cond_init (&pool->quiet);
  pool->max = max_buffers;
  return pool;
}

struct pool *
pool_ref (struct pool *pool)
{
  g_atomic_ref_count_inc (&pool->refs);
  return pool;
}

static void
buffer_clear (void *data)
{
  struct pool_buffer *buffer = data;

  if (buffer->map)
    munmap (buffer->map, buffer->size);
  if (buffer->fd >= 0)
    close (buffer->fd);
}

static void
buffer_release (struct pool_buffer *buffer)
{
  g_atomic_rc_box_release_full (buffer, buffer_clear);
}

void
pool_unref (struct pool *pool)
{
  if (!g_atomic_ref_count_dec (&pool->refs))
    return;
  for (unsigned i = 0; i < pool->n; i++)
    buffer_release (pool->buffers[i]);
  g_mutex_clear (&pool->lock);
  g_cond_clear (&pool->quiet);
  g_free (pool);
}

void
pool_set_notify (struct pool *pool, void (*released) (void *data), void *data)
{
  g_mutex_lock (&pool->lock);
  pool->released = released;
  pool->data = data;
  while (pool->running > 0) {
    pool->awaited = true;
    g_cond_wait (&pool->quiet, &pool->lock);
  }
  pool->awaited = false;
  g_mutex_unlock (&pool->lock);
}

/* With the lock held; gives it up and takes it again around the call. */
static void
notify_locked (struct pool *pool)
{
  void (*released) (void *data) = pool->released;
  void *data = pool->data;

  if (!released)
    return;
  pool->running++;
  g_mutex_unlock (&pool->lock);
  released (data);
  g_mutex_lock (&pool->lock);
  if (--pool->running == 0 && pool->awaited)
    g_cond_broadcast (&pool->quiet);
}

/* An anonymous file that is not to be run as a program; older kernels do not know the flag. */
static int
create_memfd (size_t size)
{
  unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int fd = memfd_create ("qemu-dmabuf frame", flags | MFD_NOEXEC_SEAL);

  if (fd < 0 && errno == EINVAL)
    fd = memfd_create ("qemu-dmabuf frame", flags);
  if (fd < 0)
    return -1;
  if (ftruncate (fd, (off_t) size) != 0) {
    int reason = errno;
    close (fd);
    errno = reason;
    return -1;
  }
  return fd;
}

/* After our own writable mapping was made: no consumer can make another one. */
static bool
seal (int fd)
{
  int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

  if (fcntl (fd, F_ADD_SEALS, seals | F_SEAL_FUTURE_WRITE) == 0)
    return true;
  return errno == EINVAL && fcntl (fd, F_ADD_SEALS, seals) == 0; /* Linux before 5.1 */
}

static bool
buffer_map_memory (struct pool_buffer *buffer, size_t size, GError **error)
{
  int reason = 0;
  void *map = MAP_FAILED;

  buffer->fd = create_memfd (size);
  if (buffer->fd >= 0)
    map = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, buffer->fd, 0);
  if (map != MAP_FAILED) {
    buffer->map = map;
    buffer->size = size;
    if (seal (buffer->fd))
      return true;
  }
  reason = errno;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_FAILED,
               "no memory for a frame of %" G_GSIZE_FORMAT " bytes: %s", size, g_strerror (reason));
  return false;
}

static struct pool_buffer *
buffer_new (uint32_t fourcc, uint32_t width, uint32_t height, GError **error)
{
  struct pool_buffer *buffer = g_atomic_rc_box_new0 (struct pool_buffer);
  struct picture *picture = &buffer->picture;
  size_t size = 0;
  bool ok = false;

  buffer->fd = -1;
  buffer->fresh = true;
  ok = frame_shape (fourcc, width, height, &picture->n_planes, picture->stride, buffer->offset,
                    &size);
  if (!ok)
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_FORMAT,
                 "a frame cannot be 0x%08x of %u×%u pixels", fourcc, width, height);
  if (!ok || !buffer_map_memory (buffer, size, error)) {
    buffer_release (buffer);
    return NULL;
  }
  picture->fourcc = fourcc;
  picture->width = width;
  picture->height = height;
  for (unsigned i = 0; i < picture->n_planes; i++)
    picture->data[i] = buffer->map + buffer->offset[i];
  picture->owner = buffer;
  picture->clear_owner = buffer_clear;
  return buffer;
}

static bool
has_shape (const struct pool_buffer *buffer, uint32_t fourcc, uint32_t width, uint32_t height)
{
  const struct picture *picture = &buffer->picture;

  return picture->fourcc == fourcc && picture->width == width && picture->height == height;
}

/* Pixels to copy before it is up to date: what pool_get chooses by. */
static uint64_t
missing_area (const struct pool_buffer *buffer)
{
  uint64_t area = 0;

  if (buffer->fresh)
    return UINT64_MAX;
  for (unsigned i = 0; i < buffer->missing.n; i++)
    area += (uint64_t) buffer->missing.rects[i].width * (uint64_t) buffer->missing.rects[i].height;
  return area;
}

/* With the lock held. */
static void
forget (struct pool *pool, unsigned i)
{
  struct pool_buffer *buffer = pool->buffers[i];

  pool->buffers[i] = pool->buffers[--pool->n];
  buffer_release (buffer);
}

/* With the lock held: the best idle buffer of that shape; idle ones of other shapes go. */
static struct pool_buffer *
find_idle (struct pool *pool, uint32_t fourcc, uint32_t width, uint32_t height)
{
  struct pool_buffer *best = NULL;

  for (unsigned i = pool->n; i-- > 0;) {
    struct pool_buffer *buffer = pool->buffers[i];

    if (buffer->out)
      continue;
    if (!has_shape (buffer, fourcc, width, height))
      forget (pool, i);
    else if (!best || missing_area (buffer) < missing_area (best))
      best = buffer;
  }
  return best;
}

struct pool_buffer *
pool_get (struct pool *pool, uint32_t fourcc, uint32_t width, uint32_t height, GError **error)
{
  struct pool_buffer *buffer = NULL;

  g_mutex_lock (&pool->lock);
  buffer = find_idle (pool, fourcc, width, height);
  if (!buffer && pool->n == pool->max) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT, "all %u buffers for frames are in use",
                 pool->max);
  } else if (!buffer) {
    buffer = buffer_new (fourcc, width, height, error);
    if (buffer)
      pool->buffers[pool->n++] = buffer;
  }
  if (buffer) {
    buffer->out = true;
    pool->n_out++;
  }
  g_mutex_unlock (&pool->lock);
  return buffer;
}

void
pool_enter (struct pool *pool, struct pool_buffer *blank)
{
  g_mutex_lock (&pool->lock);
  blank->out = true;
  pool->n_out++;
  g_mutex_unlock (&pool->lock);
}

/* r consists of whole chroma samples, as all damage that a pool hears of. */
static void
copy_rect (const struct picture *to, const struct picture *from, struct rect r)
{
  const struct output_format *format = output_format_find (to->fourcc);

  for (unsigned i = 0; i < format->n_planes; i++) {
    struct rect samples = plane_rect (&format->planes[i], r);
    size_t row = (size_t) samples.width * format->planes[i].cpp;

    for (int32_t y = samples.y; y < samples.y + samples.height; y++)
      memcpy (plane_sample (to, i, samples.x, y), plane_sample (from, i, samples.x, y), row);
  }
}

/* Copies what of r the rectangles of skip from the i-th on do not cover: around each of them, up to
 * four pieces. */
static void
copy_uncovered (const struct picture *to, const struct picture *from, struct rect r,
                const struct damage *skip, unsigned i)
{
  struct rect hole = { 0, 0, 0, 0 };

  while (i < skip->n && rect_is_empty (hole))
    hole = rect_intersect (r, skip->rects[i++]);
  if (rect_is_empty (hole)) {
    copy_rect (to, from, r);
    return;
  }

  struct rect pieces[] = {
    { r.x, r.y, r.width, hole.y - r.y },
    { r.x, hole.y + hole.height, r.width, r.y + r.height - hole.y - hole.height },
    { r.x, hole.y, hole.x - r.x, hole.height },
    { hole.x + hole.width, hole.y, r.x + r.width - hole.x - hole.width, hole.height },
  };
  for (unsigned p = 0; p < G_N_ELEMENTS (pieces); p++) {
    if (!rect_is_empty (pieces[p]))
      copy_uncovered (to, from, pieces[p], skip, i);
  }
}

static bool
covers_all (const struct damage *skip, const struct damage *damage)
{
  for (unsigned i = 0; i < damage->n; i++) {
    if (!damage_contains (skip, damage->rects[i]))
      return false;
  }
  return true;
}

/* What buffer misses, as of now. */
static struct damage
missing_of (struct pool *pool, const struct pool_buffer *buffer)
{
  struct damage missing = DAMAGE_NONE;

  g_mutex_lock (&pool->lock);
  if (buffer->fresh)
    missing = damage_whole (buffer->picture.width, buffer->picture.height);
  else
    missing = buffer->missing;
  g_mutex_unlock (&pool->lock);
  return missing;
}

bool
pool_catch_up (struct pool *pool, struct pool_buffer *dst, const struct pool_buffer *newest,
               const struct damage *skip)
{
  const struct picture *to = &dst->picture;
  struct damage missing = missing_of (pool, dst);
  struct damage lacking = DAMAGE_NONE;

  if (covers_all (skip, &missing))
    return true;
  if (!newest || newest == dst || !newest->map ||
      !has_shape (newest, to->fourcc, to->width, to->height))
    return false;
  /* A frame that was made but not put leaves even the newest behind. */
  lacking = missing_of (pool, newest);
  if (!covers_all (skip, &lacking))
    return false;
  for (unsigned i = 0; i < missing.n; i++)
    copy_uncovered (to, &newest->picture, missing.rects[i], skip, 0);
  return true;
}

void
pool_committed (struct pool *pool, struct pool_buffer *dst, const struct damage *damage)
{
  g_mutex_lock (&pool->lock);
  for (unsigned i = 0; i < pool->n; i++) {
    struct pool_buffer *buffer = pool->buffers[i];

    if (buffer == dst || buffer->fresh)
      continue;
    damage_add_all (&buffer->missing, damage);
    damage_clip (&buffer->missing, buffer->picture.width, buffer->picture.height);
  }
  dst->missing = DAMAGE_NONE;
  dst->fresh = false;
  g_mutex_unlock (&pool->lock);
}

void
pool_spoil (struct pool *pool, struct pool_buffer *dst)
{
  g_mutex_lock (&pool->lock);
  dst->missing = DAMAGE_NONE;
  dst->fresh = true;
  g_mutex_unlock (&pool->lock);
}

/* With the lock held. */
static void
unpublish_locked (struct pool *pool, struct pool_buffer *buffer)
{
  if (buffer->published)
    pool->n_published--;
  buffer->published = false;
}

void
pool_put (struct pool *pool, struct pool_buffer *buffer)
{
  g_mutex_lock (&pool->lock);
  unpublish_locked (pool, buffer);
  buffer->out = false;
  pool->n_out--;
  notify_locked (pool);
  g_mutex_unlock (&pool->lock);
}

void
pool_abandon (struct pool *pool, struct pool_buffer *buffer)
{
  g_mutex_lock (&pool->lock);
  unpublish_locked (pool, buffer);
  pool->n_out--;
  for (unsigned i = 0; i < pool->n; i++) {
    if (pool->buffers[i] == buffer) {
      forget (pool, i);
      break;
    }
  }
  notify_locked (pool);
  g_mutex_unlock (&pool->lock);
}

unsigned
pool_n_out (struct pool *pool)
{
  unsigned n = 0;

  g_mutex_lock (&pool->lock);
  n = pool->n_out;
  g_mutex_unlock (&pool->lock);
  return n;
}

void
pool_publish (struct pool *pool, struct pool_buffer *buffer)
{
  g_mutex_lock (&pool->lock);
  if (!buffer->published)
    pool->n_published++;
  buffer->published = true;
  g_mutex_unlock (&pool->lock);
}

void
pool_unpublish (struct pool *pool, struct pool_buffer *buffer)
{
  g_mutex_lock (&pool->lock);
  unpublish_locked (pool, buffer);
  g_mutex_unlock (&pool->lock);
}

void
pool_withdraw (struct pool *pool, struct pool_buffer *buffer)
{
  g_mutex_lock (&pool->lock);
  unpublish_locked (pool, buffer);
  notify_locked (pool);
  g_mutex_unlock (&pool->lock);
}

unsigned
pool_n_published_besides (struct pool *pool, const struct pool_buffer *buffer)
{
  unsigned n = 0;

  g_mutex_lock (&pool->lock);
  n = pool->n_published - (buffer && buffer->published ? 1 : 0);
  g_mutex_unlock (&pool->lock);
  return n;
}
