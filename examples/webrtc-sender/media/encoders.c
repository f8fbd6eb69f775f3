/* SPDX-License-Identifier: MIT */
/* The encoders that are known, best first: hardware, then what is fastest in software. */
#include "media/encoders.h"

#include "common/error.h"

#define MAX_SETTINGS 20
#define MAX_THREADS 4u

struct setting {
  const char *property, *value;
};

struct encoder_kind {
  const char *element, *package;
  enum codec codec;
  bool makes_444;
  GstVideoFormat format; /* of 4:2:0 */
  const char *bitrate;   /* property */
  unsigned bitrate_unit; /* of it, in a kbit/s */
  const char *threads;   /* property; NULL: none */
  /* A property that this version of the element lacks is passed over. */
  struct setting settings[MAX_SETTINGS];
};

static const struct encoder_kind kinds[] = {
  { .element = "vah264enc",
    .package = "gstreamer1.0-plugins-bad",
    .codec = CODEC_H264,
    .format = GST_VIDEO_FORMAT_NV12,
    .bitrate = "bitrate",
    .bitrate_unit = 1,
    .settings = { { "rate-control", "cbr" },
                  { "key-int-max", "1024" },
                  { "b-frames", "0" },
                  { "ref-frames", "1" },
                  { "target-usage", "7" } } },
  { .element = "nvautogpuh264enc",
    .package = "gstreamer1.0-plugins-bad",
    .codec = CODEC_H264,
    .format = GST_VIDEO_FORMAT_NV12,
    .bitrate = "bitrate",
    .bitrate_unit = 1,
    .settings = { { "rate-control", "cbr" },
                  { "preset", "p2" },
                  { "tune", "ultra-low-latency" },
                  { "zero-reorder-delay", "true" },
                  { "gop-size", "-1" },
                  { "b-frames", "0" },
                  { "rc-lookahead", "0" },
                  { "repeat-sequence-header", "true" } } },
  { .element = "nvh264enc",
    .package = "gstreamer1.0-plugins-bad",
    .codec = CODEC_H264,
    .format = GST_VIDEO_FORMAT_NV12,
    .bitrate = "bitrate",
    .bitrate_unit = 1,
    .settings = { { "rc-mode", "cbr-ld-hq" },
                  { "preset", "low-latency-hq" },
                  { "zerolatency", "true" },
                  { "gop-size", "-1" },
                  { "bframes", "0" } } },
  { .element = "x264enc",
    .package = "gstreamer1.0-plugins-ugly",
    .codec = CODEC_H264,
    .makes_444 = true,
    .format = GST_VIDEO_FORMAT_I420,
    .bitrate = "bitrate",
    .bitrate_unit = 1,
    .threads = "threads",
    .settings = { { "tune", "zerolatency" },
                  { "speed-preset", "ultrafast" },
                  { "bframes", "0" },
                  { "b-adapt", "false" },
                  { "key-int-max", "2147483647" },
                  { "vbv-buf-capacity", "120" },
                  { "rc-lookahead", "0" },
                  { "sync-lookahead", "0" },
                  { "mb-tree", "false" },
                  { "intra-refresh", "false" },
                  { "byte-stream", "true" },
                  { "aud", "false" },
                  /* Below it no eye sees more, and a picture that stays is never done. */
                  { "qp-min", "18" },
                  { "option-string", "scenecut=0" } } },
  { .element = "openh264enc",
    .package = "gstreamer1.0-plugins-bad",
    .codec = CODEC_H264,
    .format = GST_VIDEO_FORMAT_I420,
    .bitrate = "bitrate",
    .bitrate_unit = 1000,
    .threads = "multi-thread",
    .settings = { { "usage-type", "screen" },
                  { "complexity", "low" },
                  { "rate-control", "bitrate" },
                  { "gop-size", "2147483647" },
                  { "background-detection", "false" },
                  { "scene-change-detection", "false" },
                  { "enable-frame-skip", "false" } } },
  { .element = "vp8enc",
    .package = "gstreamer1.0-plugins-good",
    .codec = CODEC_VP8,
    .format = GST_VIDEO_FORMAT_I420,
    .bitrate = "target-bitrate",
    .bitrate_unit = 1000,
    .threads = "threads",
    .settings = { { "deadline", "1" },
                  { "cpu-used", "-16" },
                  { "token-partitions", "2" },
                  { "lag-in-frames", "0" },
                  { "end-usage", "cbr" },
                  { "keyframe-mode", "disabled" },
                  { "keyframe-max-dist", "2147483647" },
                  { "buffer-size", "150" },
                  { "buffer-optimal-size", "120" },
                  { "buffer-initial-size", "100" },
                  { "max-intra-bitrate", "250" },
                  /* Its loop filter never leaves a still picture alone: without these, each frame
                   * takes back what the filter did at the one before. */
                  { "static-threshold", "5000" },
                  { "sharpness", "7" },
                  { "min-quantizer", "8" },
                  { "dropframe-threshold", "0" },
                  { "resize-allowed", "false" } } },
};

static const char *const codec_names[N_CODECS] = { "H.264", "VP8" };

static bool
makes (const struct encoder_kind *kind, struct coding coding)
{
  return kind->codec == coding.codec && (coding.chroma == CHROMA_420 || kind->makes_444);
}

