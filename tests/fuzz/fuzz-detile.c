/* SPDX-License-Identifier: MIT */
/* Tiled layouts, true ones and invented ones: by the engine alone over memory that ends with the
 * plane, and through the whole back end over a memfd. Every byte is compared with an address that
 * is worked out bit by bit from what equations.h says. */
#define _GNU_SOURCE 1 /* memfd_create */

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "buffer/buffer.h"
#include "fuzz/fenced.h"
#include "fuzz/fuzz.h"
#include "import/backend.h"
#include "import/detile/detile.h"
#include "support/rgb.h"

#define MAX_SIZE ((uint64_t) 2 << 20) /* bytes of a plane */
#define MAX_SIDE 400
#define UNTOUCHED 0xa5

enum {
  FLAG_TOP = 1,      /* y0_top, or rows from the bottom up */
  FLAG_INVENTED = 2, /* no equation of the tables: one of the input's */
  FLAG_TWIDDLE = 4,  /* a modifier near a true one */
  FLAG_STREAM = 8,
  FLAG_BACKEND = 16,
  FLAG_SHORT = 32,  /* memory that lacks its last bytes */
  FLAG_STRIDE = 64, /* any stride at all */
};

/* The first numbers of the input. */
struct numbers {
  uint8_t modifier, flags, format, output, level, invent, short_by, unused;
  uint16_t width, height, offset, more;
  int16_t crop[4], damage[8];
  uint32_t stride, seed;
  uint64_t twiddle;
};

static const uint64_t modifiers[] = {
  I915_FORMAT_MOD_X_TILED,
  I915_FORMAT_MOD_Y_TILED,
  I915_FORMAT_MOD_Yf_TILED,
  I915_FORMAT_MOD_4_TILED,
  0x0200000000000901, /* GFX9 S, D, S_X, D_X */
  0x0200000000000a01,
  0x0200000004801901,
  0x0200000004801a01,
  0x0200000000801b02, /* R_X of GFX10, 10.3, 11 */
  0x0200000020801b03,
  0x0200000028a01b04,
  0x0200000028a01f04,
  0x0200000000000105, /* GFX12 */
  0x0200000000000205,
  0x0200000000000305,
  0x0200000000000405,
  0x03000000004fe010, /* NVIDIA, of several generations */
  0x03000000004fe013,
  0x030000000000fe01,
  0x0300000000606014,
  0x0300000000606010,
  0x0300000004606014,
  DRM_FORMAT_MOD_VIVANTE_TILED,
  DRM_FORMAT_MOD_ARM_16X16_BLOCK_U_INTERLEAVED,
  DRM_FORMAT_MOD_SAMSUNG_16_16_TILE,
  (uint64_t) 0x0c << 56 | 1, /* Apple */
  DRM_FORMAT_MOD_BROADCOM_VC4_T_TILED,
  DRM_FORMAT_MOD_BROADCOM_UIF,
  DRM_FORMAT_MOD_BROADCOM_SAND32_COL_HEIGHT (100),
  DRM_FORMAT_MOD_BROADCOM_SAND128_COL_HEIGHT (64),
  DRM_FORMAT_MOD_BROADCOM_SAND256_COL_HEIGHT (33),
};

/* ---- the memory: what lies at an address is known ---- */

static uint8_t
byte_at (uint64_t i)
{
  uint64_t x = (i + 1) * 0x9e3779b97f4a7c15u;

  return (uint8_t) (x >> 56);
}

/* Ends where nothing may be read; made once. */
static const uint8_t *
memory_of (size_t size)
{
  static struct fenced all;

  if (!all.data) {
    all = fenced_new (MAX_SIZE, false);
    for (size_t i = 0; i < MAX_SIZE; i++)
      all.data[i] = byte_at (MAX_SIZE - i);
  }
  return all.data + (MAX_SIZE - size);
}

/* ---- the address, bit by bit ---- */

struct reference {
  struct equation equation;
  struct equation_request request;
  uint32_t stride;
  uint64_t size; /* bytes of the plane */
};

static uint64_t
divide_up (uint64_t n, uint64_t by)
{
  return (n + by - 1) / by;
}

static uint64_t
inside_block (const struct equation *equation, uint32_t u, uint32_t v)
{
  uint64_t inside = 0;

  for (unsigned bit = 0; bit < equation->bits; bit++) {
    int set = __builtin_parity (equation->u[bit] & u) ^ __builtin_parity (equation->v[bit] & v) ^
              (int) (equation->flip >> bit & 1);

    inside |= (uint64_t) set << bit;
  }
  return inside;
}

