/* SPDX-License-Identifier: MIT */
/* Opening a device: display, context, and a look at what both can do, so that nothing absent is
 * ever called. */
#include "import/egl/device.h"

#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>

#include "import/egl/errors.h"

static bool
has_extension (const struct egl_device *device, const char *name)
{
  return epoxy_has_egl_extension (device->display, name);
}

static bool
set_missing (GError **error, const char *what)
{
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND, "%s", what);
  return false;
}

static bool
set_egl_error (GError **error, const char *what)
{
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND, "%s: %s", what,
               egl_error_name (eglGetError ()));
  return false;
}

/* ---- display ---- */

static bool
load_image_functions (struct egl_device *device, GError **error)
{
  if (!has_extension (device, "EGL_EXT_image_dma_buf_import"))
    return set_missing (
        error, "the driver cannot import DMA-BUFs: it has no EGL_EXT_image_dma_buf_import");
  if (!has_extension (device, "EGL_KHR_image_base"))
    return set_missing (error, "the driver has no EGL_KHR_image_base");
  device->create_image = (PFNEGLCREATEIMAGEKHRPROC) eglGetProcAddress ("eglCreateImageKHR");
  device->destroy_image = (PFNEGLDESTROYIMAGEKHRPROC) eglGetProcAddress ("eglDestroyImageKHR");
  if (has_extension (device, "EGL_EXT_image_dma_buf_import_modifiers")) {
    device->query_formats =
        (PFNEGLQUERYDMABUFFORMATSEXTPROC) eglGetProcAddress ("eglQueryDmaBufFormatsEXT");
    device->query_modifiers =
        (PFNEGLQUERYDMABUFMODIFIERSEXTPROC) eglGetProcAddress ("eglQueryDmaBufModifiersEXT");
  }
  return true;
}

static void
load_sync_functions (struct egl_device *device)
{
  if (!has_extension (device, "EGL_KHR_fence_sync"))
    return;
  device->create_sync = (PFNEGLCREATESYNCKHRPROC) eglGetProcAddress ("eglCreateSyncKHR");
  device->destroy_sync = (PFNEGLDESTROYSYNCKHRPROC) eglGetProcAddress ("eglDestroySyncKHR");
  device->wait_sync = (PFNEGLCLIENTWAITSYNCKHRPROC) eglGetProcAddress ("eglClientWaitSyncKHR");
  if (has_extension (device, "EGL_ANDROID_native_fence_sync") &&
      has_extension (device, "EGL_KHR_wait_sync"))
    device->queue_wait = (PFNEGLWAITSYNCKHRPROC) eglGetProcAddress ("eglWaitSyncKHR");
}

static char *
driver_name (const struct egl_device *device)
{
  PFNEGLGETDISPLAYDRIVERNAMEPROC get = NULL;

  if (has_extension (device, "EGL_MESA_query_driver"))
    get = (PFNEGLGETDISPLAYDRIVERNAMEPROC) eglGetProcAddress ("eglGetDisplayDriverName");
  return g_strdup (get ? get (device->display) : "");
}

static bool
open_display (struct egl_device *device, const struct egl_choice *choice, GError **error)
{
  device->display = egl_choice_display (choice, error);
  if (device->display == EGL_NO_DISPLAY)
    return false;
  if (!eglInitialize (device->display, NULL, NULL))
    return set_egl_error (error, "EGL cannot be initialised");
  device->driver = driver_name (device);
  load_sync_functions (device);
  return load_image_functions (device, error);
}

/* ---- context ---- */

static bool
choose_config (const struct egl_device *device, EGLConfig *config, GError **error)
{
  static const EGLint attributes[] = { EGL_SURFACE_TYPE, EGL_PBUFFER_BIT, EGL_RENDERABLE_TYPE,
                                       EGL_OPENGL_ES2_BIT, EGL_NONE };
  EGLint n = 0;

  if (eglChooseConfig (device->display, attributes, config, 1, &n) && n == 1)
    return true;
  return set_egl_error (error, "the driver has no configuration for pictures off screen");
}

static bool
create_surface (struct egl_device *device, EGLConfig config, GError **error)
{
  static const EGLint attributes[] = { EGL_WIDTH, 1, EGL_HEIGHT, 1, EGL_NONE };

  device->surface = eglCreatePbufferSurface (device->display, config, attributes);
  return device->surface != EGL_NO_SURFACE || set_egl_error (error, "a pbuffer cannot be created");
}

