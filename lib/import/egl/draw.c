/* SPDX-License-Identifier: MIT */
/* One quad and one shader: crop, flip, byte order, and the CPU's own rule of rounding to 8 bits. */
#include "import/egl/draw.h"

#include <drm_fourcc.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "buffer/fourcc.h"

/* `place` maps the canvas, 0 to 1 in both directions, to the part of the image that is shown. */
static const char vertex_source[] = "attribute vec2 corner;\n"
                                    "uniform vec4 place;\n"
                                    "varying vec2 at;\n"
                                    "void main () {\n"
                                    "  gl_Position = vec4 (corner * 2.0 - 1.0, 0.0, 1.0);\n"
                                    "  at = place.xy + corner * place.zw;\n"
                                    "}\n";

/* A channel of n bits becomes one of 8 by moving bits, not by scaling: the top 8 of more, or all of
 * fewer and the first of them again. */
static const char fragment_source[] =
    "#ifdef GL_FRAGMENT_PRECISION_HIGH\n"
    "precision highp float;\n"
    "#else\n"
    "precision mediump float;\n"
    "#endif\n"
    "uniform SAMPLER image;\n"
    "uniform vec3 levels, up, down;\n"
    "uniform bool swap;\n"
    "varying vec2 at;\n"
    "void main () {\n"
    "  vec3 value = floor (texture2D (image, at).rgb * levels + 0.5);\n"
    "  vec3 bytes = floor (value * up) + floor (value * down);\n"
    "  gl_FragColor = vec4 ((swap ? bytes.bgr : bytes) / 255.0, 1.0);\n"
    "}\n";

static const char flat_prefix[] = "#define SAMPLER sampler2D\n";
static const char external_prefix[] = "#extension GL_OES_EGL_image_external : require\n"
                                      "#define SAMPLER samplerExternalOES\n";

/* ---- programs ---- */

static GLuint
compile (GLenum kind, const char *prefix, const char *source)
{
  const char *sources[] = { prefix, source };
  GLuint shader = glCreateShader (kind);

  glShaderSource (shader, 2, sources, NULL);
  glCompileShader (shader);
  return shader;
}

static bool
link_program (GLuint program, GError **error)
{
  char log[512] = "";
  GLint linked = GL_FALSE;

  glLinkProgram (program);
  glGetProgramiv (program, GL_LINK_STATUS, &linked);
  if (linked)
    return true;
  glGetProgramInfoLog (program, sizeof log, NULL, log);
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND,
               "the driver cannot build the shader: %s", log);
  return false;
}

static bool
program_build (struct egl_program *self, const char *prefix, GError **error)
{
  GLuint vertex = compile (GL_VERTEX_SHADER, "", vertex_source);
  GLuint fragment = compile (GL_FRAGMENT_SHADER, prefix, fragment_source);
  GLuint program = glCreateProgram ();

  glAttachShader (program, vertex);
  glAttachShader (program, fragment);
  glBindAttribLocation (program, 0, "corner");
  bool linked = link_program (program, error);
  glDeleteShader (vertex);
  glDeleteShader (fragment);
  if (!linked) {
    glDeleteProgram (program);
    return false;
  }
  *self = (struct egl_program){ .program = program,
                                .place = glGetUniformLocation (program, "place"),
                                .levels = glGetUniformLocation (program, "levels"),
                                .up = glGetUniformLocation (program, "up"),
                                .down = glGetUniformLocation (program, "down"),
                                .swap = glGetUniformLocation (program, "swap") };
  return true;
}

static struct egl_program *
program_for (struct egl_canvas *canvas, GLenum target, GError **error)
{
  bool external = target == GL_TEXTURE_EXTERNAL_OES;
  struct egl_program *program = external ? &canvas->external : &canvas->flat;

  if (!program->program &&
      !program_build (program, external ? external_prefix : flat_prefix, error))
    return NULL;
  return program;
}

static void
set_channels (const struct egl_program *program, uint32_t fourcc)
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
set_place (const struct egl_program *program, const struct layout *layout)
{
  float width = (float) layout->width;
  float height = (float) layout->height;
  float top = (float) layout->crop.y / height;
  float rows = (float) layout->crop.height / height;

  glUniform4f (program->place, (float) layout->crop.x / width, layout->y0_top ? 1 - top : top,
               (float) layout->crop.width / width, layout->y0_top ? -rows : rows);
}

/* ---- the canvas ---- */

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

static void
draw_rects (const struct damage *damage)
{
  static const GLfloat corners[] = { 0, 0, 1, 0, 0, 1, 1, 1 };

  glVertexAttribPointer (0, 2, GL_FLOAT, GL_FALSE, 0, corners);
  glEnableVertexAttribArray (0);
  glEnable (GL_SCISSOR_TEST);
  for (unsigned i = 0; i < damage->n; i++) {
    struct rect r = damage->rects[i];

    glScissor (r.x, r.y, r.width, r.height);
    glDrawArrays (GL_TRIANGLE_STRIP, 0, 4);
  }
}

bool
egl_canvas_draw (struct egl_canvas *canvas, const struct egl_device *device,
                 const struct egl_image *image, const struct damage *damage, bool swap,
                 GError **error)
{
  const struct layout *layout = &image->buffer->layout;
  const struct egl_program *program = program_for (canvas, image->target, error);

  if (!program ||
      !canvas_resize (canvas, (uint32_t) layout->crop.width, (uint32_t) layout->crop.height, error))
    return false;
  glBindFramebuffer (GL_FRAMEBUFFER, canvas->framebuffer);
  egl_image_bind (image);
  glUseProgram (program->program);
  set_channels (program, layout->fourcc);
  set_place (program, layout);
  glUniform1i (program->swap, swap);
  glViewport (0, 0, layout->crop.width, layout->crop.height);
  draw_rects (damage);
  return egl_device_check (device, "drawing", error);
}

void
egl_canvas_clear (struct egl_canvas *canvas)
{
  glDeleteFramebuffers (1, &canvas->framebuffer);
  glDeleteTextures (1, &canvas->texture);
  glDeleteProgram (canvas->flat.program);
  glDeleteProgram (canvas->external.program);
  *canvas = (struct egl_canvas){ 0 };
}
