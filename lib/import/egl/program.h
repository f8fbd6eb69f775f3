/* SPDX-License-Identifier: MIT */
/* Programs: shaders that make the bytes of an output plane out of an image, four to a texel, by the
 * CPU's own rules of rounding. */
#pragma once

#include <stdbool.h>

#include "buffer/picture.h"
#include "import/egl/device.h"
#include "import/egl/image.h"

/* What the four bytes of a texel are. */
enum egl_texel {
  EGL_TEXEL_PIXEL,   /* a pixel, and one byte without meaning */
  EGL_TEXEL_PACKED,  /* four of the twelve bytes that four pixels of three bytes have */
  EGL_TEXEL_SAMPLES, /* a sample each of four pixels */
  EGL_TEXEL_HALVES,  /* a sample each of four groups of 2 × 2 pixels */
  EGL_TEXEL_PAIRS,   /* two samples each of two such groups */
  N_EGL_TEXELS,
};

struct egl_program {
  GLuint program; /* 0: not built yet */
  bool refused;   /* the driver cannot build it */
  GLint size, first, last, whole, turn, levels, up, down, red, green, blue, weights, second;
};

/* All that were built so far. Zero at first. */
struct egl_programs {
  struct egl_program flat[N_EGL_TEXELS];     /* for GL_TEXTURE_2D */
  struct egl_program external[N_EGL_TEXELS]; /* for GL_TEXTURE_EXTERNAL_OES */
};

/* What a texel of plane i of fourcc, an output format, is. */
enum egl_texel egl_texel_of (uint32_t fourcc, unsigned plane);
/* Makes the program for plane i of shape current, with image's texture, and sets it up; columns and
 * rows: texels of the plane. Every pixel of the image's crop is at hand, the right way up; beyond
 * it the last ones go on. Error: NO_BACKEND (the driver cannot build the shader). */
bool egl_programs_use (struct egl_programs *programs, const struct egl_image *image,
                       const struct picture *shape, unsigned plane, int32_t columns, int32_t rows,
                       GError **error);
void egl_programs_clear (struct egl_programs *programs);