/* Of the byte at column u of row v. */
static uint64_t
address_of (const struct reference *reference, uint32_t u, uint32_t v)
{
  const struct equation *equation = &reference->equation;
  uint64_t width = (uint64_t) 1 << equation->width_bits;
  uint64_t height = (uint64_t) 1 << (equation->bits - equation->width_bits);
  uint64_t across = reference->stride / width;
  uint64_t column = u / width, row = v / height, before = 0;

  switch (equation->order) {
  case EQUATION_ROWS_OWN:
    across = divide_up ((uint64_t) reference->request.width * reference->request.cpp, width);
    before = row * across + column;
    break;
  case EQUATION_ROWS:
    before = row * across + column;
    break;
  case EQUATION_ZIGZAG:
    before = row * across + (row % 2 ? across - 1 - column : column);
    break;
  case EQUATION_COLUMNS:
    before = column * divide_up (equation->column_rows, height) + row;
    break;
  }
  return (before << equation->bits) + inside_block (equation, u, v);
}

/* ---- equations ---- */

static uint32_t
roll (uint32_t *seed)
{
  *seed ^= *seed << 13;
  *seed ^= *seed >> 17;
  *seed ^= *seed << 5;
  return *seed;
}

/* The low bits in the orders that have kernels of their own, as table of u and v. */
static void
invent_low_bits (struct equation *equation, unsigned kind)
{
  static const uint8_t pairs[3][2][4] = {
    { { 1, 2, 4, 0 }, { 0, 0, 0, 1 } },
    { { 1, 2, 0, 4 }, { 0, 0, 1, 0 } },
    { { 1, 2, 4, 0 }, { 0, 0, 1, 1 } },
  };
  unsigned run = kind % 11;
  bool pair = kind >= 11 * 15;

  for (unsigned i = 0; i < equation->bits; i++) {
    if (pair && i >= 4) {
      equation->u[i] &= ~7u;
      equation->v[i] &= ~1u;
    } else if (pair) {
      equation->u[i] = pairs[kind % 3][0][i];
      equation->v[i] = pairs[kind % 3][1][i];
      equation->flip &= ~(1u << i);
    } else if (i < run) {
      equation->u[i] = 1u << i;
      equation->v[i] = 0;
      equation->flip &= ~(1u << i);
    } else {
      equation->u[i] &= ~((1u << run) - 1);
    }
  }
}

/* Any equation is true for somebody: the engine only copies, so it need not be one to one. */
static void
invent (struct equation *equation, const struct numbers *n)
{
  uint32_t seed = n->seed | 1;

  *equation = (struct equation){ .bits = 5 + roll (&seed) % 10 };
  equation->width_bits = 2 + roll (&seed) % (equation->bits - 1);
  for (unsigned i = 0; i < equation->bits; i++) {
    equation->u[i] = roll (&seed) & roll (&seed) & 0xffff;
    equation->v[i] = roll (&seed) & roll (&seed) & 0xffff;
  }
  equation->flip = roll (&seed) & ((1u << equation->bits) - 1);
  equation->order = roll (&seed) % (EQUATION_COLUMNS + 1);
  equation->column_rows = n->height + roll (&seed) % 50;
  invent_low_bits (equation, n->invent);
}

static uint64_t
choose_modifier (const struct numbers *n)
{
  uint64_t modifier = modifiers[n->modifier % G_N_ELEMENTS (modifiers)];

  return n->flags & FLAG_TWIDDLE ? modifier ^ n->twiddle : modifier;
}

/* The least stride and some blocks, or any. */
static uint32_t
choose_stride (const struct numbers *n, const struct reference *reference)
{
  uint64_t block = (uint64_t) 1 << reference->equation.width_bits;
  uint64_t row = (uint64_t) reference->request.width * reference->request.cpp;

  return n->flags & FLAG_STRIDE ? n->stride
                                : (uint32_t) ((divide_up (row, block) + n->more % 4) * block);
}

/* False: refused, or too large for here. */
static bool
choose_layout (const struct numbers *n, uint32_t cpp, struct reference *reference)
{
  g_autofree char *reason = NULL;
  bool ok = true;

  reference->request = (struct equation_request){ .modifier = choose_modifier (n),
                                                  .cpp = cpp,
                                                  .width = n->width,
                                                  .height = n->height,
                                                  .nvidia = NVIDIA_VIEW_SECTORS + n->unused % 2 };
  if (n->flags & FLAG_INVENTED)
    invent (&reference->equation, n);
  else
    ok = equation_find (&reference->equation, &reference->request, &reason);
  if (ok) {
    reference->stride = choose_stride (n, reference);
    ok = plan_size (&reference->size, &reference->equation, &reference->request, reference->stride,
                    &reason);
  }
  if (ok != !reason)
    abort ();
  return ok && reference->size <= MAX_SIZE;
}

