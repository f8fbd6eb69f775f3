/* SPDX-License-Identifier: MIT */
/* The last rows of a picture in system memory, by the GPU and by the CPU. */
#include "import/egl/nvidia.h"

#include <drm_fourcc.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>

#include "buffer/fourcc.h"
#include "convert/convert.h"
#include "import/mapped.h"
#include "import/source.h"

#define ROWS 2
/* Long enough for a guest that draws into just these rows, which would look like the fault. */
#define ATTEMPTS 3
#define CHECK_US (100 * 1000)

/* Those with the highest addresses, in the picture as shown. */
static struct rect
last_rows (const struct layout *layout)
{
  struct rect crop = layout->crop;
  int32_t rows = MIN (crop.height, ROWS);

  return (struct rect){ 0, layout->y0_top ? 0 : crop.height - rows, crop.width, rows };
}

/* A picture of which only the rows of r have memory. */
static struct picture
rows_only (const struct layout *layout, uint8_t *pixels, struct rect r)
{
  struct picture picture = { .fourcc = DRM_FORMAT_XRGB8888,
                             .width = (uint32_t) layout->crop.width,
                             .height = (uint32_t) layout->crop.height,
                             .n_planes = 1 };

  picture.stride[0] = (size_t) r.width * 4;
  picture.data[0] = (uint8_t *) ((uintptr_t) pixels - (size_t) r.y * picture.stride[0]);
  return picture;
}

static bool
read_memory (QdmabufBuffer *buffer, const struct picture *dst, struct rect r, int64_t deadline,
             GError **error)
{
  const struct layout *layout = &buffer->layout;
  size_t stride = layout->planes[0].stride;
  uint32_t top = (uint32_t) layout->crop.y;
  struct mapped mapped = MAPPED_NONE;

  if (!mapped_open (&mapped, buffer, layout_linear_size (layout, 0), guard_allowed (), error))
    return false;
  bool ok = source_wait (buffer, deadline, error) && mapped_begin (&mapped, deadline, error);
  if (ok) {
    struct pixels from = { .stride = (ptrdiff_t) stride, .fourcc = layout->fourcc };

    if (layout->y0_top) {
      from.stride = -from.stride;
      top = layout->height - 1 - top;
    }
    from.data = (const uint8_t *) mapped.mapping.data + top * stride +
                (size_t) layout->crop.x * pixel_format_find (layout->fourcc)->cpp;
    convert_rect (&from, dst, r);
    ok = mapped_end (&mapped, deadline, error);
  }
  mapped_close (&mapped);
  return ok;
}

/* Not the fourth byte, which means nothing. */
static bool
are_equal (const uint8_t *a, const uint8_t *b, size_t n_pixels)
{
  for (size_t i = 0; i < n_pixels; i++) {
    if (memcmp (a + 4 * i, b + 4 * i, 3) != 0)
      return false;
  }
  return true;
}

/* *equal: by both ways the same. False: one of them failed. */
static bool
compare (struct egl_readback *readback, const struct egl_device *device,
         const struct egl_image *image, bool *equal, GError **error)
{
  const struct layout *layout = &image->buffer->layout;
  struct rect r = last_rows (layout);
  size_t n = (size_t) r.width * (size_t) r.height;
  g_autofree uint8_t *pixels = g_malloc0 (2 * n * 4);
  struct picture by_gpu = rows_only (layout, pixels, r);
  struct picture by_cpu = rows_only (layout, pixels + n * 4, r);
  struct damage damage = { .n = 1, .rects = { r } };
  int64_t deadline = g_get_monotonic_time () + CHECK_US;

  if (!egl_readback (readback, device, image, &damage, &by_gpu, deadline, error) ||
      !read_memory (image->buffer, &by_cpu, r, deadline, error))
    return false;
  *equal = are_equal (pixels, pixels + n * 4, n);
  return true;
}

static bool
is_doubtful (const struct egl_device *device, const QdmabufBuffer *buffer)
{
  return device->nvidia && buffer->layout.n_planes == 1 &&
         source_find_home (buffer) == SOURCE_FILE && source_fits_linear (buffer) &&
         convert_supported (buffer->layout.fourcc, DRM_FORMAT_XRGB8888);
}

bool
egl_nvidia_check (struct egl_readback *readback, const struct egl_device *device,
                  const struct egl_image *image, GError **error)
{
  bool equal = !is_doubtful (device, image->buffer);

  for (unsigned i = 0; i < ATTEMPTS && !equal; i++) {
    if (!compare (readback, device, image, &equal, error))
      return false;
  }
  if (!equal)
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND,
                 "NVIDIA's driver shows other pixels in the last rows of this system memory than "
                 "there are");
  return equal;
}
