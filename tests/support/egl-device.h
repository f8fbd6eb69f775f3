/* SPDX-License-Identifier: MIT */
/* For tests of EGL: the driver of this machine, and sources that it should read. Software GL takes
 * memfds for DMA-BUFs; on hardware such tests have nothing to read and are skipped. Include
 * support/fds.h first. */
#pragma once

#include <epoxy/egl.h>
#include <epoxy/gl.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "import/backend.h"
#include "import/egl/device.h"
#include "import/egl/image.h"
#include "support/pictures.h"

/* Set by warm_up. */
static bool software;

static const uint32_t outputs[] = { DRM_FORMAT_XRGB8888, DRM_FORMAT_XBGR8888, DRM_FORMAT_BGR888 };
static const uint32_t sources[] = { DRM_FORMAT_XRGB8888,    DRM_FORMAT_ARGB8888,
                                    DRM_FORMAT_XBGR8888,    DRM_FORMAT_ABGR8888,
                                    DRM_FORMAT_RGB565,      DRM_FORMAT_XRGB2101010,
                                    DRM_FORMAT_XBGR2101010, DRM_FORMAT_ABGR2101010,
                                    DRM_FORMAT_ARGB2101010 };

static const struct source_spec plain = { .fourcc = DRM_FORMAT_XRGB8888,
                                          .width = 67,
                                          .height = 45,
                                          .stride = 288,
                                          .offset = 4096,
                                          .modifier = DRM_FORMAT_MOD_LINEAR,
                                          .kind = BUFFER_DMABUF };

static inline int64_t
soon (void)
{
  return g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
}

static inline void
skip_on_hardware (void)
{
  if (software)
    return;
  print_message ("a GPU reads no memfd: skipped\n");
  skip ();
}

static inline struct egl_device *
open_device (void)
{
  GError *error = NULL;
  struct egl_device *device = egl_device_open (NULL, &error);

  if (!device)
    fail_msg ("%s", error->message);
  return device;
}

/* As what it is, whatever the driver's list says. */
static inline struct egl_image *
image_new (const struct egl_device *device, QdmabufBuffer *buffer, bool external_only,
           GError **error)
{
  struct egl_format as = { .fourcc = buffer->layout.fourcc,
                           .channel = { 0, 1, 2 },
                           .external_only = external_only };

  return egl_image_new (device, buffer, &as, error);
}

/* Call first. False: there is nothing to test with. Where nothing else was asked for, Mesa renders
 * in software, also beside a GPU. Drivers open files of their own when they are first used and
 * never close them, hence all of them are used once. */
static inline bool
warm_up (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) choices = NULL;

  g_setenv ("LIBGL_ALWAYS_SOFTWARE", "1", FALSE);
  choices = egl_choices (NULL, NULL);
  for (unsigned i = 0; choices && i < choices->len; i++) {
    struct egl_device *each =
        egl_device_open_choice (&g_array_index (choices, struct egl_choice, i), NULL);

    g_clear_pointer (&each, egl_device_close);
  }

  struct egl_device *device = egl_device_open (NULL, &error);

  if (!device) {
    print_message ("no EGL here that reads DMA-BUFs: %s\n", error->message);
    return false;
  }
  software = device->software;
  egl_device_close (device);
  g_variant_unref (g_variant_ref_sink (egl_query_devices (NULL)));
  return true;
}
