/* SPDX-License-Identifier: MIT */
/* Each encoder that is here: what comes out of it is what went in, at once, in order, and whole. */
#define _GNU_SOURCE 1

#include "support/fds.h"

#include <card.h>
#include <drm_fourcc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/error.h"
#include "media/encoder.h"
#include "webrtc/decode.h"

#define PATIENCE_US (20 * G_USEC_PER_SEC)
#define KBIT 4000
#define LOW_KBIT 200
#define REPEATS 12

static const struct subject {
  const char *element;
  struct coding coding;
} subjects[] = {
  { "x264enc", { CODEC_H264, CHROMA_420 } },
  { "x264enc", { CODEC_H264, CHROMA_444 } },
  { "openh264enc", { CODEC_H264, CHROMA_420 } },
  { "vp8enc", { CODEC_VP8, CHROMA_420 } },
};

/* ---- frames of the card ---- */

static QdmabufFrame *
card_frame (unsigned width, unsigned height, unsigned counter, enum chroma chroma)
{
  Card card = { .width = (int) width, .height = (int) height, .counter = counter };
  size_t stride = (size_t) width * 4;
  int fd = memfd_create ("card", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  g_autoptr (GError) error = NULL;

  assert_int_equal (ftruncate (fd, (off_t) (stride * height)), 0);
  void *pixels = mmap (NULL, stride * height, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  card_draw (&card, pixels, stride);
  munmap (pixels, stride * height);

  QdmabufBuffer *buffer =
      qdmabuf_buffer_new (width, height, DRM_FORMAT_XRGB8888, DRM_FORMAT_MOD_LINEAR);
  assert_true (qdmabuf_buffer_add_plane (buffer, fd, 0, (guint) stride, &error));
  g_autoptr (QdmabufConverter) converter =
      g_object_new (QDMABUF_TYPE_CONVERTER, "backend", "cpu", "format",
                    chroma == CHROMA_444 ? DRM_FORMAT_YUV444 : DRM_FORMAT_YUV420, NULL);
  QdmabufFrame *frame = qdmabuf_converter_convert (converter, buffer, &error);
  if (!frame)
    fail_msg ("%s", error->message);
  qdmabuf_buffer_unref (buffer);
  close (fd);
  return frame;
}

/* ---- an encoder and what came out ---- */

struct bench {
  struct encoder *encoder;
  GAsyncQueue *units; /* of struct coded, with a buffer of its own */
  gint n_failed;
};

static void
on_coded (void *data, const struct coded *coded)
{
  struct bench *bench = data;
  struct coded *copy = g_memdup2 (coded, sizeof *coded);

  gst_buffer_ref (copy->unit.buffer);
  g_async_queue_push (bench->units, copy);
}

static void
on_failed (void *data, const GError *error)
{
  struct bench *bench = data;

  print_error ("%s\n", error->message);
  g_atomic_int_inc (&bench->n_failed);
}

static const struct encoder_handler handler = { .coded = on_coded, .failed = on_failed };

/* bench: its address stays what it is. */
static void
bench_run (struct bench *bench, const struct subject *subject, GstVideoFormat format)
{
  g_autoptr (GError) error = NULL;
  *bench = (struct bench){ .units = g_async_queue_new () };
  struct encoder_config config = { .coding = subject->coding,
                                   .kind =
                                       encoder_choose (subject->coding, subject->element, &error),
                                   .format = format,
                                   .fps = 60,
                                   .kbit = KBIT };

  bench->encoder = encoder_new (&config, &handler, bench, &error);
  if (!bench->encoder)
    fail_msg ("%s", error->message);
  assert_string_equal (encoder_element (config.kind), subject->element);
}

static GstVideoFormat
format_of (const struct subject *subject)
{
  return subject->coding.chroma == CHROMA_444 ? GST_VIDEO_FORMAT_Y444 : GST_VIDEO_FORMAT_I420;
}

static void
coded_free (struct coded *coded)
{
  gst_buffer_unref (coded->unit.buffer);
  g_free (coded);
}

static void
bench_clear (struct bench *bench)
{
  struct coded *coded = NULL;

  encoder_free (bench->encoder);
  while ((coded = g_async_queue_try_pop (bench->units)))
    coded_free (coded);
  g_async_queue_unref (bench->units);
  assert_int_equal (bench->n_failed, 0);
}

static struct coded *
bench_code (struct bench *bench, QdmabufFrame *frame, bool key)
{
  encoder_give (bench->encoder, frame, (struct pace_step){ PACE_DAMAGE, key });
  struct coded *coded = g_async_queue_timeout_pop (bench->units, PATIENCE_US);
  assert_non_null (coded);
  return coded;
}

/* ---- the tests ---- */

/* The picture moves, then stays: it is legible at once, and good in the end. */
static void
check_pictures (const struct subject *subject)
{
  struct bench bench;
  struct decoder decoder = decoder_new (subject->coding);
  QdmabufFrame *frame = NULL;
  GstSample *last = NULL;
  uint64_t pts = 0;

  bench_run (&bench, subject, format_of (subject));
  for (unsigned i = 0; i < 10 + REPEATS; i++) {
    if (i < 10) {
      g_clear_pointer (&frame, qdmabuf_frame_unref);
      frame = card_frame (640, 360, i, subject->coding.chroma);
    }
    struct coded *coded = bench_code (&bench, frame, false);

    assert_int_equal (coded->unit.key, i == 0);
    assert_int_equal (coded->unit.width, 640);
    assert_int_equal (coded->unit.height, 360);
    assert_int_equal (coded->unit.capture_us, qdmabuf_frame_get_time (frame));
    assert_true (GST_BUFFER_PTS (coded->unit.buffer) > pts);
    pts = GST_BUFFER_PTS (coded->unit.buffer);
    assert_int_equal (coded->unit.rtp_time,
                      (uint32_t) gst_util_uint64_scale_int (pts, 90000, GST_SECOND));
    assert_in_range (pts / 1000, coded->taken_us, coded->encoded_us);
    decoder_push (&decoder, coded->unit.buffer);
    coded_free (coded);
  }
  assert_int_equal (decoder_finish (&decoder, &last), 10 + REPEATS);
  for (guint plane = 0; plane < 3; plane++) {
    double db = psnr (last, frame, plane);

    print_message ("%s %s plane %u: %.1f dB\n", subject->element,
                   subject->coding.chroma == CHROMA_444 ? "4:4:4" : "4:2:0", plane, db);
    assert_true (db > 36);
  }
  gst_sample_unref (last);
  qdmabuf_frame_unref (frame);
  bench_clear (&bench);
}

static void
test_pictures (void **state)
{
  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (subjects); i++)
    check_pictures (&subjects[i]);
}

static void
check_key (const struct subject *subject)
{
  struct bench bench;
  QdmabufFrame *frame = card_frame (320, 240, 1, subject->coding.chroma);

  bench_run (&bench, subject, format_of (subject));
  for (unsigned i = 0; i < 30; i++) {
    struct coded *coded = bench_code (&bench, frame, i % 10 == 5);

    assert_int_equal (coded->unit.key, i == 0 || i % 10 == 5);
    coded_free (coded);
  }
  qdmabuf_frame_unref (frame);
  bench_clear (&bench);
}

static void
test_key (void **state)
{
  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (subjects); i++)
    check_key (&subjects[i]);
}

