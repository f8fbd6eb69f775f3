/* SPDX-License-Identifier: MIT */
/* One vertex shader, one function that fetches a pixel, and five ways to make bytes of pixels.
 *
 * All numbers are whole and below 2^24, so that single precision calculates them exactly, and what
 * convert/matrix.c says with integers comes out the same here, bit by bit. GLSL ES 1.00: the one
 * language in which external textures can be sampled everywhere. */
#include "import/egl/program.h"

#include <drm_fourcc.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "buffer/fourcc.h"
#include "convert/matrix.h"

/* `at` counts texels of the plane. */
static const char vertex_source[] = "attribute vec2 corner;\n"
                                    "uniform vec2 size;\n"
                                    "varying vec2 at;\n"
                                    "void main () {\n"
                                    "  gl_Position = vec4 (corner * 2.0 - 1.0, 0.0, 1.0);\n"
                                    "  at = corner * size;\n"
                                    "}\n";

/* Without high precision a column beyond 2048 could not be told from its neighbour; such a driver
 * does not build this.
 *
 * A channel of n bits becomes one of 8 by moving bits, not by scaling: the top 8 of more, or all of
 * fewer and the first of them again. */
static const char common_source[] =
    "precision highp float;\n"
    "uniform SAMPLER image;\n"
    "uniform vec2 first, last, whole;\n"
    "uniform float turn;\n"
    "uniform vec3 levels, up, down;\n"
    "uniform vec4 red, green, blue;\n"
    "uniform vec4 weights, second;\n"
    "varying vec2 at;\n"
    "vec3 pixel (float x, float y) {\n"
    "  vec2 place = first + min (vec2 (x, y), last) * vec2 (1.0, turn);\n"
    "  vec4 texel = texture2D (image, place / whole);\n"
    "  vec3 rgb = vec3 (dot (texel, red), dot (texel, green), dot (texel, blue));\n"
    "  vec3 value = floor (rgb * levels + 0.5);\n"
    "  return floor (value * up) + floor (value * down);\n"
    "}\n"
    "vec3 mean (float x, float y) {\n"
    "  vec3 left = floor ((pixel (x, y) + pixel (x, y + 1.0) + 1.0) / 2.0);\n"
    "  vec3 right = floor ((pixel (x + 1.0, y) + pixel (x + 1.0, y + 1.0) + 1.0) / 2.0);\n"
    "  return floor ((left + right + 1.0) / 2.0);\n"
    "}\n"
    "float weigh (vec4 w, vec3 rgb) {\n"
    "  return floor ((dot (w.rgb, rgb) + w.a) / 256.0);\n"
    "}\n";

static const char *const main_sources[N_EGL_TEXELS] = {
  [EGL_TEXEL_PIXEL] = "void main () {\n"
                      "  vec2 t = floor (at);\n"
                      "  gl_FragColor = vec4 (pixel (t.x, t.y) / 255.0, 1.0);\n"
                      "}\n",
  [EGL_TEXEL_PACKED] = "void main () {\n"
                       "  vec2 t = floor (at);\n"
                       "  float group = floor ((t.x + 0.5) / 3.0);\n"
                       "  float part = t.x - group * 3.0;\n"
                       "  vec3 a = pixel (group * 4.0 + part, t.y);\n"
                       "  vec3 b = pixel (group * 4.0 + part + 1.0, t.y);\n"
                       "  vec4 bytes = vec4 (a.b, b);\n"
                       "  if (part < 0.5)\n"
                       "    bytes = vec4 (a, b.r);\n"
                       "  else if (part < 1.5)\n"
                       "    bytes = vec4 (a.gb, b.rg);\n"
                       "  gl_FragColor = bytes / 255.0;\n"
                       "}\n",
  [EGL_TEXEL_SAMPLES] = "void main () {\n"
                        "  vec2 t = floor (at);\n"
                        "  float x = t.x * 4.0;\n"
                        "  gl_FragColor = vec4 (weigh (weights, pixel (x, t.y)),\n"
                        "                       weigh (weights, pixel (x + 1.0, t.y)),\n"
                        "                       weigh (weights, pixel (x + 2.0, t.y)),\n"
                        "                       weigh (weights, pixel (x + 3.0, t.y))) / 255.0;\n"
                        "}\n",
  [EGL_TEXEL_HALVES] = "void main () {\n"
                       "  vec2 t = floor (at);\n"
                       "  float x = t.x * 8.0, y = t.y * 2.0;\n"
                       "  gl_FragColor = vec4 (weigh (weights, mean (x, y)),\n"
                       "                       weigh (weights, mean (x + 2.0, y)),\n"
                       "                       weigh (weights, mean (x + 4.0, y)),\n"
                       "                       weigh (weights, mean (x + 6.0, y))) / 255.0;\n"
                       "}\n",
  [EGL_TEXEL_PAIRS] = "void main () {\n"
                      "  vec2 t = floor (at);\n"
                      "  float x = t.x * 4.0, y = t.y * 2.0;\n"
                      "  vec3 a = mean (x, y), b = mean (x + 2.0, y);\n"
                      "  gl_FragColor = vec4 (weigh (weights, a), weigh (second, a),\n"
                      "                       weigh (weights, b), weigh (second, b)) / 255.0;\n"
                      "}\n",
};

