/* SPDX-License-Identifier: MIT */
/* Implicit sync: the fences that the kernel keeps with a DMA-BUF, waited for by the GPU itself. */
#pragma once

#include <stdbool.h>

#include "buffer/buffer.h"
#include "import/egl/device.h"

/* What is drawn from now on comes after what others were drawing into buffer when this was called.
 * False: the kernel or the driver cannot do that, and the CPU must wait instead. Costs no time here,
 * but whoever waits for what is drawn then waits for those others as well, so they should have had
 * their time before. On the thread of the device. */
bool egl_implicit_sync (const struct egl_device *device, const QdmabufBuffer *buffer);
