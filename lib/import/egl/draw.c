/* SPDX-License-Identifier: MIT */
/* One quad for each plane, cut by scissors to what changed. */
#include "import/egl/draw.h"

#include <qemu-dmabuf/qdmabuf-error.h>

#include "buffer/planes.h"

/* Bytes of a texel. */
#define TEXEL 4

/* ---- where what lies ---- */

/* Texels of a plane, from column 0 and row y of the canvas on. */
static struct rect
place_of (const struct picture *shape, unsigned plane)
{
  const struct output_format *format = output_format_find (shape->fourcc);
  struct rect all = { 0, 0, (int32_t) shape->width, (int32_t) shape->height };
  struct rect place = { 0, 0, 0, 0 };

  for (unsigned i = 0; i <= plane; i++) {
    struct rect samples = plane_rect (&format->planes[i], all);

    place.y += place.height;
    place.width = (samples.width * format->planes[i].cpp + TEXEL - 1) / TEXEL;
    place.height = samples.height;
  }
  return place;
}

struct egl_patch
egl_canvas_patch (const struct picture *shape, unsigned plane, struct rect r)
{
  const struct plane_format *format = &output_format_find (shape->fourcc)->planes[plane];
  struct rect samples = plane_rect (format, r);
  int32_t start = samples.x * format->cpp;
  int32_t end = (samples.x + samples.width) * format->cpp;
  int32_t first = start / TEXEL;

  return (struct egl_patch){ .texels = { first, place_of (shape, plane).y + samples.y,
                                         (end + TEXEL - 1) / TEXEL - first, samples.height },
                             .skip = (uint32_t) (start - first * TEXEL),
                             .bytes = (uint32_t) (end - start) };
}

/* ---- the texture ---- */

static bool
check_size (const struct egl_device *device, const struct rect *last, int32_t width, GError **error)
{
  if (width <= device->max_size && last->y + last->height <= device->max_size)
    return true;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT,
               "%d×%d texels for the planes are more than the driver's largest texture of %d×%d",
               width, last->y + last->height, device->max_size, device->max_size);
  return false;
}

static bool
canvas_resize (struct egl_canvas *canvas, uint32_t width, uint32_t height, GError **error)
{
  if (canvas->width >= width && canvas->height >= height)
    return true;
  if (!canvas->texture) {
    glGenTextures (1, &canvas->texture);
    glGenFramebuffers (1, &canvas->framebuffer);
  }
  canvas->width = MAX (canvas->width, width);
  canvas->height = MAX (canvas->height, height);
  glBindTexture (GL_TEXTURE_2D, canvas->texture);
  glTexImage2D (GL_TEXTURE_2D, 0, GL_RGBA, (GLsizei) canvas->width, (GLsizei) canvas->height, 0,
                GL_RGBA, GL_UNSIGNED_BYTE, NULL);
  glBindFramebuffer (GL_FRAMEBUFFER, canvas->framebuffer);
  glFramebufferTexture2D (GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, canvas->texture, 0);
  if (glCheckFramebufferStatus (GL_FRAMEBUFFER) == GL_FRAMEBUFFER_COMPLETE)
    return true;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_FAILED,
               "the driver gives no texture of %u×%u pixels to draw into", canvas->width,
               canvas->height);
  canvas->width = canvas->height = 0;
  return false;
}

static bool
prepare (struct egl_canvas *canvas, const struct egl_device *device, const struct picture *shape,
         GError **error)
{
  unsigned n = output_format_find (shape->fourcc)->n_planes;
  struct rect last = place_of (shape, n - 1);
  int32_t width = place_of (shape, 0).width;

  if (!check_size (device, &last, width, error))
    return false;
  /* Whatever comes of it, what was drawn before may be gone. */
  canvas->serial++;
  return canvas_resize (canvas, (uint32_t) width, (uint32_t) (last.y + last.height), error);
}

/* ---- drawing ---- */

static void
draw_plane (const struct picture *shape, unsigned plane, const struct damage *damage)
{
  static const GLfloat corners[] = { 0, 0, 1, 0, 0, 1, 1, 1 };
  struct rect place = place_of (shape, plane);

  glViewport (place.x, place.y, place.width, place.height);
  glVertexAttribPointer (0, 2, GL_FLOAT, GL_FALSE, 0, corners);
  glEnableVertexAttribArray (0);
  glEnable (GL_SCISSOR_TEST);
  glDisable (GL_DITHER); /* on by default, and every bit counts */
  for (unsigned i = 0; i < damage->n; i++) {
    struct rect r = egl_canvas_patch (shape, plane, damage->rects[i]).texels;

    glScissor (r.x, r.y, r.width, r.height);
    glDrawArrays (GL_TRIANGLE_STRIP, 0, 4);
  }
}

bool
egl_canvas_draw (struct egl_canvas *canvas, const struct egl_device *device,
                 const struct egl_image *image, const struct damage *damage,
                 const struct picture *shape, GError **error)
{
  unsigned n = output_format_find (shape->fourcc)->n_planes;

  if (!prepare (canvas, device, shape, error))
    return false;
  glBindFramebuffer (GL_FRAMEBUFFER, canvas->framebuffer);
  egl_image_bind (image);
  for (unsigned i = 0; i < n; i++) {
    struct rect place = place_of (shape, i);

    if (!egl_programs_use (&canvas->programs, image, shape, i, place.width, place.height, error))
      return false;
    draw_plane (shape, i, damage);
  }
  return egl_device_check (device, "drawing", error);
}

void
egl_canvas_clear (struct egl_canvas *canvas)
{
  glDeleteFramebuffers (1, &canvas->framebuffer);
  glDeleteTextures (1, &canvas->texture);
  egl_programs_clear (&canvas->programs);
  *canvas = (struct egl_canvas){ 0 };
}
