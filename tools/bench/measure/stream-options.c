/* SPDX-License-Identifier: MIT */
/* Names of formats and interfaces, and what cannot be meant. */
#include "measure/stream-options.h"

#include <drm_fourcc.h>
#include <math.h>

#include "common/usage.h"
#include "report/plot.h"

#define DEFAULT_SECONDS 10.0
#define MAX_SECONDS 86400.0

static const struct {
  const char *name;
  guint32 fourcc;
} formats[] = { { "XR24", DRM_FORMAT_XRGB8888 },
                { "RGB", DRM_FORMAT_BGR888 },
                { "NV12", DRM_FORMAT_NV12 },
                { "I420", DRM_FORMAT_YUV420 } };

static const struct {
  const char *name;
  QdmabufListenerFlags flags;
} listeners[] = { { "auto", QDMABUF_LISTENER_ALL },
                  { "map", QDMABUF_LISTENER_MAP },
                  { "inline", QDMABUF_LISTENER_NONE },
                  { "dmabuf", QDMABUF_LISTENER_DMABUF2 } };

void
stream_options_add (struct stream_options *options, GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "format", 0, 0, G_OPTION_ARG_STRING, &options->format_name,
      "Frames as XR24 (default), RGB, NV12 or I420", "FORMAT" },
    { "listener", 0, 0, G_OPTION_ARG_STRING, &options->listener_name,
      "What QEMU is offered: auto (everything), map, inline or dmabuf (several planes)", "KIND" },
    { "backend", 0, 0, G_OPTION_ARG_STRING, &options->backend,
      "What reads DMA-BUFs: auto, egl, gbm or cpu", "BACKEND" },
    { "render-node", 0, 0, G_OPTION_ARG_FILENAME, &options->render_node,
      "The GPU, of the library and of a QEMU that is started", "PATH" },
    { "json", 0, 0, G_OPTION_ARG_FILENAME, &options->json,
      "Write the figures to FILE too; - is stdout, without the table", "FILE" },
    G_OPTION_ENTRY_NULL,
  };

  *options = (struct stream_options){ .seconds = DEFAULT_SECONDS };
  g_option_context_add_main_entries (context, entries, NULL);
}

void
stream_options_add_measuring (struct stream_options *options, GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &options->seconds,
      "How long a measurement takes (default 10)", "N" },
    { "plot", 0, 0, G_OPTION_ARG_FILENAME, &options->plot,
      "Draw how long frames take, to FILE.svg or FILE.png", "FILE" },
    G_OPTION_ENTRY_NULL,
  };

  g_option_context_add_main_entries (context, entries, NULL);
}

static bool
check_names (struct stream_options *options, GError **error)
{
  bool format = false;
  bool listener = false;

  for (size_t i = 0; i < G_N_ELEMENTS (formats) && !format; i++) {
    format = g_ascii_strcasecmp (options->format_name, formats[i].name) == 0;
    options->format = formats[i].fourcc;
  }
  for (size_t i = 0; i < G_N_ELEMENTS (listeners) && !listener; i++) {
    listener = g_str_equal (options->listener_name, listeners[i].name);
    options->flags = listeners[i].flags;
  }
  if (!format)
    return usage_error (error, "--format must be XR24, RGB, NV12 or I420, not '%s'",
                        options->format_name);
  return listener || usage_error (error, "--listener must be auto, map, inline or dmabuf, not '%s'",
                                  options->listener_name);
}

static bool
check_files (const struct stream_options *options, GError **error)
{
  if (options->json && *options->json == '\0')
    return usage_error (error, "the name of the JSON file is empty");
  return !options->plot || plot_check_name (options->plot, error);
}

bool
stream_options_check (struct stream_options *options, GError **error)
{
  static const char *const backends[] = { "auto", "egl", "gbm", "cpu", NULL };

  if (!options->format_name)
    options->format_name = g_strdup (formats[0].name);
  if (!options->listener_name)
    options->listener_name = g_strdup (listeners[0].name);
  if (!isfinite (options->seconds) || options->seconds <= 0 || options->seconds > MAX_SECONDS)
    return usage_error (error, "--seconds must be more than 0 and at most %.0f", MAX_SECONDS);
  if (options->backend && !g_strv_contains (backends, options->backend))
    return usage_error (error, "--backend must be auto, egl, gbm or cpu, not '%s'",
                        options->backend);
  return check_names (options, error) && check_files (options, error);
}

void
stream_options_clear (struct stream_options *options)
{
  g_free (options->format_name);
  g_free (options->listener_name);
  g_free (options->backend);
  g_free (options->render_node);
  g_free (options->json);
  g_free (options->plot);
}
