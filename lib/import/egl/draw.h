/* SPDX-License-Identifier: MIT */
/* The canvas: a texture of our own that images are drawn into when the driver does not let them be
 * read. */
#pragma once

#include <stdbool.h>

#include "buffer/damage.h"
#include "import/egl/device.h"
#include "import/egl/image.h"

struct egl_program {
  GLuint program; /* 0: not compiled yet */
  GLint place, levels, up, down, swap;
};

struct egl_canvas {
  struct egl_program flat;     /* for GL_TEXTURE_2D */
  struct egl_program external; /* for GL_TEXTURE_EXTERNAL_OES */
  GLuint texture, framebuffer;
  uint32_t width, height; /* pixels there are, at least those asked for */
};

/* Draws damage of image's crop into the framebuffer of canvas, the right way up: row 0 is the top.
 * swap: blue comes first in memory when it is read as GL_RGBA. Errors: FAILED, DEVICE_LOST. */
bool egl_canvas_draw (struct egl_canvas *canvas, const struct egl_device *device,
                      const struct egl_image *image, const struct damage *damage, bool swap,
                      GError **error);
void egl_canvas_clear (struct egl_canvas *canvas);