/* Other sizes, odd ones too, in one stream that a decoder follows. */
static void
check_sizes (const struct subject *subject)
{
  static const unsigned sizes[][2] = { { 320, 240 }, { 641, 359 }, { 16, 16 }, { 1280, 720 } };
  bool even = subject->coding.chroma == CHROMA_420;
  struct bench bench;
  struct decoder decoder = decoder_new (subject->coding);
  QdmabufFrame *frame = NULL;
  GstSample *last = NULL;

  bench_run (&bench, subject, format_of (subject));
  for (unsigned i = 0; i < 4 * G_N_ELEMENTS (sizes); i++) {
    const unsigned *size = sizes[i / 4];
    struct coded *coded = NULL;

    g_clear_pointer (&frame, qdmabuf_frame_unref);
    frame = card_frame (size[0], size[1], i, subject->coding.chroma);
    coded = bench_code (&bench, frame, false);
    assert_int_equal (coded->unit.key, i % 4 == 0);
    assert_int_equal (coded->unit.width, even ? size[0] & ~1u : size[0]);
    assert_int_equal (coded->unit.height, even ? size[1] & ~1u : size[1]);
    decoder_push (&decoder, coded->unit.buffer);
    coded_free (coded);
  }
  assert_int_equal (decoder_finish (&decoder, &last), 4 * G_N_ELEMENTS (sizes));
  assert_true (psnr (last, frame, 0) > 20);
  gst_sample_unref (last);
  qdmabuf_frame_unref (frame);
  bench_clear (&bench);
}

