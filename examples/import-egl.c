/* SPDX-License-Identifier: MIT */
/* Zero copy: takes the DMA-BUFs of a running VM into an EGL context of its own, draws each into a
 * texture, and lets QEMU go on.
 *     import-egl [ADDRESS [FRAMES [FILE]]]      FILE gets the last picture, as R, G, B, 255 */
#include <drm_fourcc.h>
#include <epoxy/egl.h>
#include <epoxy/gl.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdlib.h>

static const char vertex_source[] =
    "attribute vec2 corner; uniform vec4 place; varying vec2 at;"
    "void main () { gl_Position = vec4 (corner * 2.0 - 1.0, 0.0, 1.0);"
    "               at = place.xy + corner * place.zw; }";
/* An external texture takes whatever the driver can import, also what only it can convert. */
static const char fragment_source[] =
    "#extension GL_OES_EGL_image_external : require\n"
    "precision highp float; uniform samplerExternalOES screen; varying vec2 at;"
    "void main () { gl_FragColor = vec4 (texture2D (screen, at).rgb, 1.0); }";

struct gl {
  EGLDisplay display;
  bool has_modifiers;
  PFNEGLCREATEIMAGEKHRPROC create_image;
  PFNEGLDESTROYIMAGEKHRPROC destroy_image;
  GLint place;
  GLuint source, picture; /* textures: the guest's memory, and our own */
  GLint width, height;    /* of picture */
  QdmabufBuffer *buffer;  /* what image is of, nullable */
  EGLImageKHR image;
};

static void
need (bool there, const char *what)
{
  if (there)
    return;
  g_printerr ("import-egl needs %s\n", what);
  exit (1);
}

static void
compile (GLuint program, GLenum kind, const char *source)
{
  GLuint shader = glCreateShader (kind);

  glShaderSource (shader, 1, &source, NULL);
  glCompileShader (shader);
  glAttachShader (program, shader);
}