/* ---- the engine alone ---- */

static const struct detile_kernels *
choose_kernels (const struct numbers *n, const uint8_t *source)
{
  const struct detile_kernels *const *all = detile_kernels_all ();
  unsigned count = 0;

  while (all[count])
    count++;
  const struct detile_kernels *kernels = all[n->level % count];
  bool stream = n->flags & FLAG_STREAM && kernels->streaming && (uintptr_t) source % 64 == 0;
  return stream ? kernels->streaming : kernels;
}

static struct rect
choose_rect (const struct numbers *n)
{
  struct rect r = { (uint16_t) n->crop[0] % n->width, (uint16_t) n->crop[1] % n->height, 0, 0 };

  r.width = 1 + (uint16_t) n->crop[2] % (n->width - r.x);
  r.height = 1 + (uint16_t) n->crop[3] % (n->height - r.y);
  return r;
}

static void
check_row (const struct reference *reference, struct rect r, int32_t y, const uint8_t *got)
{
  uint32_t first = (uint32_t) r.x * reference->request.cpp;
  uint32_t n = (uint32_t) r.width * reference->request.cpp;

  for (uint32_t i = 0; i < n; i++) {
    uint64_t address = address_of (reference, first + i, (uint32_t) (r.y + y));

    /* Memory is counted from its end, see memory_of. */
    if (address >= reference->size || got[i] != byte_at (reference->size - address))
      abort ();
  }
}

static void
run_engine (const struct numbers *n, const struct reference *reference)
{
  const uint8_t *source = memory_of (reference->size);
  struct rect r = choose_rect (n);
  size_t row = (size_t) r.width * reference->request.cpp, stride = row + n->more % 7;
  size_t size = stride * (size_t) (r.height - 1) + row;
  struct fenced rows = fenced_new (size, n->flags & FLAG_SHORT);
  bool flip = n->flags & FLAG_TOP;
  struct detile_target target = { rows.data, (ptrdiff_t) stride };
  struct plan plan;

  if (flip)
    target =
        (struct detile_target){ rows.data + stride * (size_t) (r.height - 1), -(ptrdiff_t) stride };
  memset (rows.data, UNTOUCHED, size);
  plan_init (&plan, &reference->equation, &reference->request, reference->stride);
  detile_rect (&plan, choose_kernels (n, source), source, r, target);
  plan_clear (&plan);
  for (int32_t y = 0; y < r.height; y++) {
    size_t at = (size_t) (flip ? r.height - 1 - y : y) * stride;

    check_row (reference, r, y, rows.data + at);
    for (size_t i = at + row; i < MIN (at + stride, size); i++) {
      if (rows.data[i] != UNTOUCHED)
        abort ();
    }
  }
  fenced_free (&rows);
}

/* ---- the back end ---- */

