/* SPDX-License-Identifier: MIT */
/* NVIDIA's driver imports system memory without an error and then shows only the first part of it. */
#pragma once

#include <stdbool.h>

#include "import/egl/image.h"
#include "import/egl/readback.h"

/* True: the image shows what is in its memory, or there is no reason to doubt it. Compares the last
 * rows with the memory itself, which takes a read of a few rows and a map; call once for each image.
 * Errors: NO_BACKEND (it shows something else), and those of reading. On the thread of the device. */
bool egl_nvidia_check (struct egl_readback *readback, const struct egl_device *device,
                       const struct egl_image *image, GError **error);
