/* SPDX-License-Identifier: MIT */
/* What this machine has no hardware for: fences of the kernel that the GPU waits for, and the
 * driver that shows only the first part of system memory. */
#define _GNU_SOURCE
#include "support/fds.h"

#include <epoxy/egl.h>
#include <linux/dma-buf.h>
#include <sys/ioctl.h>

#include "import/egl/implicit-sync.h"
#include "import/egl/nvidia.h"
#include "support/egl-device.h"
#include "support/fake-dmabuf.h"

/* ---- the kernel's part ---- */

static unsigned n_exports;
static int exported;
static bool no_export;

int
ioctl (int fd, unsigned long number, ...)
{
  static int (*real) (int, unsigned long, ...);
  va_list arguments;

  va_start (arguments, number);
  void *argument = va_arg (arguments, void *);
  va_end (arguments);
  if (!real)
    real = (int (*) (int, unsigned long, ...)) dlsym (RTLD_NEXT, "ioctl");
  if (number != DMA_BUF_IOCTL_EXPORT_SYNC_FILE)
    return real (fd, number, argument);

  struct dma_buf_export_sync_file *request = argument;
  n_exports++;
  assert_int_equal (request->flags, DMA_BUF_SYNC_READ);
  if (no_export) {
    errno = ENOTTY;
    return -1;
  }
  request->fd = exported = memfd_create ("fences", MFD_CLOEXEC);
  return 0;
}

/* ---- the driver's ---- */

static unsigned n_waits, n_destroyed;
static bool no_sync, no_wait;

static EGLSyncKHR
create_sync (EGLDisplay display, EGLenum type, const EGLint *attributes)
{
  (void) display;
  assert_int_equal (type, EGL_SYNC_NATIVE_FENCE_ANDROID);
  assert_int_equal (attributes[0], EGL_SYNC_NATIVE_FENCE_FD_ANDROID);
  assert_int_equal (attributes[1], exported);
  assert_int_equal (attributes[2], EGL_NONE);
  return no_sync ? EGL_NO_SYNC_KHR : (EGLSyncKHR) &n_waits;
}

static EGLint
queue_wait (EGLDisplay display, EGLSyncKHR sync, EGLint flags)
{
  (void) display;
  assert_ptr_equal (sync, &n_waits);
  assert_int_equal (flags, 0);
  n_waits++;
  return no_wait ? EGL_FALSE : EGL_TRUE;
}

static EGLBoolean
destroy_sync (EGLDisplay display, EGLSyncKHR sync)
{
  (void) display;
  assert_ptr_equal (sync, &n_waits);
  n_destroyed++;
  close (exported); /* it was EGL's */
  return EGL_TRUE;
}

static struct egl_device
device_with_fences (void)
{
  n_exports = n_waits = n_destroyed = 0;
  no_export = no_sync = no_wait = false;
  return (struct egl_device){ .create_sync = create_sync,
                              .destroy_sync = destroy_sync,
                              .queue_wait = queue_wait };
}

static QdmabufBuffer *
dmabuf_new (const struct source_spec *spec)
{
  exporter = "amdgpu";
  QdmabufBuffer *buffer = source_new (spec);
  exporter = NULL;
  assert_true (buffer->memory[0].is_dmabuf);
  return buffer;
}

static void
test_gpu_waits (void **state)
{
  struct egl_device device = device_with_fences ();
  QdmabufBuffer *buffer = dmabuf_new (&plain);

  (void) state;
  assert_true (egl_implicit_sync (&device, buffer));
  assert_int_equal (n_exports, 1);
  assert_int_equal (n_waits, 1);
  assert_int_equal (n_destroyed, 1);
  qdmabuf_buffer_unref (buffer);
}

/* Four planes in one memory have one set of fences. */
static void
test_planes (void **state)
{
  struct egl_device device = device_with_fences ();
  struct layout layout = source_layout (&plain);
  struct fdset fds = FDSET_NONE;

  (void) state;
  layout.modifier = I915_FORMAT_MOD_4_TILED_MTL_RC_CCS;
  layout.n_planes = 4;
  for (uint32_t i = 1; i < 4; i++)
    layout.planes[i] = (struct layout_plane){ 64 * i, 512 };
  exporter = "i915";
  assert_true (fdset_take (&fds, source_memfd (&plain)));
  QdmabufBuffer *buffer = buffer_new_dmabuf (&layout, &fds, NULL);
  exporter = NULL;
  assert_true (egl_implicit_sync (&device, buffer));
  assert_int_equal (n_exports, 1);
  qdmabuf_buffer_unref (buffer);
}