/* Hardware without its device is no element at all, or cannot be made ready. */
static bool
is_usable (const struct encoder_kind *kind)
{
  GstElement *element = gst_element_factory_make (kind->element, NULL);
  bool usable = false;

  if (!element)
    return false;
  gst_object_ref_sink (element);
  usable = gst_element_set_state (element, GST_STATE_READY) != GST_STATE_CHANGE_FAILURE;
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (element);
  return usable;
}

static const struct encoder_kind *
find_named (const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++) {
    if (strcmp (kinds[i].element, name) == 0)
      return &kinds[i];
  }
  return NULL;
}

static void
set_unknown (const char *name, GError **error)
{
  g_autoptr (GString) known = g_string_new (NULL);

  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    g_string_append_printf (known, "%s%s", i > 0 ? ", " : "", kinds[i].element);
  g_set_error (error, SENDER_ERROR, SENDER_ERROR_PLUGIN,
               "%s is no encoder that is known here: there are %s", name, known->str);
}

static void
set_missing (const struct encoder_kind *kind, GError **error)
{
  g_set_error (error, SENDER_ERROR, SENDER_ERROR_PLUGIN,
               "GStreamer has no usable %s: it is in the Debian package %s%s", kind->element,
               kind->package,
               kind->format == GST_VIDEO_FORMAT_NV12 ? ", and needs its hardware" : "");
}

/* No kind makes the coding, or none of those that do is here: then the last one, in software. */
static void
set_none (struct coding coding, GError **error)
{
  const struct encoder_kind *software = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++) {
    if (makes (&kinds[i], coding) && kinds[i].threads && !software)
      software = &kinds[i];
  }
  if (software)
    g_set_error (error, SENDER_ERROR, SENDER_ERROR_PLUGIN,
                 "GStreamer has no encoder for %s here: install the Debian package %s for %s",
                 codec_names[coding.codec], software->package, software->element);
  else
    g_set_error (error, SENDER_ERROR, SENDER_ERROR_CODEC, "%s is not made in 4:4:4 here",
                 codec_names[coding.codec]);
}

const struct encoder_kind *
encoder_choose (struct coding coding, const char *wish, GError **error)
{
  const struct encoder_kind *wished = wish ? find_named (wish) : NULL;

  if (wish && !wished) {
    set_unknown (wish, error);
    return NULL;
  }
  if (wished && wished->codec == coding.codec) {
    if (!is_usable (wished))
      set_missing (wished, error);
    else if (!makes (wished, coding))
      g_set_error (error, SENDER_ERROR, SENDER_ERROR_CODEC, "%s does not make 4:4:4", wish);
    else
      return wished;
    return NULL;
  }
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++) {
    if (makes (&kinds[i], coding) && is_usable (&kinds[i]))
      return &kinds[i];
  }
  set_none (coding, error);
  return NULL;
}

bool
element_check (const char *element, const char *package, GError **error)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find (element);

  if (!factory)
    g_set_error (error, SENDER_ERROR, SENDER_ERROR_PLUGIN,
                 "GStreamer has no %s: it is in the Debian package %s", element, package);
  return factory != NULL;
}

GstElement *
element_make (const char *element, const char *package, GError **error)
{
  if (!element_check (element, package, error))
    return NULL;
  GstElement *made = gst_element_factory_make (element, NULL);
  if (!made)
    g_set_error (error, SENDER_ERROR, SENDER_ERROR_PLUGIN,
                 "GStreamer cannot load %s, of the Debian package %s", element, package);
  return made;
}

static bool
has_property (GstElement *element, const char *name)
{
  return g_object_class_find_property (G_OBJECT_GET_CLASS (element), name) != NULL;
}

GstElement *
encoder_make (const struct encoder_kind *kind, unsigned kbit, GError **error)
{
  GstElement *element = element_make (kind->element, kind->package, error);

  if (!element)
    return NULL;
  for (const struct setting *setting = kind->settings; setting->property; setting++) {
    if (has_property (element, setting->property))
      gst_util_set_object_arg (G_OBJECT (element), setting->property, setting->value);
  }
  if (kind->threads) {
    g_autofree char *threads = g_strdup_printf ("%u", MIN (MAX_THREADS, g_get_num_processors ()));

    gst_util_set_object_arg (G_OBJECT (element), kind->threads, threads);
  }
  encoder_kind_set_bitrate (kind, element, kbit);
  return element;
}

const char *
encoder_element (const struct encoder_kind *kind)
{
  return kind->element;
}

GstVideoFormat
encoder_format (const struct encoder_kind *kind, enum chroma chroma)
{
  return chroma == CHROMA_444 ? GST_VIDEO_FORMAT_Y444 : kind->format;
}

GstCaps *
coding_caps (struct coding coding)
{
  if (coding.codec == CODEC_VP8)
    return gst_caps_new_empty_simple ("video/x-vp8");
  return gst_caps_new_simple ("video/x-h264", "stream-format", G_TYPE_STRING, "byte-stream",
                              "alignment", G_TYPE_STRING, "au", "profile", G_TYPE_STRING,
                              coding.chroma == CHROMA_444 ? "high-4:4:4" : "constrained-baseline",
                              NULL);
}

void
encoder_kind_set_bitrate (const struct encoder_kind *kind, GstElement *element, unsigned kbit)
{
  g_autofree char *value = g_strdup_printf ("%u", kbit * kind->bitrate_unit);

  gst_util_set_object_arg (G_OBJECT (element), kind->bitrate, value);
}
