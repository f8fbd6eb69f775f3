/* SPDX-License-Identifier: MIT */
/* The image: a DMA-BUF inside GL, as a framebuffer where the driver allows that, else as a texture
 * to be drawn. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

#include "buffer/buffer.h"
#include "import/egl/device.h"
#include "import/egl/formats.h"

struct egl_image {
  QdmabufBuffer *buffer; /* lent */
  struct egl_format as;  /* what the driver was told that it is */
  EGLImageKHR image;
  GLuint texture;
  GLenum target;      /* GL_TEXTURE_2D or GL_TEXTURE_EXTERNAL_OES */
  GLuint framebuffer; /* 0: it must be drawn. Row y of it is row y of the memory. */
  /* What the framebuffer is best read as, and what that is in memory; a fourcc of 0: no format that
   * we know. */
  GLenum format, type;
  uint32_t fourcc;
};

/* as: what egl_formats_choose chose. Errors: UNSUPPORTED_MODIFIER (the driver refuses it
 * after all), DEVICE_LOST. */
struct egl_image *egl_image_new (const struct egl_device *device, QdmabufBuffer *buffer,
                                 const struct egl_format *as, GError **error);
/* Binds the texture, and makes sure that it shows what is in the memory now. */
void egl_image_bind (const struct egl_image *image);
/* Is it something else to the driver than what it is? */
bool egl_image_is_substitute (const struct egl_image *image);
/* Has every channel of the buffer 8 bits? */
bool egl_image_has_bytes (const struct egl_image *image);
void egl_image_free (const struct egl_device *device, struct egl_image *image);
