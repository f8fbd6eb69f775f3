/* SPDX-License-Identifier: MIT */
/* The 2D commands of virtio-gpu. gpu_add_* put a command into the batch (4 at most), gpu_run sends
 * it. */
#ifndef TESTCARD_VIRTIO_GPU_COMMANDS_H
#define TESTCARD_VIRTIO_GPU_COMMANDS_H

#include "virtio.h"

#define GPU_DISPLAYS 16

#define GPU_FORMAT_B8G8R8A8 1
#define GPU_FORMAT_B8G8R8X8 2

typedef struct {
  uint32_t x, y, width, height; /* pixels */
} GpuRect;

typedef struct {
  uint32_t resource;
  uint32_t hot_x, hot_y;
} GpuCursor;

/* Sets up both queues, between virtio_start and virtio_ready. */
void gpu_commands_start (VirtioDevice *device);

/* Sends the batch and waits for all answers. False if any is an error; each one is logged. */
bool gpu_run (void);

void gpu_add_unref (uint32_t resource);
void gpu_add_scanout (uint32_t scanout, uint32_t resource, GpuRect rect); /* resource 0: off */
void gpu_add_transfer (uint32_t resource, GpuRect rect, uint32_t width); /* width of the resource */
void gpu_add_flush (uint32_t resource, GpuRect rect);

/* Makes a resource with `pixels` as its memory, at once. False if the device refuses; nothing is
 * left. */
bool gpu_create_resource (uint32_t resource, uint32_t format, uint32_t width, uint32_t height,
                          void *pixels);

/* Asks what the displays want, at once; 0 x 0 for one that is off. */
bool gpu_get_displays (GpuRect displays[GPU_DISPLAYS]);

/* Puts the cursor's hot spot there, at once. is_new: the image was not the cursor before. */
void
gpu_place_cursor (uint32_t scanout, uint32_t x, uint32_t y, const GpuCursor *image, bool is_new);

#endif