/* What is drawn with: one quad into one framebuffer. */
static void
set_up_drawing (struct gl *gl)
{
  static const GLfloat corners[] = { 0, 0, 1, 0, 0, 1, 1, 1 };
  GLuint program = glCreateProgram ();
  GLuint framebuffer = 0;

  compile (program, GL_VERTEX_SHADER, vertex_source);
  compile (program, GL_FRAGMENT_SHADER, fragment_source);
  glBindAttribLocation (program, 0, "corner");
  glLinkProgram (program);
  glUseProgram (program);
  need (glGetError () == GL_NO_ERROR, "a driver that builds its shaders");
  gl->place = glGetUniformLocation (program, "place");
  glVertexAttribPointer (0, 2, GL_FLOAT, GL_FALSE, 0, corners);
  glEnableVertexAttribArray (0);
  glGenFramebuffers (1, &framebuffer);
  glBindFramebuffer (GL_FRAMEBUFFER, framebuffer);
  glGenTextures (1, &gl->picture);
  glGenTextures (1, &gl->source);
  glBindTexture (GL_TEXTURE_EXTERNAL_OES, gl->source);
  glTexParameteri (GL_TEXTURE_EXTERNAL_OES, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
  glTexParameteri (GL_TEXTURE_EXTERNAL_OES, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
}

/* libepoxy ends the process when a function of an extension is called that is not there, and finds
 * those of EGL only once a context is current: so extensions are asked for, and EGL for its
 * functions. */
static void
open_gl (struct gl *gl)
{
  static const char *const needed[] = { "EGL_KHR_no_config_context", "EGL_KHR_surfaceless_context",
                                        "EGL_KHR_image_base", "EGL_EXT_image_dma_buf_import" };
  static const EGLint version[] = { EGL_CONTEXT_CLIENT_VERSION, 2, EGL_NONE };

  need (epoxy_has_egl (), "libEGL");
  need (epoxy_has_egl_extension (EGL_NO_DISPLAY, "EGL_MESA_platform_surfaceless"),
        "EGL_MESA_platform_surfaceless");
  PFNEGLGETPLATFORMDISPLAYEXTPROC get_display =
      (PFNEGLGETPLATFORMDISPLAYEXTPROC) eglGetProcAddress ("eglGetPlatformDisplayEXT");
  gl->display = get_display (EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL);
  need (eglInitialize (gl->display, NULL, NULL), "a display of EGL");
  for (guint i = 0; i < G_N_ELEMENTS (needed); i++)
    need (epoxy_has_egl_extension (gl->display, needed[i]), needed[i]);
  gl->has_modifiers =
      epoxy_has_egl_extension (gl->display, "EGL_EXT_image_dma_buf_import_modifiers");
  gl->create_image = (PFNEGLCREATEIMAGEKHRPROC) eglGetProcAddress ("eglCreateImageKHR");
  gl->destroy_image = (PFNEGLDESTROYIMAGEKHRPROC) eglGetProcAddress ("eglDestroyImageKHR");

  EGLContext context = eglCreateContext (gl->display, EGL_NO_CONFIG_KHR, EGL_NO_CONTEXT, version);
  need (eglMakeCurrent (gl->display, EGL_NO_SURFACE, EGL_NO_SURFACE, context), "OpenGL ES 2");
  need (epoxy_has_gl_extension ("GL_OES_EGL_image_external"), "GL_OES_EGL_image_external");
  set_up_drawing (gl);
}

static EGLint *
put (EGLint *end, EGLint name, guint64 value)
{
  *end++ = name;
  *end++ = (EGLint) value;
  return end;
}

/* All planes of the buffer, with its modifier where the driver has modifiers and the buffer says
 * which it has; otherwise the driver asks the kernel. */
static EGLImageKHR
import (const struct gl *gl, QdmabufBuffer *buffer)
{
  /* Each with its offset and pitch right behind it; modifiers are four pairs in a row. */
  static const EGLint fd_names[4] = { EGL_DMA_BUF_PLANE0_FD_EXT, EGL_DMA_BUF_PLANE1_FD_EXT,
                                      EGL_DMA_BUF_PLANE2_FD_EXT, EGL_DMA_BUF_PLANE3_FD_EXT };
  guint64 modifier = qdmabuf_buffer_get_modifier (buffer);
  EGLint list[2 * (3 + 4 * 5) + 1];

  EGLint *end = put (list, EGL_WIDTH, qdmabuf_buffer_get_width (buffer));
  end = put (end, EGL_HEIGHT, qdmabuf_buffer_get_height (buffer));
  end = put (end, EGL_LINUX_DRM_FOURCC_EXT, qdmabuf_buffer_get_fourcc (buffer));
  for (guint i = 0; i < qdmabuf_buffer_get_n_planes (buffer); i++) {
    end = put (end, fd_names[i], (guint32) qdmabuf_buffer_get_fd (buffer, i));
    end = put (end, fd_names[i] + 1, qdmabuf_buffer_get_offset (buffer, i));
    end = put (end, fd_names[i] + 2, qdmabuf_buffer_get_stride (buffer, i));
    if (!gl->has_modifiers || modifier == DRM_FORMAT_MOD_INVALID)
      continue;
    end = put (end, EGL_DMA_BUF_PLANE0_MODIFIER_LO_EXT + 2 * (EGLint) i, modifier & G_MAXUINT32);
    end = put (end, EGL_DMA_BUF_PLANE0_MODIFIER_HI_EXT + 2 * (EGLint) i, modifier >> 32);
  }
  *end = EGL_NONE;
  return gl->create_image (gl->display, EGL_NO_CONTEXT, EGL_LINUX_DMA_BUF_EXT, NULL, list);
}

/* Imports are dear, and a guest has few buffers: keep them. Here the last one, elsewhere some. */
static void
use_buffer (struct gl *gl, QdmabufBuffer *buffer)
{
  if (buffer == gl->buffer)
    return;
  if (gl->buffer) {
    gl->destroy_image (gl->display, gl->image);
    qdmabuf_buffer_unref (gl->buffer);
  }
  gl->buffer = qdmabuf_buffer_ref (buffer);
  gl->image = import (gl, buffer);
  need (gl->image != EGL_NO_IMAGE_KHR, "a driver that imports the buffer: that of QEMU's GPU");
}

static void
use_size (struct gl *gl, GLint width, GLint height)
{
  gl->width = width;
  gl->height = height;
  glBindTexture (GL_TEXTURE_2D, gl->picture);
  glTexImage2D (GL_TEXTURE_2D, 0, GL_RGBA, width, height, 0, GL_RGBA, GL_UNSIGNED_BYTE, NULL);
  glFramebufferTexture2D (GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, gl->picture, 0);
  glViewport (0, 0, width, height);
}

/* The part of the memory that is the screen, the right way up: row 0 of our picture is its top. */
static void
draw (struct gl *gl, QdmabufBuffer *buffer)
{
  float columns = (float) qdmabuf_buffer_get_width (buffer);
  float rows = (float) qdmabuf_buffer_get_height (buffer);
  guint x = 0, y = 0, width = 0, height = 0;

  qdmabuf_buffer_get_crop (buffer, &x, &y, &width, &height);
  if (gl->width != (GLint) width || gl->height != (GLint) height)
    use_size (gl, (GLint) width, (GLint) height);
  float top = (float) y / rows, tall = (float) height / rows;
  bool flipped = qdmabuf_buffer_get_y0_top (buffer);
  glUniform4f (gl->place, (float) x / columns, flipped ? 1 - top : top, (float) width / columns,
               flipped ? -tall : tall);
  /* Each time, also for the same image: that is how a driver hears that it was drawn into. */
  glEGLImageTargetTexture2DOES (GL_TEXTURE_EXTERNAL_OES, gl->image);
  glDrawArrays (GL_TRIANGLE_STRIP, 0, 4);
}

static void
show (struct gl *gl, QdmabufFrame *frame)
{
  QdmabufBuffer *buffer = qdmabuf_frame_get_buffer (frame);

  need (buffer != NULL, "a QEMU that sends DMA-BUFs, started with gl=on");
  use_buffer (gl, buffer);
  draw (gl, buffer);
  glFinish (); /* or a fence, and the release when it has signalled */
  bool torn = qdmabuf_frame_is_stale (frame);
  qdmabuf_frame_release (frame);

  /* From here on QEMU draws the next picture, and ours is our own. */
  g_autofree char *format = qdmabuf_buffer_dup_drm_format (buffer);
  guint8 rgba[4] = { 0 };
  glReadPixels (gl->width / 2, gl->height / 2, 1, 1, GL_RGBA, GL_UNSIGNED_BYTE, rgba);
  g_print ("frame %" G_GUINT64_FORMAT ": %dx%d %s, centre #%02x%02x%02x%s\n",
           qdmabuf_frame_get_serial (frame), gl->width, gl->height,
           format ? format : "with an unknown modifier", rgba[0], rgba[1], rgba[2],
           torn ? ", may be torn" : "");
}

static void
save (struct gl *gl, const char *path)
{
  gsize size = (gsize) gl->width * (gsize) gl->height * 4;
  g_autofree char *rgba = g_malloc (size);

  glReadPixels (0, 0, gl->width, gl->height, GL_RGBA, GL_UNSIGNED_BYTE, rgba);
  need (g_file_set_contents (path, rgba, (gssize) size, NULL), "a file that can be written");
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (QdmabufDisplay) display =
      qdmabuf_display_open (argc > 1 ? argv[1] : NULL, NULL, &error);
  QdmabufConsole *console = display ? qdmabuf_display_get_console (display, 0) : NULL;
  struct gl gl = { 0 };

  need (console || error, "a VM with a console");
  open_gl (&gl);
  if (console)
    g_object_set (console, "lend-buffers", TRUE, NULL);
  bool ok = console && qdmabuf_console_start (console, NULL, &error);
  for (int n = argc > 2 ? atoi (argv[2]) : 10; ok && n > 0; n--) {
    g_autoptr (QdmabufFrame) frame =
        qdmabuf_console_wait_frame (console, 5 * G_USEC_PER_SEC, NULL, &error);

    ok = frame != NULL;
    if (ok)
      show (&gl, frame);
  }
  if (!ok)
    g_printerr ("%s\n", error->message);
  else if (argc > 3)
    save (&gl, argv[3]);
  g_clear_pointer (&gl.buffer, qdmabuf_buffer_unref);
  return ok ? 0 : 1;
}