/* Without robustness some drivers end the process when the GPU is reset. */
static bool
create_context (struct egl_device *device, EGLConfig config, EGLint version, bool robust)
{
  EGLint attributes[] = { EGL_CONTEXT_CLIENT_VERSION, version, EGL_NONE, EGL_NONE, EGL_NONE };

  if (robust && !has_extension (device, "EGL_EXT_create_context_robustness"))
    return false;
  if (robust) {
    attributes[2] = EGL_CONTEXT_OPENGL_RESET_NOTIFICATION_STRATEGY_EXT;
    attributes[3] = EGL_LOSE_CONTEXT_ON_RESET_EXT;
  }
  device->context = eglCreateContext (device->display, config, EGL_NO_CONTEXT, attributes);
  device->robust = robust;
  return device->context != EGL_NO_CONTEXT;
}

static bool
open_context (struct egl_device *device, GError **error)
{
  bool configless = has_extension (device, "EGL_KHR_no_config_context") ||
                    has_extension (device, "EGL_MESA_configless_context");
  bool surfaceless = has_extension (device, "EGL_KHR_surfaceless_context");
  EGLConfig config = EGL_NO_CONFIG_KHR;

  if ((!configless || !surfaceless) && !choose_config (device, &config, error))
    return false;
  if (!surfaceless && !create_surface (device, config, error))
    return false;
  if (!eglBindAPI (EGL_OPENGL_ES_API))
    return set_egl_error (error, "the driver has no OpenGL ES");
  if (!create_context (device, config, 3, true) && !create_context (device, config, 3, false) &&
      !create_context (device, config, 2, true) && !create_context (device, config, 2, false))
    return set_egl_error (error, "no context of OpenGL ES can be created");
  return eglMakeCurrent (device->display, device->surface, device->surface, device->context) ||
         set_egl_error (error, "the context cannot be made current");
}

static bool
renders_in_software (void)
{
  static const char *const names[] = { "llvmpipe", "softpipe", "swrast", "SwiftShader",
                                       "lavapipe" };
  const char *renderer = (const char *) glGetString (GL_RENDERER);

  for (unsigned i = 0; renderer && i < G_N_ELEMENTS (names); i++) {
    if (strstr (renderer, names[i]))
      return true;
  }
  return false;
}

static bool
is_of_nvidia (void)
{
  const char *vendor = (const char *) glGetString (GL_VENDOR);

  return vendor && strstr (vendor, "NVIDIA");
}

static bool
look_at_context (struct egl_device *device, GError **error)
{
  if (!epoxy_has_gl_extension ("GL_OES_EGL_image"))
    return set_missing (error, "the driver has no GL_OES_EGL_image");
  device->software = renders_in_software ();
  device->nvidia = is_of_nvidia ();
  if (!epoxy_has_gl_extension ("GL_OES_EGL_sync"))
    device->queue_wait = NULL;
  device->es3 = epoxy_gl_version () >= 30;
  device->robust = device->robust && epoxy_has_gl_extension ("GL_KHR_robustness");
  device->reads_bgra = epoxy_has_gl_extension ("GL_EXT_read_format_bgra");
  device->has_row_length = device->es3 || epoxy_has_gl_extension ("GL_NV_pack_subimage");
  if (epoxy_has_gl_extension ("GL_ANGLE_pack_reverse_row_order"))
    device->reverse_rows = GL_PACK_REVERSE_ROW_ORDER_ANGLE;
  else if (epoxy_has_gl_extension ("GL_MESA_pack_invert"))
    device->reverse_rows = GL_PACK_INVERT_MESA;
  device->has_external = epoxy_has_gl_extension ("GL_OES_EGL_image_external");
  device->has_storage = device->es3 && epoxy_has_gl_extension ("GL_EXT_EGL_image_storage");
  glGetIntegerv (GL_MAX_TEXTURE_SIZE, &device->max_size);
  return true;
}

/* ---- devices ---- */

struct egl_device *
egl_device_open_choice (const struct egl_choice *choice, GError **error)
{
  struct egl_device *device = g_new0 (struct egl_device, 1);

  device->display = EGL_NO_DISPLAY;
  device->context = EGL_NO_CONTEXT;
  device->surface = EGL_NO_SURFACE;
  device->platform = choice->platform;
  device->node = g_strdup (choice->node);
  if (open_display (device, choice, error) && open_context (device, error) &&
      look_at_context (device, error))
    return device;
  egl_device_close (device);
  return NULL;
}

