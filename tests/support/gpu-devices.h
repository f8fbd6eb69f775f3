/* SPDX-License-Identifier: MIT */
/* For tests of which GPU reads which buffer: the back ends of a reader over GPUs in memory, and
 * memfds for their memory. Include support/fds.h first. */
#pragma once

#include <qemu-dmabuf/qemu-dmabuf.h>

#include "flow/devices.h"
#include "flow/driver-thread.h"
#include "support/fake-dmabuf.h"
#include "support/fake-gbm.h"
#include "support/hide-egl.h"
#include "support/pictures.h"

/* What is read, in that layout. */
#define GPU_PICTURE(its_modifier)                                                                  \
  { .fourcc = DRM_FORMAT_XRGB8888,                                                                 \
    .width = 96,                                                                                   \
    .height = 70,                                                                                  \
    .stride = 512,                                                                                 \
    .modifier = (its_modifier),                                                                    \
    .kind = BUFFER_DMABUF }

static struct devices *devices;

static inline int64_t
soon (void)
{
  return g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
}

/* After fake_gpus_init. node: which of the GPUs; -1: none is asked for. */
static inline void
devices_begin_with (const char *backend, int node)
{
  GError *error = NULL;

  devices = devices_new (backend, node >= 0 ? gpus[node].path : NULL, &error);
  assert_non_null (devices);
}

static inline void
devices_end (void)
{
  devices_free (devices);
  fake_gpus_clear ();
  exporter = NULL;
}

/* Of a buffer in rows: all of it is read, right, and by that back end. */
static inline void
devices_expect_reader (QdmabufBuffer *buffer, const char *name)
{
  uint32_t width = buffer->layout.width, height = buffer->layout.height;
  struct damage all = damage_whole (width, height);
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, width, height, 0);
  const char *got = NULL;
  GError *error = NULL;

  if (!devices_read (devices, buffer, &all, &dst, soon (), &got, &error))
    fail_msg ("%s", error->message);
  assert_string_equal (got, name);
  target_check_buffer (&dst, buffer, &all);
  picture_drop (&dst);
}
