/* SPDX-License-Identifier: MIT */
/* For tests of consoles that lend buffers: a scene that does, past its first frames, and frames of
 * one update each. Include support/fds.h first. */
#pragma once

#include "support/scene.h"

/* QEMU gives up after a second; a loan is 20 ms, and the machine may be slow. */
#define LOAN_MS 20
#define SLOW_MS 500u

static inline struct scene *
lending_new (void)
{
  struct scene *scene = scene_new (NULL);

  g_object_set (scene->console, "lend-buffers", TRUE, NULL);
  scene_start (scene);
  return scene;
}

/* Until frames are sure: from then on each one is there as soon as its update. */
static inline void
lending_settle (struct scene *scene, const struct sheet *sheet)
{
  scene_show (scene, sheet);
  unsigned call = scene_update (scene, sheet);
  QdmabufFrame *frame = scene_take (scene);
  qdmabuf_frame_unref (frame);
  scene_expect_reply (scene, call, SLOW_MS);
}

static inline struct scene *
lending_new_settled (const struct sheet *sheet)
{
  struct scene *scene = lending_new ();

  lending_settle (scene, sheet);
  return scene;
}

/* A frame that QEMU waits for: on a machine that stands still for 20 ms, the one after. */
static inline QdmabufFrame *
lending_take (struct scene *scene, const struct sheet *sheet, unsigned *call)
{
  for (int i = 0; i < 100; i++) {
    int64_t start = g_get_monotonic_time ();
    *call = scene_update (scene, sheet);
    QdmabufFrame *frame = scene_take_since (scene, start);

    if (!qdmabuf_frame_is_stale (frame))
      return frame;
    qdmabuf_frame_unref (frame);
    scene_expect_reply (scene, *call, SLOW_MS);
  }
  fail_msg ("no frame was taken within 20 ms of its update");
  return NULL;
}
