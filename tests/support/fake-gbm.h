/* SPDX-License-Identifier: MIT */
/* For tests of GBM: GPUs in memory, with nodes, a driver each, and a libgbm that shows tiled memory
 * in rows by the tests' own tiler. Stands in for functions of libgbm, libdrm and GLib, so include
 * it in one file of a program. Include support/fds.h first. */
#pragma once

#include <dlfcn.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <gbm.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "buffer/fourcc.h"
#include "support/tiler.h"

#define MAX_GPUS 3

struct gbm_device {
  int fd;
  struct fake_gpu *gpu;
};

/* One GPU, and what is wrong with it. */
struct fake_gpu {
  const char *driver;    /* in sysfs */
  uint64_t modifiers[4]; /* that it imports, ended by 0; INVALID stands for imports without one */
  uint64_t own_layout;   /* what it takes memory without a modifier for */
  bool no_device, import_fails_silently, map_fails, short_stride;
  char *path; /* of a file that stands for the node */
  unsigned n_opened, n_imports;
};

struct gbm_bo {
  struct gbm_device *device;
  struct tiler tiler;
  uint8_t *memory; /* mapped */
  size_t size;
  uint64_t offset;
};

static struct fake_gpu gpus[MAX_GPUS];
static unsigned n_gpus;
/* What is alive, and what was done. Atomic where a driver's thread counts. */
static int gbm_n_devices, gbm_n_bos, gbm_n_maps;
static int gbm_n_mapped_pixels;
/* A map does not return while that is held. */
static GMutex gbm_lock;
static GCond gbm_changed;
static bool gbm_hold, gbm_inside;

/* ---- the machine ---- */

static inline void
fake_gpus_init (const char *const *drivers)
{
  for (n_gpus = 0; drivers[n_gpus]; n_gpus++) {
    struct fake_gpu *gpu = &gpus[n_gpus];
    int fd = -1;

    *gpu = (struct fake_gpu){ .driver = drivers[n_gpus] };
    g_autofree char *pattern = g_strdup_printf ("renderD%u-XXXXXX", 128 + n_gpus);
    fd = g_file_open_tmp (pattern, &gpu->path, NULL);
    assert_true (fd >= 0);
    close (fd);
  }
}

static inline void
fake_gpus_clear (void)
{
  for (unsigned i = 0; i < n_gpus; i++) {
    g_unlink (gpus[i].path);
    g_free (gpus[i].path);
  }
  n_gpus = 0;
  assert_int_equal (gbm_n_devices, 0);
  assert_int_equal (gbm_n_bos, 0);
  assert_int_equal (gbm_n_maps, 0);
}

/* Mesa asks libdrm as well, and more than these GPUs could answer: for it there are none. */
static inline bool
is_this_program (void *address)
{
  Dl_info caller, self;

  return dladdr (address, &caller) && dladdr ((void *) gpus, &self) &&
         caller.dli_fbase == self.dli_fbase;
}

int
drmGetDevices2 (uint32_t flags, drmDevicePtr devices[], int max)
{
  if (!is_this_program (__builtin_return_address (0)))
    return 0;
  assert_int_equal (flags, 0);
  assert_true (max >= (int) n_gpus);
  for (unsigned i = 0; i < n_gpus; i++) {
    devices[i] = g_new0 (drmDevice, 1);
    devices[i]->nodes = g_new0 (char *, DRM_NODE_MAX);
    devices[i]->nodes[DRM_NODE_RENDER] = g_strdup (gpus[i].path);
    devices[i]->available_nodes = 1 << DRM_NODE_RENDER;
  }
  return (int) n_gpus;
}

void
drmFreeDevices (drmDevicePtr devices[], int count)
{
  for (int i = 0; i < count; i++) {
    g_free (devices[i]->nodes[DRM_NODE_RENDER]);
    g_free (devices[i]->nodes);
    g_free (devices[i]);
  }
}

/* Only of the links in sysfs. */
char *
g_file_read_link (const char *path, GError **error)
{
  (void) error;
  for (unsigned i = 0; i < n_gpus; i++) {
    g_autofree char *name = g_path_get_basename (gpus[i].path);

    if (strstr (path, name))
      return g_strdup_printf ("../../../bus/pci/drivers/%s", gpus[i].driver);
  }
  return NULL;
}

static inline struct fake_gpu *
gpu_of_fd (int fd)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);
  char path[256] = "";

  assert_true (readlink (link, path, sizeof path - 1) > 0);
  for (unsigned i = 0; i < n_gpus; i++) {
    if (g_str_equal (gpus[i].path, path))
      return &gpus[i];
  }
  return NULL;
}

int
drmGetNodeTypeFromFd (int fd)
{
  return gpu_of_fd (fd) ? DRM_NODE_RENDER : -1;
}

/* ---- libgbm ---- */

struct gbm_device *
gbm_create_device (int fd)
{
  struct fake_gpu *gpu = gpu_of_fd (fd);

  if (!gpu || gpu->no_device)
    return NULL;
  struct gbm_device *device = g_new0 (struct gbm_device, 1);
  device->fd = fd;
  device->gpu = gpu;
  gpu->n_opened++;
  g_atomic_int_inc (&gbm_n_devices);
  return device;
}

