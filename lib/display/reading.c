/* SPDX-License-Identifier: MIT */
/* The properties that say how frames are made, once for all objects that make them. */
#include "display/reading.h"

#include <drm_fourcc.h>

#define DEFAULT_MAX_FRAMES 4

void
reading_init (struct reading *reading)
{
  *reading = (struct reading){ .backend = g_strdup ("auto"),
                               .format = DRM_FORMAT_XRGB8888,
                               .color = QDMABUF_COLOR_BT601_LIMITED,
                               .max_frames = DEFAULT_MAX_FRAMES };
}

void
reading_clear (struct reading *reading)
{
  g_clear_pointer (&reading->backend, g_free);
  g_clear_pointer (&reading->render_node, g_free);
}

struct reading
reading_copy (const struct reading *reading)
{
  struct reading copy = *reading;

  copy.backend = g_strdup (reading->backend);
  copy.render_node = g_strdup (reading->render_node);
  return copy;
}

bool
reading_get (const struct reading *reading, guint id, GValue *value)
{
  switch (id) {
  case READING_BACKEND:
    g_value_set_string (value, reading->backend);
    return true;
  case READING_RENDER_NODE:
    g_value_set_string (value, reading->render_node);
    return true;
  case READING_FORMAT:
    g_value_set_uint (value, reading->format);
    return true;
  case READING_COLOR:
    g_value_set_enum (value, (gint) reading->color);
    return true;
  case READING_MAX_FRAMES:
    g_value_set_uint (value, reading->max_frames);
    return true;
  default:
    return false;
  }
}

static void
set_string (char **field, const GValue *value)
{
  g_free (*field);
  *field = g_value_dup_string (value);
}

bool
reading_set (struct reading *reading, guint id, const GValue *value)
{
  switch (id) {
  case READING_BACKEND:
    set_string (&reading->backend, value);
    return true;
  case READING_RENDER_NODE:
    set_string (&reading->render_node, value);
    return true;
  case READING_FORMAT:
    reading->format = g_value_get_uint (value);
    return true;
  case READING_COLOR:
    reading->color = (QdmabufColor) g_value_get_enum (value);
    return true;
  case READING_MAX_FRAMES:
    reading->max_frames = g_value_get_uint (value);
    return true;
  default:
    return false;
  }
}

struct reader_config
reading_config (const struct reading *reading)
{
  return (struct reader_config){ .backend = reading->backend,
                                 .render_node = reading->render_node,
                                 .format = reading->format,
                                 .color = reading->color,
                                 .max_frames = reading->max_frames };
}

/* Each class documents its properties as its own. */
void
reading_describe (GParamSpec **props, GParamFlags more)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | more;

  /**
   * QdmabufConsole:backend:
   *
   * Who may read DMA-BUFs: "auto" (the best there is, or what the environment's `QDMABUF_BACKEND`
   * says), "egl", "gbm" or "cpu". Pixels inside messages and shared maps are always read by the
   * CPU. Read at `start`.
   *
   * Since: 0.1
   */
  /**
   * QdmabufConverter:backend:
   *
   * Who may read: "auto" (the best there is, or what the environment's `QDMABUF_BACKEND` says),
   * "egl", "gbm" or "cpu".
   *
   * Since: 0.1
   */
  props[READING_BACKEND] = g_param_spec_string ("backend", NULL, NULL, "auto", flags);
  /**
   * QdmabufConsole:render-node:
   *
   * The render node of the GPU to use ("/dev/dri/renderD128"); %NULL: what the environment's
   * `QDMABUF_RENDER_NODE` says, else the best there is. Read at `start`.
   *
   * Since: 0.1
   */
  /**
   * QdmabufConverter:render-node:
   *
   * The render node of the GPU to use; %NULL: the environment's `QDMABUF_RENDER_NODE`, else the
   * best there is.
   *
   * Since: 0.1
   */
  props[READING_RENDER_NODE] = g_param_spec_string ("render-node", NULL, NULL, NULL, flags);
  /**
   * QdmabufConsole:format:
   *
   * The DRM fourcc of the frames: XR24 (the default), XB24, BG24 (R, G, B in memory), RG24 (B, G, R
   * in memory), NV12, YU12 (I420), or YU24 (planes of 4:4:4). YUV is made as
   * `color` says, and the damage of subsampled frames is widened to whole samples of chroma. Read
   * at `start`.
   *
   * Since: 0.1
   */
  /**
   * QdmabufConverter:format:
   *
   * The DRM fourcc of the frames: XR24 (the default), XB24, BG24 (R, G, B in memory), RG24 (B, G, R
   * in memory), NV12, YU12 (I420), or YU24 (planes of 4:4:4). YUV is made as
   * `color` says, and the damage of subsampled frames is widened to whole samples of chroma.
   *
   * Since: 0.1
   */
  props[READING_FORMAT] =
      g_param_spec_uint ("format", NULL, NULL, 0, G_MAXUINT, DRM_FORMAT_XRGB8888, flags);
  /**
   * QdmabufConsole:color:
   *
   * How YUV frames are made of the guest's RGB; means nothing for frames of RGB. Read at `start`.
   *
   * Since: 0.1
   */
  /**
   * QdmabufConverter:color:
   *
   * How YUV frames are made of the guest's RGB; means nothing for frames of RGB.
   *
   * Since: 0.1
   */
  props[READING_COLOR] = g_param_spec_enum ("color", NULL, NULL, QDMABUF_TYPE_COLOR,
                                            QDMABUF_COLOR_BT601_LIMITED, flags);
  /**
   * QdmabufConsole:max-frames:
   *
   * How many frames the application may hold at one time. While it holds all of them it gets no new
   * one; QEMU is answered all the same. A frame that lends a buffer counts until it is released.
   * Read at `start`.
   *
   * Since: 0.1
   */
  /**
   * QdmabufConverter:max-frames:
   *
   * How many frames the caller may hold at one time.
   *
   * Since: 0.1
   */
  props[READING_MAX_FRAMES] =
      g_param_spec_uint ("max-frames", NULL, NULL, 1, 64, DEFAULT_MAX_FRAMES, flags);
}