static void
test_sizes (void **state)
{
  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (subjects); i++)
    check_sizes (&subjects[i]);
}

/* Of many frames at once, the first and the newest are coded, and not much else: none queues. */
static void
test_newest (void **state)
{
  const unsigned n = 50;
  const struct subject *subject = &subjects[0];
  struct bench bench;
  QdmabufFrame *frames[50];
  unsigned n_coded = 0;
  bool newest = false;

  (void) state;
  bench_run (&bench, subject, format_of (subject));
  for (unsigned i = 0; i < n; i++)
    frames[i] = card_frame (1280, 720, i, CHROMA_420);
  for (unsigned i = 0; i < n; i++)
    encoder_give (bench.encoder, frames[i], (struct pace_step){ PACE_DAMAGE, i == 3 });
  while (!newest) {
    struct coded *coded = g_async_queue_timeout_pop (bench.units, PATIENCE_US);

    assert_non_null (coded);
    n_coded++;
    newest = coded->unit.capture_us == qdmabuf_frame_get_time (frames[n - 1]);
    /* A wish of one that was replaced is granted with what replaced it. */
    assert_true (n_coded != 2 || coded->unit.key);
    coded_free (coded);
  }
  assert_in_range (n_coded, 2, 5);
  for (unsigned i = 0; i < n; i++)
    qdmabuf_frame_unref (frames[i]);
  bench_clear (&bench);
}

static uint64_t
bytes_of (struct bench *bench, unsigned n, enum chroma chroma)
{
  uint64_t bytes = 0;

  for (unsigned i = 0; i < n; i++) {
    g_autoptr (QdmabufFrame) frame = card_frame (640, 360, i, chroma);
    struct coded *coded = bench_code (bench, frame, false);

    bytes += gst_buffer_get_size (coded->unit.buffer);
    coded_free (coded);
  }
  return bytes;
}

/* Live: no key frame, no gap. */
static void
test_bitrate (void **state)
{
  (void) state;
  for (size_t i = 0; i < G_N_ELEMENTS (subjects); i++) {
    const struct subject *subject = &subjects[i];
    struct bench bench;

    bench_run (&bench, subject, format_of (subject));
    bytes_of (&bench, 15, subject->coding.chroma);
    uint64_t much = bytes_of (&bench, 30, subject->coding.chroma);
    encoder_set_bitrate (bench.encoder, LOW_KBIT);
    bytes_of (&bench, 15, subject->coding.chroma);
    int64_t start = g_get_monotonic_time ();
    uint64_t little = bytes_of (&bench, 30, subject->coding.chroma);
    int64_t took_us = g_get_monotonic_time () - start;
    print_message ("%s: %" G_GUINT64_FORMAT " bytes in 30 frames, then %" G_GUINT64_FORMAT "\n",
                   subject->element, much, little);
    /* vp8enc counts time by pts: where the machine is slow, a low rate has bytes enough for each of
     * its frames. The others count frames. */
    if (subject->coding.codec == CODEC_VP8)
      assert_true (little * 3 < much * 2 || little * 8 * 1000 / (uint64_t) took_us < 3 * LOW_KBIT);
    else
      assert_true (little * 5 < much * 4);
    bench_clear (&bench);
  }
}