void
gbm_device_destroy (struct gbm_device *device)
{
  g_atomic_int_add (&gbm_n_devices, -1);
  g_free (device);
}

int
gbm_device_get_fd (struct gbm_device *device)
{
  return device->fd;
}

const char *
gbm_device_get_backend_name (struct gbm_device *device)
{
  return device->gpu->driver;
}

static inline bool
gpu_takes (const struct fake_gpu *gpu, uint64_t modifier)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (gpu->modifiers) && gpu->modifiers[i]; i++) {
    if (gpu->modifiers[i] == modifier)
      return true;
  }
  return modifier == DRM_FORMAT_MOD_LINEAR;
}

/* offset: of the plane. */
static inline struct gbm_bo *
bo_new (struct gbm_device *device, const struct tiler *tiler, int fd, uint64_t offset)
{
  struct gbm_bo *bo = g_new0 (struct gbm_bo, 1);

  bo->device = device;
  bo->tiler = *tiler;
  bo->offset = offset;
  bo->size = (size_t) lseek (fd, 0, SEEK_END);
  bo->memory = mmap (NULL, bo->size, PROT_READ, MAP_SHARED, fd, 0);
  assert_true (bo->memory != MAP_FAILED);
  g_atomic_int_inc (&gbm_n_bos);
  return bo;
}

struct gbm_bo *
gbm_bo_import (struct gbm_device *device, uint32_t type, void *buffer, uint32_t flags)
{
  struct fake_gpu *gpu = device->gpu;
  const struct gbm_import_fd_modifier_data *full = buffer;
  const struct gbm_import_fd_data *bare = buffer;
  bool with = type == GBM_BO_IMPORT_FD_MODIFIER;
  struct tiler tiler = { .modifier = with ? full->modifier : gpu->own_layout };

  assert_int_equal (flags, 0);
  assert_true (with || type == GBM_BO_IMPORT_FD);
  g_atomic_int_inc (&gpu->n_imports);
  if (!gpu_takes (gpu, with ? full->modifier : DRM_FORMAT_MOD_INVALID)) {
    if (!gpu->import_fails_silently)
      errno = EINVAL;
    return NULL;
  }
  tiler.width = with ? full->width : bare->width;
  tiler.height = with ? full->height : bare->height;
  tiler.stride = with ? (uint32_t) full->strides[0] : bare->stride;
  tiler.cpp = pixel_format_find (with ? full->format : bare->format)->cpp;
  assert_true (!with || full->num_fds == 1);
  return bo_new (device, &tiler, with ? full->fds[0] : bare->fd,
                 with ? (uint64_t) full->offsets[0] : 0);
}

void
gbm_bo_destroy (struct gbm_bo *bo)
{
  munmap (bo->memory, bo->size);
  g_atomic_int_add (&gbm_n_bos, -1);
  g_free (bo);
}

static inline uint64_t
bo_address (const struct gbm_bo *bo, uint32_t x, uint32_t y)
{
  if (bo->tiler.modifier == DRM_FORMAT_MOD_LINEAR)
    return (uint64_t) y * bo->tiler.stride + (uint64_t) x * bo->tiler.cpp;
  return tiler_address (&bo->tiler, x, y);
}

static inline void
wait_while_held (void)
{
  g_mutex_lock (&gbm_lock);
  gbm_inside = true;
  g_cond_broadcast (&gbm_changed);
  while (gbm_hold)
    g_cond_wait (&gbm_changed, &gbm_lock);
  g_mutex_unlock (&gbm_lock);
}

/* A copy with a stride that no one could guess, of the rectangle and nothing else. */
void *
gbm_bo_map (struct gbm_bo *bo, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
            uint32_t flags, uint32_t *stride, void **map_data)
{
  struct fake_gpu *gpu = bo->device->gpu;
  uint32_t cpp = bo->tiler.cpp;

  assert_int_equal (flags, GBM_BO_TRANSFER_READ);
  assert_true (x + width <= bo->tiler.width && y + height <= bo->tiler.height);
  wait_while_held ();
  if (gpu->map_fails) {
    errno = ENOMEM;
    return NULL;
  }
  *stride = width * cpp + 12;
  uint8_t *rows = g_malloc ((size_t) *stride * (height - 1) + (size_t) width * cpp);
  for (uint32_t row = 0; row < height; row++) {
    for (uint32_t column = 0; column < width; column++)
      memcpy (rows + (size_t) row * *stride + (size_t) column * cpp,
              bo->memory + bo->offset + bo_address (bo, x + column, y + row), cpp);
  }
  if (gpu->short_stride)
    *stride = width * cpp - 1;
  *map_data = rows;
  g_atomic_int_inc (&gbm_n_maps);
  g_atomic_int_add (&gbm_n_mapped_pixels, (int) (width * height));
  return rows;
}

void
gbm_bo_unmap (struct gbm_bo *bo, void *map_data)
{
  assert_non_null (bo);
  g_atomic_int_add (&gbm_n_maps, -1);
  g_free (map_data);
}
