/* SPDX-License-Identifier: MIT */
/* Formats: which pixel formats and modifiers the driver says that it imports. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>

#include "import/egl/device.h"

/* May modifier (DRM_FORMAT_MOD_INVALID: none is given) be imported with fourcc? *external_only: it
 * can be sampled, but not be the target of a framebuffer. Errors: UNSUPPORTED_FORMAT,
 * UNSUPPORTED_MODIFIER. */
bool egl_formats_find (const struct egl_device *device, uint32_t fourcc, uint64_t modifier,
                       bool *external_only, GError **error);
/* As which format a buffer is imported. */
struct egl_format {
  uint32_t fourcc;    /* the buffer's own, or one of the same size in its place */
  uint8_t channel[3]; /* of a texel, where red, green and blue are: 0 to 3 */
  bool external_only;
};

/* The same for a buffer of fourcc, whatever the driver is to be told that it is: drivers do not
 * know formats whose first byte is the one without colour, but they do know four bytes. */
bool egl_formats_choose (const struct egl_device *device, uint32_t fourcc, uint64_t modifier,
                         struct egl_format *format, GError **error);
/* a(ua(tb)): each fourcc, its modifiers, and whether each is external_only. Floating. */
GVariant *egl_formats_list (const struct egl_device *device);