static const char flat_prefix[] = "#define SAMPLER sampler2D\n";
static const char external_prefix[] = "#extension GL_OES_EGL_image_external : require\n"
                                      "#define SAMPLER samplerExternalOES\n";

enum egl_texel
egl_texel_of (uint32_t fourcc, unsigned plane)
{
  switch (fourcc) {
  case DRM_FORMAT_XRGB8888:
  case DRM_FORMAT_XBGR8888:
    return EGL_TEXEL_PIXEL;
  case DRM_FORMAT_RGB888:
  case DRM_FORMAT_BGR888:
    return EGL_TEXEL_PACKED;
  case DRM_FORMAT_NV12:
    return plane == 0 ? EGL_TEXEL_SAMPLES : EGL_TEXEL_PAIRS;
  case DRM_FORMAT_YUV420:
    return plane == 0 ? EGL_TEXEL_SAMPLES : EGL_TEXEL_HALVES;
  default:
    return EGL_TEXEL_SAMPLES;
  }
}

/* ---- building ---- */

static GLuint
compile (GLenum kind, const char *prefix, const char *common, const char *source)
{
  const char *sources[] = { prefix, common, source };
  GLuint shader = glCreateShader (kind);

  glShaderSource (shader, 3, sources, NULL);
  glCompileShader (shader);
  return shader;
}

static void
find_uniforms (struct egl_program *self)
{
  GLuint program = self->program;

  self->size = glGetUniformLocation (program, "size");
  self->first = glGetUniformLocation (program, "first");
  self->last = glGetUniformLocation (program, "last");
  self->whole = glGetUniformLocation (program, "whole");
  self->turn = glGetUniformLocation (program, "turn");
  self->levels = glGetUniformLocation (program, "levels");
  self->up = glGetUniformLocation (program, "up");
  self->down = glGetUniformLocation (program, "down");
  self->red = glGetUniformLocation (program, "red");
  self->green = glGetUniformLocation (program, "green");
  self->blue = glGetUniformLocation (program, "blue");
  self->weights = glGetUniformLocation (program, "weights");
  self->second = glGetUniformLocation (program, "second");
}

static bool
refuse (const struct egl_program *self, GError **error)
{
  char log[512] = "";

  if (self->program)
    glGetProgramInfoLog (self->program, sizeof log, NULL, log);
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND,
               "the driver cannot build the shader%s%s", *log ? ": " : "", log);
  return false;
}

/* What a driver refused once it is not asked for again: compilers are slow. */
static bool
program_build (struct egl_program *self, const char *prefix, enum egl_texel texel, GError **error)
{
  GLint linked = GL_FALSE;

  if (self->program)
    return true;
  if (self->refused)
    return refuse (self, error);
  GLuint vertex = compile (GL_VERTEX_SHADER, "", "", vertex_source);
  GLuint fragment = compile (GL_FRAGMENT_SHADER, prefix, common_source, main_sources[texel]);
  self->program = glCreateProgram ();
  glAttachShader (self->program, vertex);
  glAttachShader (self->program, fragment);
  glBindAttribLocation (self->program, 0, "corner");
  glLinkProgram (self->program);
  glGetProgramiv (self->program, GL_LINK_STATUS, &linked);
  glDeleteShader (vertex);
  glDeleteShader (fragment);
  if (linked) {
    find_uniforms (self);
    return true;
  }
  self->refused = true;
  refuse (self, error);
  glDeleteProgram (self->program);
  self->program = 0;
  return false;
}