/* Whatever is missing, the CPU waits instead, and no fd stays. */
static void
test_cpu_must_wait (void **state)
{
  QdmabufBuffer *buffer = dmabuf_new (&plain);
  QdmabufBuffer *file = source_new (&plain);

  (void) state;
  for (unsigned i = 0; i < 5; i++) {
    struct egl_device device = device_with_fences ();

    no_export = i == 0; /* an old kernel */
    no_sync = i == 1;
    no_wait = i == 2;
    if (i == 3)
      device.queue_wait = NULL;
    device.software = i == 4;
    assert_false (egl_implicit_sync (&device, buffer));
    assert_int_equal (n_exports, i < 3);
    assert_int_equal (n_waits, i == 2);
    assert_int_equal (n_destroyed, i == 2);
  }
  struct egl_device device = device_with_fences ();
  assert_false (egl_implicit_sync (&device, file));
  assert_int_equal (n_exports, 0);
  qdmabuf_buffer_unref (buffer);
  qdmabuf_buffer_unref (file);
}

/* ---- NVIDIA ---- */

static PFNEGLGETPROCADDRESSPROC real_address;
static int other_memory = -1; /* what the driver shows instead */

static EGLImageKHR
create_image (EGLDisplay display, EGLContext context, EGLenum target, EGLClientBuffer client,
              const EGLint *attributes)
{
  PFNEGLCREATEIMAGEKHRPROC create = (PFNEGLCREATEIMAGEKHRPROC) real_address ("eglCreateImageKHR");
  EGLint changed[64];
  unsigned n = 0;

  for (; attributes[n] != EGL_NONE; n += 2) {
    bool swap = other_memory >= 0 && attributes[n] == EGL_DMA_BUF_PLANE0_FD_EXT;

    changed[n] = attributes[n];
    changed[n + 1] = swap ? other_memory : attributes[n + 1];
  }
  changed[n] = EGL_NONE;
  return create (display, context, target, client, changed);
}

static __eglMustCastToProperFunctionPointerType
address (const char *name)
{
  if (g_str_equal (name, "eglCreateImageKHR"))
    return (__eglMustCastToProperFunctionPointerType) create_image;
  return real_address (name);
}

static const GLubyte *
string_of_nvidia (GLenum name)
{
  PFNGLGETSTRINGPROC get = (PFNGLGETSTRINGPROC) real_address ("glGetString");

  if (name == GL_VENDOR)
    return (const GLubyte *) "NVIDIA Corporation";
  return name == GL_RENDERER ? (const GLubyte *) "NVIDIA H200" : get (name);
}

/* The same memory, but for a byte in its last row. */
static int
spoilt_copy (const QdmabufBuffer *buffer)
{
  size_t size = source_size (&plain);
  g_autofree uint8_t *bytes = g_malloc (size);
  int fd = memfd_create ("spoilt", MFD_CLOEXEC);

  assert_int_equal (pread (buffer_plane_fd (buffer, 0), bytes, size, 0), size);
  bytes[size - 4 * plain.width / 2] ^= 0xff;
  bytes[size - 4 * plain.width / 2 + 1] ^= 0xff;
  assert_int_equal (pwrite (fd, bytes, size, 0), size);
  return fd;
}

static void
check_reader (struct backend *egl, QdmabufBuffer *buffer, bool shows_it)
{
  g_autoptr (GError) error = NULL;
  void *imported = egl->ops->import (egl, buffer, &error);

  if (shows_it) {
    assert_non_null (imported);
    egl->ops->release (egl, imported);
    return;
  }
  assert_null (imported);
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND));
  assert_non_null (strstr (error->message, "NVIDIA"));
}

static void
test_system_memory_on_nvidia (void **state)
{
  PFNGLGETSTRINGPROC saved_string = epoxy_glGetString;
  PFNEGLGETPROCADDRESSPROC saved_address = epoxy_eglGetProcAddress;

  (void) state;
  skip_on_hardware ();
  real_address = epoxy_eglGetProcAddress;
  epoxy_eglGetProcAddress = address;
  for (unsigned i = 0; i < 4; i++) {
    bool nvidia = i != 3;
    g_autoptr (GError) error = NULL;
    struct source_spec spec = plain;

    spec.y0_top = i == 2;
    epoxy_glGetString = nvidia ? string_of_nvidia : saved_string;
    struct backend *egl = egl_backend_new (NULL, &error);
    assert_non_null (egl);
    exporter = "udmabuf";
    QdmabufBuffer *buffer = source_new (&spec);
    check_reader (egl, buffer, true);
    other_memory = spoilt_copy (buffer);
    check_reader (egl, buffer, !nvidia);
    exporter = "drm"; /* memory of its own is trusted */
    check_reader (egl, buffer, true);
    close (other_memory);
    other_memory = -1;
    exporter = NULL;
    qdmabuf_buffer_unref (buffer);
    egl->ops->close (egl);
  }
  epoxy_glGetString = saved_string;
  epoxy_eglGetProcAddress = saved_address;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_gpu_waits),
    fds_unit_test (test_planes),
    fds_unit_test (test_cpu_must_wait),
    fds_unit_test (test_system_memory_on_nvidia),
  };

  if (!warm_up ())
    return 77;
  return cmocka_run_group_tests (tests, NULL, NULL);
}
