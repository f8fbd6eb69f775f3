/* SPDX-License-Identifier: MIT */
/* Choices: the ways in which this machine offers EGL, before any of them is opened. */
#pragma once

#include <epoxy/egl.h>
#include <gio/gio.h>
#include <stdbool.h>

enum egl_platform {
  EGL_PLATFORM_BY_DEVICE,  /* an EGLDevice: no node is opened by us */
  EGL_PLATFORM_BY_GBM,     /* a GBM device on a node that we open */
  EGL_PLATFORM_BY_NOTHING, /* surfaceless: whatever EGL takes by itself */
};

struct egl_choice {
  enum egl_platform platform;
  EGLDeviceEXT device; /* of EGL_PLATFORM_BY_DEVICE */
  char *node;          /* its render node; NULL: software, or not told */
  bool hardware;       /* as EGL says it; what renders in the end may still be software */
  bool second_way;     /* to a node that an earlier choice leads to as well */
};

/* Of struct egl_choice, in the order in which to try them: hardware first, or those of render_node
 * only (nullable). Full transfer. NULL: there is no EGL (NO_BACKEND). */
GArray *egl_choices (const char *render_node, GError **error);
/* EGL_NO_DISPLAY: error (NO_BACKEND). Not initialised; shared with whoever else in the process asks
 * for the same. */
EGLDisplay egl_choice_display (const struct egl_choice *choice, GError **error);
const char *egl_platform_name (enum egl_platform platform);