void
egl_device_close (struct egl_device *device)
{
  if (device->context != EGL_NO_CONTEXT) {
    eglMakeCurrent (device->display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
    eglDestroyContext (device->display, device->context);
  }
  if (device->surface != EGL_NO_SURFACE)
    eglDestroySurface (device->display, device->surface);
  g_free (device->node);
  g_free (device->driver);
  g_free (device);
}

/* A node whose driver renders in software is no better than no node. */
static struct egl_device *
open_hardware (const GArray *choices)
{
  for (unsigned i = 0; i < choices->len; i++) {
    const struct egl_choice *choice = &g_array_index (choices, struct egl_choice, i);
    struct egl_device *device = choice->hardware ? egl_device_open_choice (choice, NULL) : NULL;

    if (device && !device->software)
      return device;
    g_clear_pointer (&device, egl_device_close);
  }
  return NULL;
}

static struct egl_device *
open_any (const GArray *choices, GString *reasons)
{
  for (unsigned i = 0; i < choices->len; i++) {
    const struct egl_choice *choice = &g_array_index (choices, struct egl_choice, i);
    g_autoptr (GError) reason = NULL;
    struct egl_device *device = egl_device_open_choice (choice, &reason);

    if (device)
      return device;
    g_string_append_printf (reasons, "%s%s (%s): %s", reasons->len > 0 ? "; " : "",
                            choice->node ? choice->node : "software",
                            egl_platform_name (choice->platform), reason->message);
  }
  return NULL;
}

struct egl_device *
egl_device_open (const char *render_node, GError **error)
{
  const char *node = render_node && *render_node ? render_node : NULL;
  g_autoptr (GArray) choices = egl_choices (node, error);

  if (!choices)
    return NULL;
  if (eglGetCurrentContext () != EGL_NO_CONTEXT) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_FAILED,
                 "the thread for EGL has a context of somebody else's");
    return NULL;
  }

  GString *reasons = g_string_new (NULL);
  struct egl_device *device = open_hardware (choices);
  if (!device)
    device = open_any (choices, reasons);
  if (!device)
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND,
                 "no EGL device%s%s can be used%s%s", node ? " at " : "", node ? node : "",
                 reasons->len > 0 ? ": " : "", reasons->str);
  g_string_free (reasons, TRUE);
  return device;
}

/* ---- waiting and checking ---- */

static uint64_t
nanoseconds_until (int64_t deadline)
{
  return (uint64_t) MAX (deadline - g_get_monotonic_time (), 0) * 1000;
}

static bool
wait_gl_fence (int64_t deadline)
{
  GLsync sync = glFenceSync (GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
  GLenum result = glClientWaitSync (sync, GL_SYNC_FLUSH_COMMANDS_BIT, nanoseconds_until (deadline));

  glDeleteSync (sync);
  return result == GL_ALREADY_SIGNALED || result == GL_CONDITION_SATISFIED;
}

static bool
wait_egl_fence (const struct egl_device *device, int64_t deadline)
{
  EGLSyncKHR sync = device->create_sync (device->display, EGL_SYNC_FENCE_KHR, NULL);

  if (sync == EGL_NO_SYNC_KHR)
    return false;
  EGLint result = device->wait_sync (device->display, sync, EGL_SYNC_FLUSH_COMMANDS_BIT_KHR,
                                     nanoseconds_until (deadline));
  device->destroy_sync (device->display, sync);
  return result == EGL_CONDITION_SATISFIED_KHR;
}

bool
egl_device_wait (const struct egl_device *device, int64_t deadline, GError **error)
{
  bool done = true; /* a driver without any fences is bounded by the executor alone */

  if (device->es3)
    done = wait_gl_fence (deadline);
  else if (device->create_sync)
    done = wait_egl_fence (device, deadline);
  if (!done)
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST,
                 "the GPU did not finish drawing in the time allowed");
  return done;
}

bool
egl_device_check (const struct egl_device *device, const char *doing, GError **error)
{
  GLenum code = glGetError ();

  /* A lost context may answer with errors for ever. */
  for (int i = 0; i < 16 && code != GL_NO_ERROR && glGetError () != GL_NO_ERROR; i++)
    ;
  if (code == GL_CONTEXT_LOST ||
      (device->robust && glGetGraphicsResetStatusKHR () != GL_NO_ERROR)) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST, "the GPU was reset while %s",
                 doing);
    return false;
  }
  if (code == GL_NO_ERROR)
    return true;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_FAILED, "%s failed with %s", doing,
               gl_error_name (code));
  return false;
}
