/* SPDX-License-Identifier: MIT */
/* The canvas: a texture of our own that holds the bytes of output planes, four to a texel, one
 * plane below the other. */
#pragma once

#include <stdbool.h>

#include "buffer/damage.h"
#include "import/egl/device.h"
#include "import/egl/image.h"
#include "import/egl/program.h"

struct egl_canvas {
  struct egl_programs programs;
  GLuint texture, framebuffer;
  uint32_t width, height; /* texels there are, at least those asked for */
  uint64_t serial;        /* of the newest drawing */
};

/* Where a rectangle of a plane lies in the canvas. */
struct egl_patch {
  struct rect texels;
  uint32_t skip;  /* bytes of a row of texels before the first of the rectangle */
  uint32_t bytes; /* of a row of the rectangle */
};

/* r: in pixels, of whole samples, not empty, inside shape, whose data is not looked at. */
struct egl_patch egl_canvas_patch (const struct picture *shape, unsigned plane, struct rect r);
/* Draws damage of image's crop into the framebuffer of canvas, as shape's format and color: row 0
 * is the top. Errors: NO_BACKEND (the driver cannot build the shader), FAILED (it cannot draw it),
 * LIMIT (the planes do not fit into a texture), DEVICE_LOST. */
bool egl_canvas_draw (struct egl_canvas *canvas, const struct egl_device *device,
                      const struct egl_image *image, const struct damage *damage,
                      const struct picture *shape, GError **error);
void egl_canvas_clear (struct egl_canvas *canvas);
