/* SPDX-License-Identifier: MIT */
/* For tests of what drivers do wrong: software GL that passes for GPUs, with a device for each of
 * the nodes that support/fake-gbm.h has, and with faults. Stands in for entry points of libepoxy.
 * Include support/fds.h first. */
#pragma once

#include <epoxy/egl.h>
#include <epoxy/gl.h>

#include "support/fake-gbm.h"

#define REAL(type, name) ((type) real_address (name))

/* Atomic: drivers' threads look at them. */
static int no_image, no_fence;
/* So many times GL says that the context is lost; or until one is opened anew. */
static int resets;
#define UNTIL_OPENED (-1)
/* Bits of the GPUs whose driver refuses every image; all GPUs are also devices of EGL where
 * egl_has_devices. */
static int egl_refuses, egl_n_images[MAX_GPUS];
static bool egl_has_devices;

static PFNEGLGETPROCADDRESSPROC real_address;
/* The number of the GPU that the thread opened. */
static GPrivate opened_gpu;

static inline unsigned
gpu_of_thread (void)
{
  return GPOINTER_TO_UINT (g_private_get (&opened_gpu));
}

static const GLubyte *
name_of_gpu (GLenum name)
{
  if (name != GL_RENDERER)
    return REAL (PFNGLGETSTRINGPROC, "glGetString") (name);
  g_atomic_int_compare_and_exchange (&resets, UNTIL_OPENED, 0);
  return (const GLubyte *) "A GPU";
}

static EGLImageKHR
create_image (EGLDisplay display, EGLContext context, EGLenum target, EGLClientBuffer client,
              const EGLint *attributes)
{
  g_atomic_int_inc (&egl_n_images[gpu_of_thread ()]);
  if (g_atomic_int_get (&no_image) || (g_atomic_int_get (&egl_refuses) & 1 << gpu_of_thread ()))
    return EGL_NO_IMAGE_KHR;
  return REAL (PFNEGLCREATEIMAGEKHRPROC, "eglCreateImageKHR") (display, context, target, client,
                                                               attributes);
}

/* ---- devices ---- */

static EGLBoolean
query_devices (EGLint max, EGLDeviceEXT *list, EGLint *n)
{
  assert_true (max >= (EGLint) n_gpus);
  for (unsigned i = 0; i < n_gpus; i++)
    list[i] = &gpus[i];
  *n = (EGLint) n_gpus;
  return EGL_TRUE;
}

static const char *
query_device (EGLDeviceEXT device, EGLint name)
{
  if (name == EGL_EXTENSIONS)
    return "EGL_EXT_device_drm EGL_EXT_device_drm_render_node";
  return ((const struct fake_gpu *) device)->path;
}

/* All are the same software in the end. */
static EGLDisplay
platform_display (EGLenum platform, void *native, const EGLint *attributes)
{
  PFNEGLGETPLATFORMDISPLAYEXTPROC get =
      REAL (PFNEGLGETPLATFORMDISPLAYEXTPROC, "eglGetPlatformDisplayEXT");

  for (unsigned i = 0; platform == EGL_PLATFORM_DEVICE_EXT && i < n_gpus; i++) {
    if (native != &gpus[i])
      continue;
    g_private_set (&opened_gpu, GUINT_TO_POINTER (i));
    gpus[i].n_opened++;
    return get (EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, attributes);
  }
  return get (platform, native, attributes);
}

static __eglMustCastToProperFunctionPointerType
address (const char *name)
{
  if (g_str_equal (name, "eglCreateImageKHR"))
    return (__eglMustCastToProperFunctionPointerType) create_image;
  if (egl_has_devices && g_str_equal (name, "eglQueryDevicesEXT"))
    return (__eglMustCastToProperFunctionPointerType) query_devices;
  if (egl_has_devices && g_str_equal (name, "eglQueryDeviceStringEXT"))
    return (__eglMustCastToProperFunctionPointerType) query_device;
  if (egl_has_devices && g_str_equal (name, "eglGetPlatformDisplayEXT"))
    return (__eglMustCastToProperFunctionPointerType) platform_display;
  return real_address (name);
}

static GLenum
client_wait (GLsync sync, GLbitfield flags, GLuint64 timeout)
{
  if (g_atomic_int_get (&no_fence))
    return GL_TIMEOUT_EXPIRED;
  return REAL (PFNGLCLIENTWAITSYNCPROC, "glClientWaitSync") (sync, flags, timeout);
}

static GLenum
gl_error (void)
{
  if (g_atomic_int_get (&resets) == UNTIL_OPENED)
    return GL_CONTEXT_LOST;
  if (g_atomic_int_get (&resets) > 0 && g_atomic_int_add (&resets, -1) > 0)
    return GL_CONTEXT_LOST;
  return REAL (PFNGLGETERRORPROC, "glGetError") ();
}

/* libepoxy looks each of its functions up when it is called for the first time, and would overwrite
 * ours then. */
static void
break_driver (void)
{
  real_address = (PFNEGLGETPROCADDRESSPROC) dlsym (RTLD_DEFAULT, "eglGetProcAddress");
  if (!real_address) {
    eglGetProcAddress ("eglCreateImageKHR");
    real_address = epoxy_eglGetProcAddress;
  }
  epoxy_eglGetProcAddress = address;
  epoxy_glGetString = name_of_gpu;
  epoxy_glClientWaitSync = client_wait;
  epoxy_glGetError = gl_error;
}