static int
make_memfd (uint64_t size)
{
  int fd = memfd_create ("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

  /* The pattern that memory_of has, whatever is cut off. */
  if (fd < 0 || write (fd, memory_of (size), size) != (ssize_t) size)
    abort ();
  return fd;
}

static QdmabufBuffer *
make_buffer (const struct numbers *n, const struct reference *reference, uint32_t fourcc)
{
  uint64_t page = n->offset % 2 ? 0 : 4096;
  struct layout layout = { .width = n->width,
                           .height = n->height,
                           .crop = choose_rect (n),
                           .fourcc = fourcc,
                           .modifier = reference->request.modifier,
                           .y0_top = n->flags & FLAG_TOP,
                           .n_planes = 1,
                           .planes = { { (uint32_t) page, reference->stride } } };
  uint64_t size = page + reference->size;
  struct fdset fds = FDSET_NONE;

  if (size > MAX_SIZE)
    return NULL;
  int fd = make_memfd (size);
  if (n->flags & FLAG_SHORT && ftruncate (fd, (off_t) (size - MIN (size, n->short_by))) != 0)
    abort ();
  fdset_take (&fds, fd);
  return buffer_new_dmabuf (&layout, &fds, NULL);
}

static void
check_pixel (const struct reference *reference, const struct layout *layout,
             const struct picture *picture, int32_t x, int32_t y, bool read)
{
  size_t cpp = pixel_format_find (picture->fourcc)->cpp;
  const uint8_t *to = picture->data[0] + (size_t) y * picture->stride[0] + (size_t) x * cpp;
  uint32_t row = (uint32_t) (layout->crop.y + y);
  uint32_t column = (uint32_t) (layout->crop.x + x) * reference->request.cpp;
  uint8_t from[8] = { 0 };

  for (size_t i = 0; !read && i < cpp; i++) {
    if (to[i] != UNTOUCHED)
      abort ();
  }
  if (!read)
    return;
  row = layout->y0_top ? layout->height - 1 - row : row;
  for (uint32_t i = 0; i < reference->request.cpp; i++)
    from[i] = byte_at (reference->size - address_of (reference, column + i, row));
  struct rgb want = pixel_read (layout->fourcc, from);
  struct rgb got = pixel_read (picture->fourcc, to);
  if (got.r != want.r || got.g != want.g || got.b != want.b)
    abort ();
}

static void
read_buffer (struct backend *backend, const struct numbers *n, const struct reference *reference,
             QdmabufBuffer *buffer)
{
  static const uint32_t outputs[] = { DRM_FORMAT_XRGB8888, DRM_FORMAT_XBGR8888, DRM_FORMAT_BGR888 };
  const struct rect *crop = &buffer->layout.crop;
  struct picture picture = { .fourcc = outputs[n->output % G_N_ELEMENTS (outputs)],
                             .width = (uint32_t) crop->width,
                             .height = (uint32_t) crop->height,
                             .n_planes = 1 };
  struct damage damage = DAMAGE_NONE;

  picture.stride[0] = picture.width * pixel_format_find (picture.fourcc)->cpp;
  struct fenced pixels = fenced_new (picture.stride[0] * picture.height, n->more & 1);
  picture.data[0] = pixels.data;
  memset (pixels.data, UNTOUCHED, picture.stride[0] * picture.height);
  for (unsigned i = 0; i < 8; i += 4)
    damage_add (&damage, (struct rect){ n->damage[i], n->damage[i + 1], n->damage[i + 2],
                                        n->damage[i + 3] });
  damage_clip (&damage, picture.width, picture.height);

  void *imported = backend->ops->import (backend, buffer, NULL);
  if (!imported || !backend->ops->read (backend, imported, &damage, &picture, INT64_MAX, NULL))
    abort ();
  backend->ops->release (backend, imported);
  for (int32_t y = 0; y < crop->height; y++)
    for (int32_t x = 0; x < crop->width; x++)
      check_pixel (reference, &buffer->layout, &picture, x, y,
                   damage_contains (&damage, (struct rect){ x, y, 1, 1 }));
  fenced_free (&pixels);
}

static void
run_backend (const struct numbers *n, const struct reference *reference, uint32_t fourcc)
{
  QdmabufBuffer *buffer = make_buffer (n, reference, fourcc);

  if (!buffer)
    return;
  g_setenv ("QDMABUF_NVIDIA_VIEW",
            reference->request.nvidia == NVIDIA_VIEW_GOBS ? "gobs" : "sectors", TRUE);
  struct backend *backend = detile_backend_new ();
  g_autoptr (GError) reason = NULL;
  bool can = backend->ops->score (backend, buffer, &reason) > 0;

  if (can == (reason != NULL))
    abort ();
  /* All that was accepted is there. */
  if (can && n->flags & FLAG_SHORT && n->short_by > 0)
    abort ();
  if (can)
    read_buffer (backend, n, reference, buffer);
  backend->ops->close (backend);
  qdmabuf_buffer_unref (buffer);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct numbers n = { 0 };
  struct reference reference = { 0 };

  memcpy (&n, data, MIN (size, sizeof n));
  n.width = (uint16_t) (1 + n.width % MAX_SIDE);
  n.height = (uint16_t) (1 + n.height % MAX_SIDE);
  if (n.flags & FLAG_BACKEND) {
    const struct pixel_format *format = pixel_format_at (n.format % pixel_format_count ());

    n.flags &= (uint8_t) ~FLAG_INVENTED;
    if (choose_layout (&n, format->cpp, &reference))
      run_backend (&n, &reference, format->fourcc);
  } else if (choose_layout (&n, 1u << n.format % 4, &reference)) {
    run_engine (&n, &reference);
  }
  return 0;
}
