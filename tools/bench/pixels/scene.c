/* SPDX-License-Identifier: MIT */
/* Memory of one kind for both sides of a contest: memfds, like those of the library's frames. */
#define _GNU_SOURCE
#include "pixels/scene.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __x86_64__
#include <emmintrin.h>
#endif

#include "pixels/formats.h"

#define LINE 64 /* bytes of a cache line */
/* More than the caches of a processor hold. */
#define EVICTION_SIZE ((size_t) 256 << 20)
/* Multiples of these many bytes and rows are multiples of each layout's block. */
#define TILE_STRIDE 1024u
#define TILE_ROWS 512u
/* What columns of blocks take on top of that. */
#define TILE_SLACK ((size_t) 1 << 20)

static const struct mapping mapping_none = { .fd = -1 };

static bool
fail (const char *what, GError **error)
{
  int code = errno;

  g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (code), "%s: %s", what,
               g_strerror (code));
  return false;
}

/* Sealed, so that the library need not ask each time whether it is still there. */
static bool
mapping_init (struct mapping *mapping, size_t size, GError **error)
{
  mapping->fd = memfd_create ("qdmabuf-bench", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (mapping->fd < 0 || ftruncate (mapping->fd, (off_t) size) != 0 ||
      fcntl (mapping->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0)
    return fail ("no memory for pictures", error);

  void *data = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, mapping->fd, 0);
  if (data == MAP_FAILED)
    return fail ("no memory for pictures", error);
  mapping->data = data;
  mapping->size = size;
  return true;
}

static void
mapping_clear (struct mapping *mapping)
{
  if (mapping->data)
    munmap (mapping->data, mapping->size);
  if (mapping->fd >= 0)
    close (mapping->fd);
  *mapping = mapping_none;
}

/* No two rows alike, and nothing that compresses; it also touches every page. */
static void
fill (struct mapping *mapping)
{
  uint64_t state = 0x9e3779b97f4a7c15;

  for (size_t at = 0; at + sizeof state <= mapping->size; at += sizeof state) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    memcpy (mapping->data + at, &state, sizeof state);
  }
}

static uint32_t
stride_of (const struct bench_case *c)
{
  uint32_t row = c->size.width * format_source_bytes (c->from);

  if (c->layout == &layout_rows)
    return row;
  return (row + TILE_STRIDE - 1) / TILE_STRIDE * TILE_STRIDE;
}

static size_t
source_size (const struct bench_case *c)
{
  size_t rows = c->size.height;

  if (c->layout == &layout_rows)
    return stride_of (c) * rows;
  return stride_of (c) * ((rows + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS) + TILE_SLACK;
}

static bool
make_buffer (struct scene *scene, GError **error)
{
  const struct bench_case *c = &scene->c;

  scene->buffer = qdmabuf_buffer_new (c->size.width, c->size.height, c->from,
                                      layout_modifier (c->layout, c->size.height));
  return qdmabuf_buffer_add_plane (scene->buffer, scene->source.fd, 0, stride_of (c), error);
}

/* The environment is looked at when a converter first converts. */
static QdmabufConverter *
make_converter (const struct bench_case *c)
{
  if (c->layout->nvidia_view)
    g_setenv ("QDMABUF_NVIDIA_VIEW", c->layout->nvidia_view, TRUE);
  return g_object_new (QDMABUF_TYPE_CONVERTER, "backend", "cpu", "format", c->to, NULL);
}

bool
scene_init (struct scene *scene, const struct bench_case *c, GError **error)
{
  uint64_t half = (case_bytes_read (c, false) + case_bytes_written (c, false)) / 2;
  /* Rows of a frame begin at multiples of 4 bytes, and odd sizes have half a sample more. */
  size_t frame = (size_t) case_bytes_written (c, false) + ((size_t) c->size.height + 1) * 12;

  *scene = (struct scene){ .c = *c, .source = mapping_none, .targets = { { -1, NULL, 0 } } };
  for (unsigned i = 0; i < N_TARGETS; i++)
    scene->targets[i] = mapping_none;
  if (!mapping_init (&scene->source, MAX (source_size (c), (size_t) half), error))
    return false;
  fill (&scene->source);
  for (unsigned i = 0; i < N_TARGETS; i++) {
    if (!mapping_init (&scene->targets[i], MAX (frame, (size_t) half), error))
      return false;
    memset (scene->targets[i].data, 1, scene->targets[i].size);
  }
  scene->whole = make_converter (c);
  scene->of_damage = make_converter (c);
  return make_buffer (scene, error);
}

void
scene_clear (struct scene *scene)
{
  g_clear_object (&scene->whole);
  g_clear_object (&scene->of_damage);
  g_clear_pointer (&scene->buffer, qdmabuf_buffer_unref);
  mapping_clear (&scene->source);
  for (unsigned i = 0; i < N_TARGETS; i++)
    mapping_clear (&scene->targets[i]);
}

#ifdef __x86_64__
void
scene_chill (struct scene *scene)
{
  for (size_t at = 0; at < scene->source.size; at += LINE)
    _mm_clflush (scene->source.data + at);
  _mm_mfence ();
}
#else
/* Reading as much else as the caches hold. */
void
scene_chill (struct scene *scene)
{
  static uint8_t *other;

  (void) scene;
  if (!other)
    other = memset (g_malloc (EVICTION_SIZE), 1, EVICTION_SIZE);
  for (size_t at = 0; at < EVICTION_SIZE; at += LINE)
    (void) *(volatile uint8_t *) &other[at];
}
#endif

void
scene_damage (const struct scene *scene, unsigned round, int *x, int *y)
{
  struct size size = scene->c.size;
  unsigned columns = MAX (size.width / (2 * DAMAGE_SIZE), 1);
  unsigned rows = MAX (size.height / (2 * DAMAGE_SIZE), 1);

  *x = (int) (round * 7 % columns * 2 * DAMAGE_SIZE);
  *y = (int) (round * 3 % rows * 2 * DAMAGE_SIZE);
}
