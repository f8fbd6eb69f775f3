/* SPDX-License-Identifier: MIT */
/* Memory that pixels are written into: planes with strides, and an owner that keeps them mapped. */
#pragma once

#include <glib.h>
#include <qemu-dmabuf/qdmabuf-frame.h>
#include <stddef.h>
#include <stdint.h>

#define PICTURE_MAX_PLANES 3

#define N_COLORS (QDMABUF_COLOR_BT709_FULL + 1)

struct picture {
  uint32_t fourcc;        /* DRM fourcc of what is to be written */
  QdmabufColor color;     /* means nothing where that is RGB */
  uint32_t width, height; /* pixels */
  unsigned n_planes;
  uint8_t *data[PICTURE_MAX_PLANES]; /* top row first */
  size_t stride[PICTURE_MAX_PLANES]; /* bytes */
  /* A g_atomic_rc_box; whoever holds a reference may write, even after everybody else gave up
   * waiting for it. */
  void *owner;
  GDestroyNotify clear_owner; /* for g_atomic_rc_box_release_full */
};

/* A copy that holds its own reference on the owner. */
struct picture picture_hold (const struct picture *picture);
void picture_drop (struct picture *picture);
