/* SPDX-License-Identifier: MIT */
/* Errors of EGL and GL, by the names that people can look up. */
#pragma once

#include <epoxy/egl.h>
#include <epoxy/gl.h>

const char *egl_error_name (EGLint code);
const char *gl_error_name (GLenum code);
