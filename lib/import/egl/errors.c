/* SPDX-License-Identifier: MIT */
/* Names of the codes that EGL and GL answer with. */
#include "import/egl/errors.h"

#include <glib.h>

const char *
egl_error_name (EGLint code)
{
  static const char *const names[] = {
    "EGL_SUCCESS",       "EGL_NOT_INITIALIZED", "EGL_BAD_ACCESS",        "EGL_BAD_ALLOC",
    "EGL_BAD_ATTRIBUTE", "EGL_BAD_CONFIG",      "EGL_BAD_CONTEXT",       "EGL_BAD_CURRENT_SURFACE",
    "EGL_BAD_DISPLAY",   "EGL_BAD_MATCH",       "EGL_BAD_NATIVE_PIXMAP", "EGL_BAD_NATIVE_WINDOW",
    "EGL_BAD_PARAMETER", "EGL_BAD_SURFACE",     "EGL_CONTEXT_LOST",
  };

  if (code < EGL_SUCCESS || code >= EGL_SUCCESS + (EGLint) G_N_ELEMENTS (names))
    return "an unknown EGL error";
  return names[code - EGL_SUCCESS];
}

const char *
gl_error_name (GLenum code)
{
  static const char *const names[] = {
    "GL_INVALID_ENUM",
    "GL_INVALID_VALUE",
    "GL_INVALID_OPERATION",
    "GL_STACK_OVERFLOW",
    "GL_STACK_UNDERFLOW",
    "GL_OUT_OF_MEMORY",
    "GL_INVALID_FRAMEBUFFER_OPERATION",
    "GL_CONTEXT_LOST",
  };

  if (code < GL_INVALID_ENUM || code >= GL_INVALID_ENUM + G_N_ELEMENTS (names))
    return "an unknown GL error";
  return names[code - GL_INVALID_ENUM];
}