/* Frames in 4:4:4 for one who watches in 4:2:0. */
static void
test_converted (void **state)
{
  const struct subject *subject = &subjects[0];
  struct bench bench;
  struct decoder decoder = decoder_new (subject->coding);
  g_autoptr (QdmabufFrame) frame = card_frame (640, 360, 7, CHROMA_444);
  GstSample *last = NULL;

  (void) state;
  bench_run (&bench, subject, GST_VIDEO_FORMAT_Y444);
  for (unsigned i = 0; i < REPEATS; i++) {
    struct coded *coded = bench_code (&bench, frame, false);

    decoder_push (&decoder, coded->unit.buffer);
    coded_free (coded);
  }
  assert_int_equal (decoder_finish (&decoder, &last), REPEATS);
  assert_true (psnr (last, frame, 0) > 36);
  gst_sample_unref (last);
  bench_clear (&bench);
}

/* ---- what is not here ---- */

static void
test_unknown (void **state)
{
  struct coding h264 = { CODEC_H264, CHROMA_420 };
  g_autoptr (GError) error = NULL;

  (void) state;
  assert_null (encoder_choose (h264, "x265enc", &error));
  assert_true (g_error_matches (error, SENDER_ERROR, SENDER_ERROR_PLUGIN));
  assert_non_null (strstr (error->message, "x265enc"));
  assert_non_null (strstr (error->message, "openh264enc"));
  g_clear_error (&error);
  assert_null (encoder_choose ((struct coding){ CODEC_VP8, CHROMA_444 }, NULL, &error));
  assert_true (g_error_matches (error, SENDER_ERROR, SENDER_ERROR_CODEC));
  g_clear_error (&error);
  assert_null (encoder_choose ((struct coding){ CODEC_H264, CHROMA_444 }, "openh264enc", &error));
  assert_true (g_error_matches (error, SENDER_ERROR, SENDER_ERROR_CODEC));
  /* A wish for one codec leaves the other as it is. */
  const struct encoder_kind *kind = encoder_choose (h264, "vp8enc", NULL);
  assert_non_null (kind);
}

static GstPluginFeature *
hide (const char *element)
{
  GstPluginFeature *feature = gst_registry_lookup_feature (gst_registry_get (), element);

  assert_non_null (feature);
  gst_registry_remove_feature (gst_registry_get (), feature);
  return feature;
}

static void
show (GstPluginFeature *feature)
{
  gst_registry_add_feature (gst_registry_get (), feature);
  gst_object_unref (feature);
}

static void
test_missing (void **state)
{
  struct coding h264 = { CODEC_H264, CHROMA_420 };
  g_autoptr (GError) error = NULL;
  GstPluginFeature *x264 = hide ("x264enc");

  (void) state;
  assert_null (encoder_choose (h264, "x264enc", &error));
  assert_true (g_error_matches (error, SENDER_ERROR, SENDER_ERROR_PLUGIN));
  assert_non_null (strstr (error->message, "gstreamer1.0-plugins-ugly"));
  g_clear_error (&error);
  /* The next best. */
  const struct encoder_kind *kind = encoder_choose (h264, NULL, &error);
  assert_string_equal (encoder_element (kind), "openh264enc");
  GstPluginFeature *openh264 = hide ("openh264enc");
  assert_null (encoder_choose (h264, NULL, &error));
  assert_true (g_error_matches (error, SENDER_ERROR, SENDER_ERROR_PLUGIN));
  assert_non_null (strstr (error->message, "gstreamer1.0-plugins-ugly"));
  show (x264);
  show (openh264);
  kind = encoder_choose (h264, NULL, NULL);
  assert_non_null (kind);
}

static int
warm_up (void **state)
{
  (void) state;
  gst_init (NULL, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (subjects); i++)
    check_pictures (&subjects[i]);
  return 0;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_pictures), fds_unit_test (test_key),     fds_unit_test (test_sizes),
    fds_unit_test (test_newest),   fds_unit_test (test_bitrate), fds_unit_test (test_converted),
    fds_unit_test (test_unknown),  fds_unit_test (test_missing),
  };

  return cmocka_run_group_tests (tests, warm_up, NULL);
}
