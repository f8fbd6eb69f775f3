/* SPDX-License-Identifier: MIT */
/* Each runner is one call between two looks at the clock. */
#include "pixels/paths.h"

#include <string.h>

gint64
path_whole (void *data, unsigned round, GError **error)
{
  struct scene *scene = data;
  gint64 start = contest_clock ();
  QdmabufFrame *frame = qdmabuf_converter_convert (scene->whole, scene->buffer, error);
  gint64 end = contest_clock ();

  (void) round;
  if (!frame)
    return -1;
  qdmabuf_frame_unref (frame);
  return end - start;
}

gint64
path_whole_again (void *data, unsigned round, GError **error)
{
  for (unsigned i = 0; i < CONTEST_WARM_UP; i++) {
    if (path_whole (data, round, error) < 0)
      return -1;
  }
  return path_whole (data, round, error);
}

gint64
path_damage (void *data, unsigned round, GError **error)
{
  struct scene *scene = data;
  int x = 0;
  int y = 0;

  scene_damage (scene, round, &x, &y);
  gint64 start = contest_clock ();
  QdmabufFrame *frame = qdmabuf_converter_convert_damage (scene->of_damage, scene->buffer, x, y,
                                                          DAMAGE_SIZE, DAMAGE_SIZE, error);
  gint64 end = contest_clock ();

  if (!frame)
    return -1;
  qdmabuf_frame_unref (frame);
  return end - start;
}

static gint64
copy (struct scene *scene, bool damage, unsigned round)
{
  const struct bench_case *c = &scene->c;
  size_t n = (size_t) (case_bytes_read (c, damage) + case_bytes_written (c, damage)) / 2;
  uint8_t *to = scene->targets[round % N_TARGETS].data;
  gint64 start = contest_clock ();

  memcpy (to, scene->source.data, n);
  __asm__ volatile("" ::"r"(to) : "memory");
  return contest_clock () - start;
}

gint64
path_memcpy (void *data, unsigned round, GError **error)
{
  (void) error;
  return copy (data, false, round);
}

gint64
path_memcpy_damage (void *data, unsigned round, GError **error)
{
  (void) error;
  return copy (data, true, round);
}

void
path_chill (void *data)
{
  scene_chill (data);
}
