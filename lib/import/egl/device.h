/* SPDX-License-Identifier: MIT */
/* The device: one EGL display and one GLES context of our own, and what they can do. */
#pragma once

#include <epoxy/egl.h>
#include <epoxy/gl.h>
#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>

#include "import/egl/choice.h"

/* The context is current on the thread that opened the device, which alone may use it. Functions of
 * EGL extensions are held here since libepoxy can only look them up once a context is current. */
struct egl_device {
  EGLDisplay display;
  EGLContext context;
  EGLSurface surface; /* EGL_NO_SURFACE where contexts need none */
  enum egl_platform platform;
  char *node;   /* NULL: software */
  char *driver; /* "iris", "swrast"; "" where EGL does not tell */
  bool software;
  bool nvidia; /* NVIDIA's own driver */
  bool es3;
  bool robust;    /* tells of GPU resets instead of dying of them */
  GLint max_size; /* pixels, of a texture */
  /* Reading. */
  bool reads_bgra;
  bool has_row_length;
  GLenum reverse_rows; /* for glPixelStorei: rows come out upside down; 0: there is no such thing */
  /* Importing. */
  bool has_external; /* GL_TEXTURE_EXTERNAL_OES */
  bool has_storage;  /* glEGLImageTargetTexStorageEXT */
  PFNEGLCREATEIMAGEKHRPROC create_image;
  PFNEGLDESTROYIMAGEKHRPROC destroy_image;
  PFNEGLQUERYDMABUFFORMATSEXTPROC query_formats;     /* NULL: no modifiers */
  PFNEGLQUERYDMABUFMODIFIERSEXTPROC query_modifiers; /* NULL: no modifiers */
  /* Fences where GL has none of its own; NULL: none there either. */
  PFNEGLCREATESYNCKHRPROC create_sync;
  PFNEGLDESTROYSYNCKHRPROC destroy_sync;
  PFNEGLCLIENTWAITSYNCKHRPROC wait_sync;
  PFNEGLWAITSYNCKHRPROC queue_wait; /* for fences of the kernel; NULL: it cannot take those */
};

/* The best of what egl_choices offers. Errors: NO_BACKEND (one sentence per device tried), FAILED
 * (this thread has a context already). */
struct egl_device *egl_device_open (const char *render_node, GError **error);
/* One device, whatever it is. */
struct egl_device *egl_device_open_choice (const struct egl_choice *choice, GError **error);
/* On the thread that opened it. The display stays initialised: others may share it. */
void egl_device_close (struct egl_device *device);
/* Waits until all that was drawn is done. Error: DEVICE_LOST. */
bool egl_device_wait (const struct egl_device *device, int64_t deadline, GError **error);
/* False: what was done since the last check went wrong. Errors: DEVICE_LOST, FAILED (doing:
 * "reading"). */
bool egl_device_check (const struct egl_device *device, const char *doing, GError **error);