/* ---- setting up ---- */

static void
set_levels (const struct egl_program *program, uint32_t fourcc)
{
  switch (pixel_format_find (fourcc)->opaque) {
  case DRM_FORMAT_RGB565:
    glUniform3f (program->levels, 31, 63, 31);
    glUniform3f (program->up, 8, 4, 8);
    glUniform3f (program->down, 1.f / 4, 1.f / 16, 1.f / 4);
    break;
  case DRM_FORMAT_XRGB2101010:
  case DRM_FORMAT_XBGR2101010:
    glUniform3f (program->levels, 1023, 1023, 1023);
    glUniform3f (program->up, 1.f / 4, 1.f / 4, 1.f / 4);
    glUniform3f (program->down, 0, 0, 0);
    break;
  default:
    glUniform3f (program->levels, 255, 255, 255);
    glUniform3f (program->up, 1, 1, 1);
    glUniform3f (program->down, 0, 0, 0);
  }
}

static void
pick (GLint uniform, uint8_t channel)
{
  glUniform4f (uniform, channel == 0, channel == 1, channel == 2, channel == 3);
}

/* Of RGB, the first of a pixel's bytes is what the shader calls red. */
static void
set_channels (const struct egl_program *program, const uint8_t channel[3], uint32_t output)
{
  bool blue_first = output == DRM_FORMAT_XRGB8888 || output == DRM_FORMAT_RGB888;

  pick (program->red, channel[blue_first ? 2 : 0]);
  pick (program->green, channel[1]);
  pick (program->blue, channel[blue_first ? 0 : 2]);
}

static void
set_place (const struct egl_program *program, const struct layout *layout)
{
  const struct rect *crop = &layout->crop;
  int32_t top = layout->y0_top ? (int32_t) layout->height - 1 - crop->y : crop->y;

  glUniform2f (program->first, (float) crop->x + .5f, (float) top + .5f);
  glUniform2f (program->last, (float) (crop->width - 1), (float) (crop->height - 1));
  glUniform2f (program->whole, (float) layout->width, (float) layout->height);
  glUniform1f (program->turn, layout->y0_top ? -1 : 1);
}

/* channel: 0: Y, 1: U, 2: V. */
static void
set_weights (GLint uniform, QdmabufColor color, unsigned channel)
{
  struct matrix matrix = matrix_make (color, DRM_FORMAT_XBGR8888, CPU_C);
  const struct weighing *w = channel == 0 ? &matrix.y : &matrix.uv[channel - 1];

  glUniform4f (uniform, w->weight[0], w->weight[1], w->weight[2], w->bias);
}

bool
egl_programs_use (struct egl_programs *programs, const struct egl_image *image,
                  const struct picture *shape, unsigned plane, int32_t columns, int32_t rows,
                  GError **error)
{
  const struct layout *layout = &image->buffer->layout;
  enum egl_texel texel = egl_texel_of (shape->fourcc, plane);
  bool external = image->target == GL_TEXTURE_EXTERNAL_OES;
  struct egl_program *program = external ? &programs->external[texel] : &programs->flat[texel];

  if (!program_build (program, external ? external_prefix : flat_prefix, texel, error))
    return false;
  glUseProgram (program->program);
  glUniform2f (program->size, (float) columns, (float) rows);
  set_place (program, layout);
  set_levels (program, layout->fourcc);
  set_channels (program, image->as.channel, shape->fourcc);
  if (texel >= EGL_TEXEL_SAMPLES)
    set_weights (program->weights, shape->color, plane);
  if (texel == EGL_TEXEL_PAIRS)
    set_weights (program->second, shape->color, 2);
  return true;
}

void
egl_programs_clear (struct egl_programs *programs)
{
  for (unsigned i = 0; i < N_EGL_TEXELS; i++) {
    glDeleteProgram (programs->flat[i].program);
    glDeleteProgram (programs->external[i].program);
  }
  *programs = (struct egl_programs){ 0 };
}
