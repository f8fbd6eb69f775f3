/* SPDX-License-Identifier: MIT */
/* Memory that pixels are written into: planes with strides, and an owner that keeps them mapped. */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#define PICTURE_MAX_PLANES 3

/* How YUV is made of RGB. Numbers are those of QdmabufColor. */
enum color {
  COLOR_BT601_LIMITED,
  COLOR_BT601_FULL,
  COLOR_BT709_LIMITED,
  COLOR_BT709_FULL,
  N_COLORS
};

struct picture {
  uint32_t fourcc;        /* DRM fourcc of what is to be written */
  enum color color;       /* means nothing where that is RGB */
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
