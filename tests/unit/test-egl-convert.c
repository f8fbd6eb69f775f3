/* SPDX-License-Identifier: MIT */
/* Formats that a shader makes: every one of them, from every source, against the CPU's conversion
 * of the same bytes. Here the driver is software, which nobody would let do this; GL is the same.
 */
#define _GNU_SOURCE
#include "support/fds.h"

#include "import/egl/readback.h"
#include "support/egl-device.h"
#include "support/planar.h"

static const uint32_t all_sources[] = {
  DRM_FORMAT_XRGB8888,    DRM_FORMAT_ABGR8888,    DRM_FORMAT_RGB565,
  DRM_FORMAT_XRGB2101010, DRM_FORMAT_XBGR2101010, DRM_FORMAT_RGBX8888,
  DRM_FORMAT_BGRX8888,    DRM_FORMAT_RGBA8888,    DRM_FORMAT_BGRA8888,
};

static const uint32_t all_outputs[] = { DRM_FORMAT_XRGB8888, DRM_FORMAT_XBGR8888, DRM_FORMAT_BGR888,
                                        DRM_FORMAT_RGB888,   DRM_FORMAT_NV12,     DRM_FORMAT_YUV420,
                                        DRM_FORMAT_YUV444 };

static struct egl_device *device;
static struct egl_readback readback;

/* ---- one read ---- */

static struct picture
any_target (uint32_t fourcc, uint32_t width, uint32_t height)
{
  if (output_format_find (fourcc)->n_planes > 1)
    return planar_new (fourcc, width, height);
  /* A stride that is no multiple of a texel. */
  return target_new (fourcc, width, height,
                     fourcc == DRM_FORMAT_RGB888 ? (size_t) width * 3 + 5 : 0);
}

static struct egl_image *
import (QdmabufBuffer *buffer, bool external_only)
{
  GError *error = NULL;
  struct egl_format format;

  if (!egl_formats_choose (device, buffer->layout.fourcc, buffer->layout.modifier, &format, &error))
    fail_msg ("%s", error->message);
  format.external_only = external_only;
  struct egl_image *image = egl_image_new (device, buffer, &format, &error);
  if (!image)
    fail_msg ("%s", error->message);
  return image;
}

/* What the CPU makes of the same memory. */
static void
convert_here (const QdmabufBuffer *buffer, const struct damage *damage, const struct picture *dst)
{
  const struct layout *layout = &buffer->layout;
  ptrdiff_t stride = (ptrdiff_t) layout->planes[0].stride;
  size_t size = layout->planes[0].offset + (size_t) layout_linear_size (layout, 0);
  g_autofree uint8_t *memory = g_malloc (size);
  int32_t row = layout->y0_top ? (int32_t) layout->height - 1 - layout->crop.y : layout->crop.y;
  struct pixels pixels = { .data = memory + layout->planes[0].offset + row * stride +
                                   layout->crop.x * pixel_format_find (layout->fourcc)->cpp,
                           .stride = layout->y0_top ? -stride : stride,
                           .fourcc = layout->fourcc };

  assert_int_equal (pread (buffer_plane_fd (buffer, 0), memory, size, 0), size);
  for (unsigned i = 0; i < damage->n; i++)
    convert_rect (&pixels, dst, damage->rects[i]);
}

/* Where libyuv has no function the CPU calculates as the shader does. */
static int
tolerance (const struct picture *picture, unsigned plane)
{
  if (picture->color == QDMABUF_COLOR_BT709_LIMITED || picture->color == QDMABUF_COLOR_BT709_FULL)
    return 0;
  return plane == 0 ? 1 : 2;
}

static void
check_planes (const struct picture *got, const QdmabufBuffer *buffer, const struct damage *damage)
{
  struct picture want = planar_new (got->fourcc, got->width, got->height);

  want.color = got->color;
  convert_here (buffer, damage, &want);
  for (size_t i = 0; i < planar_size (got); i++) {
    unsigned plane = (unsigned) (i / (got->stride[0] * (got->height + 1)));
    int a = ((const uint8_t *) got->owner)[i], b = ((const uint8_t *) want.owner)[i];

    if (ABS (a - b) > tolerance (got, plane))
      fail_msg ("byte %zu of %.4s from %.4s, colour %d, is %d instead of %d", i,
                (const char *) &got->fourcc, (const char *) &buffer->layout.fourcc, got->color, a,
                b);
  }
  picture_drop (&want);
}

static void
check_picture (const struct picture *got, const QdmabufBuffer *buffer, const struct damage *damage)
{
  if (got->n_planes > 1)
    check_planes (got, buffer, damage);
  else
    target_check_buffer (got, buffer, damage);
}

static void
read_and_check (const struct egl_device *with, QdmabufBuffer *buffer, struct egl_image *image,
                uint32_t output, QdmabufColor color)
{
  struct rect crop = buffer->layout.crop;
  uint32_t width = (uint32_t) crop.width, height = (uint32_t) crop.height;

  for (unsigned whole = 0; whole < 2; whole++) {
    struct damage damage = { .n = 3,
                             .rects = { { 0, 0, 5, 3 }, { 9, 7, 6, 9 }, { 30, 0, 1, 31 } } };
    struct picture dst = any_target (output, width, height);
    GError *error = NULL;

    dst.color = color;
    if (whole)
      damage = damage_whole (width, height);
    damage_clip (&damage, width, height);
    output_format_widen (output, &damage, width, height);
    if (!egl_readback (&readback, with, image, &damage, &dst, soon (), &error))
      fail_msg ("%s", error->message);
    check_picture (&dst, buffer, &damage);
    picture_drop (&dst);
  }
}

static void
check_all_outputs (const struct egl_device *with, const struct source_spec *spec,
                   bool external_only)
{
  QdmabufBuffer *buffer = source_new (spec);
  struct egl_image *image = import (buffer, external_only);

  for (unsigned i = 0; i < G_N_ELEMENTS (all_outputs); i++) {
    bool yuv = output_format_find (all_outputs[i])->n_planes > 1;

    for (unsigned color = 0; color < (yuv ? N_COLORS : 1); color++)
      read_and_check (with, buffer, image, all_outputs[i], (QdmabufColor) color);
  }
  for (unsigned i = 0; i < EGL_MAX_UNABLE; i++)
    assert_int_equal (readback.unable[i], 0);
  egl_image_free (device, image);
  qdmabuf_buffer_unref (buffer);
}

/* ---- what every test has ---- */

static unsigned n_warnings;

static void
count_warning (const char *domain, GLogLevelFlags level, const char *message, void *data)
{
  (void) domain;
  (void) data;
  if (level & G_LOG_LEVEL_WARNING)
    n_warnings++;
  print_message ("%s\n", message);
}

static int
set_up (void **state)
{
  fds_remember (state);
  device = open_device ();
  readback = (struct egl_readback){ .convert = EGL_CONVERT_GPU };
  n_warnings = 0;
  return 0;
}

static int
tear_down (void **state)
{
  egl_readback_clear (&readback);
  egl_device_close (device);
  return fds_check (state);
}

/* ---- every format ---- */

static void
check_sources (const struct egl_device *with, bool external_only)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (all_sources); i++) {
    for (unsigned y0_top = 0; y0_top < 2; y0_top++) {
      struct source_spec spec = plain;

      spec.fourcc = all_sources[i];
      spec.y0_top = y0_top;
      check_all_outputs (with, &spec, external_only);
      spec.crop = (struct rect){ 13, 6, 42, 34 };
      check_all_outputs (with, &spec, external_only);
    }
  }
}

static void
test_through_buffers (void **state)
{
  (void) state;
  skip_on_hardware ();
  assert_true (device->es3);
  check_sources (device, false);
  assert_true (readback.ring.slots[0].buffer && !readback.ring.broken);
}

static void
test_external (void **state)
{
  (void) state;
  skip_on_hardware ();
  check_sources (device, true);
}

/* OpenGL ES 2 has neither pixel buffers nor fences. */
static void
test_without_buffers (void **state)
{
  (void) state;
  skip_on_hardware ();
  struct egl_device poor = *device;
  poor.es3 = false;
  check_sources (&poor, false);
  assert_int_equal (readback.ring.slots[0].buffer, 0);
}

/* Sizes that end in the middle of a texel, of a chroma sample, or of both. */
static void
test_sizes (void **state)
{
  (void) state;
  skip_on_hardware ();
  for (uint32_t width = 1; width < 18; width++) {
    struct source_spec spec = plain;

    spec.width = width;
    spec.height = 1 + width % 3;
    spec.stride = 128;
    check_all_outputs (device, &spec, false);
  }
}

/* ---- substitutes ---- */

/* Formats that Mesa refuses are imported as four other bytes, and come out byte by byte. */
static void
test_substitutes (void **state)
{
  struct egl_format format;

  (void) state;
  assert_true (
      egl_formats_choose (device, DRM_FORMAT_XRGB8888, DRM_FORMAT_MOD_LINEAR, &format, NULL));
  assert_int_equal (format.fourcc, DRM_FORMAT_XRGB8888);
  skip_on_hardware ();
  assert_true (
      egl_formats_choose (device, DRM_FORMAT_RGBX8888, DRM_FORMAT_MOD_LINEAR, &format, NULL));
  assert_int_equal (format.fourcc, DRM_FORMAT_ARGB8888);
  assert_int_equal (format.channel[0], 3); /* red is the last byte, which that one calls alpha */

  for (unsigned convert = 0; convert < 3; convert++) {
    readback.convert = convert;
    for (unsigned i = 5; i < G_N_ELEMENTS (all_sources); i++) {
      for (unsigned external_only = 0; external_only < 2; external_only++) {
        struct source_spec spec = plain;

        spec.fourcc = all_sources[i];
        check_all_outputs (device, &spec, external_only);
      }
    }
  }
}

/* ---- drivers that fail ---- */

#define REAL(type, name) ((type) eglGetProcAddress (name))

/* One read of the plain source as NV12, which must come out right. */
static void
read_nv12 (void)
{
  QdmabufBuffer *buffer = source_new (&plain);
  struct egl_image *image = import (buffer, false);

  read_and_check (device, buffer, image, DRM_FORMAT_NV12, QDMABUF_COLOR_BT709_FULL);
  egl_image_free (device, image);
  qdmabuf_buffer_unref (buffer);
}

static unsigned n_links;

static void
failing_link (GLuint program, GLenum name, GLint *value)
{
  REAL (PFNGLGETPROGRAMIVPROC, "glGetProgramiv") (program, name, value);
  if (name != GL_LINK_STATUS)
    return;
  n_links++;
  *value = GL_FALSE;
}

static void
test_no_shader (void **state)
{
  PFNGLGETPROGRAMIVPROC saved = epoxy_glGetProgramiv;

  (void) state;
  skip_on_hardware ();
  n_links = 0;
  epoxy_glGetProgramiv = failing_link;
  read_nv12 ();
  read_nv12 ();
  epoxy_glGetProgramiv = saved;
  assert_int_equal (n_links, 1);
  assert_int_equal (n_warnings, 1);
  assert_int_equal (readback.unable[0], DRM_FORMAT_NV12);
}

static GLuint incomplete; /* framebuffers get this many refusals */

static GLenum
refusing_status (GLenum target)
{
  if (incomplete == 0)
    return REAL (PFNGLCHECKFRAMEBUFFERSTATUSPROC, "glCheckFramebufferStatus") (target);
  incomplete--;
  return GL_FRAMEBUFFER_INCOMPLETE_ATTACHMENT;
}

static void
test_no_canvas (void **state)
{
  PFNGLCHECKFRAMEBUFFERSTATUSPROC saved = epoxy_glCheckFramebufferStatus;

  (void) state;
  skip_on_hardware ();
  QdmabufBuffer *buffer = source_new (&plain);
  struct egl_image *image = import (buffer, false);
  epoxy_glCheckFramebufferStatus = refusing_status;
  incomplete = 1;
  read_and_check (device, buffer, image, DRM_FORMAT_NV12, QDMABUF_COLOR_BT709_FULL);
  epoxy_glCheckFramebufferStatus = saved;
  assert_int_equal (incomplete, 0);
  assert_int_equal (n_warnings, 1);
  egl_image_free (device, image);
  qdmabuf_buffer_unref (buffer);
}

/* Too large for this driver's textures is no reason to refuse smaller ones. */
static void
test_too_large (void **state)
{
  (void) state;
  skip_on_hardware ();
  struct egl_device poor = *device;
  QdmabufBuffer *buffer = source_new (&plain);
  struct egl_image *image = import (buffer, false);

  poor.max_size = (GLint) plain.height * 2;
  read_and_check (&poor, buffer, image, DRM_FORMAT_YUV444, QDMABUF_COLOR_BT709_FULL);
  assert_int_equal (readback.canvas.serial, 0);
  read_and_check (&poor, buffer, image, DRM_FORMAT_NV12, QDMABUF_COLOR_BT709_FULL);
  assert_int_equal (readback.canvas.serial, 2);
  assert_int_equal (n_warnings, 0);
  egl_image_free (device, image);
  qdmabuf_buffer_unref (buffer);
}

static void *
failing_map (GLenum target, GLintptr offset, GLsizeiptr length, GLbitfield access)
{
  (void) target;
  (void) offset;
  (void) length;
  (void) access;
  return NULL;
}

static void
test_no_map (void **state)
{
  PFNGLMAPBUFFERRANGEPROC saved = epoxy_glMapBufferRange;

  (void) state;
  skip_on_hardware ();
  epoxy_glMapBufferRange = failing_map;
  read_nv12 ();
  read_nv12 ();
  epoxy_glMapBufferRange = saved;
  assert_true (readback.ring.broken);
  assert_int_equal (n_warnings, 1);
}

static GLboolean
losing_unmap (GLenum target)
{
  REAL (PFNGLUNMAPBUFFERPROC, "glUnmapBuffer") (target);
  return GL_FALSE;
}

static void
test_lost_map (void **state)
{
  PFNGLUNMAPBUFFERPROC saved = epoxy_glUnmapBuffer;

  (void) state;
  skip_on_hardware ();
  epoxy_glUnmapBuffer = losing_unmap;
  read_nv12 ();
  epoxy_glUnmapBuffer = saved;
  assert_true (readback.ring.broken);
}

static GLenum failed_with;

static void
failing_read (GLint x, GLint y, GLsizei width, GLsizei height, GLenum format, GLenum type, void *to)
{
  GLint bound = 0;

  glGetIntegerv (GL_PIXEL_PACK_BUFFER_BINDING, &bound);
  if (bound)
    failed_with = GL_OUT_OF_MEMORY;
  else
    REAL (PFNGLREADPIXELSPROC, "glReadPixels") (x, y, width, height, format, type, to);
}

static GLenum
injected_error (void)
{
  GLenum code = failed_with;

  failed_with = GL_NO_ERROR;
  return code ? code : REAL (PFNGLGETERRORPROC, "glGetError") ();
}

static void
test_no_copy (void **state)
{
  PFNGLREADPIXELSPROC saved_read = epoxy_glReadPixels;
  PFNGLGETERRORPROC saved_error = epoxy_glGetError;

  (void) state;
  skip_on_hardware ();
  epoxy_glReadPixels = failing_read;
  epoxy_glGetError = injected_error;
  read_nv12 ();
  read_nv12 ();
  epoxy_glReadPixels = saved_read;
  epoxy_glGetError = saved_error;
  assert_true (readback.ring.broken);
  assert_int_equal (n_warnings, 1);
}

/* ---- in two steps ---- */

static const struct picture nv12 = { .fourcc = DRM_FORMAT_NV12,
                                     .color = QDMABUF_COLOR_BT709_FULL,
                                     .width = 67,
                                     .height = 45,
                                     .n_planes = 2 };

static struct egl_slot *
begin (struct egl_image *image, bool watched)
{
  struct damage all = damage_whole (plain.width, plain.height);
  GError *error = NULL;
  struct egl_slot *slot =
      egl_readback_begin (&readback, device, image, &all, &nv12, watched, soon (), &error);

  if (!slot)
    fail_msg ("%s", error ? error->message : "there is none");
  return slot;
}

static void
blacken (QdmabufBuffer *buffer)
{
  size_t size = source_size (&plain);
  g_autofree uint8_t *black = g_malloc0 (size);

  assert_int_equal (pwrite (buffer_plane_fd (buffer, 0), black, size, 0), size);
}

/* Three at once, of three pictures; what was begun does not see what the source becomes. */
static void
test_three_at_once (void **state)
{
  struct damage all = damage_whole (plain.width, plain.height);
  QdmabufBuffer *buffers[3];
  struct egl_image *images[3];
  struct picture want[3];
  GLuint names[3] = { 0 };

  (void) state;
  skip_on_hardware ();
  for (unsigned i = 0; i < 3; i++) {
    struct source_spec spec = plain;

    spec.fourcc = all_sources[i * 3];
    buffers[i] = source_new (&spec);
    images[i] = import (buffers[i], false);
    want[i] = planar_new (DRM_FORMAT_NV12, plain.width, plain.height);
    want[i].color = nv12.color;
    convert_here (buffers[i], &all, &want[i]);
  }
  for (unsigned round = 0; round < 3; round++) {
    struct egl_slot *slots[3];

    for (unsigned i = 0; i < 3; i++)
      slots[i] = begin (images[i], false);
    for (unsigned i = 0; i < 3 && round == 2; i++)
      blacken (buffers[i]);
    for (unsigned i = 0; i < 3; i++) {
      struct picture dst = planar_new (DRM_FORMAT_NV12, plain.width, plain.height);

      assert_true (egl_readback_finish (&readback, device, slots[i], &dst, soon (), NULL));
      assert_memory_equal (dst.owner, want[i].owner, planar_size (&dst));
      picture_drop (&dst);
    }
    for (unsigned i = 0; i < EGL_RING_SLOTS; i++) {
      GLuint name = readback.ring.slots[i].buffer;

      assert_true (i < 3 ? name != 0 : name == 0);
      assert_true (i >= 3 || round == 0 || name == names[i]);
      if (i < 3)
        names[i] = name;
    }
  }
  for (unsigned i = 0; i < 3; i++) {
    egl_image_free (device, images[i]);
    qdmabuf_buffer_unref (buffers[i]);
    picture_drop (&want[i]);
  }
}

static void *
wait_elsewhere (void *slot)
{
  egl_slot_wait (slot, soon ());
  return NULL;
}

/* A slot that is watched is free when it was waited for, and finished, in whatever order. */
static void
test_watched (void **state)
{
  (void) state;
  skip_on_hardware ();
  QdmabufBuffer *buffer = source_new (&plain);
  struct egl_image *image = import (buffer, false);
  struct egl_slot *first = begin (image, true);

  assert_true (first->sync != EGL_NO_SYNC_KHR);
  g_thread_join (g_thread_new ("waits", wait_elsewhere, first));
  struct egl_slot *second = begin (image, true);
  assert_ptr_not_equal (first, second);
  assert_true (egl_readback_finish (&readback, device, first, NULL, soon (), NULL));
  assert_true (egl_readback_finish (&readback, device, second, NULL, soon (), NULL));
  struct egl_slot *third = begin (image, false);
  assert_ptr_equal (first, third);
  g_thread_join (g_thread_new ("waits", wait_elsewhere, second));
  struct egl_slot *fourth = begin (image, false);
  assert_ptr_equal (second, fourth);
  assert_true (egl_readback_finish (&readback, device, third, NULL, soon (), NULL));
  assert_true (egl_readback_finish (&readback, device, fourth, NULL, soon (), NULL));
  egl_image_free (device, image);
  qdmabuf_buffer_unref (buffer);
}

/* Who finds no buffer free reads otherwise. */
static void
test_ring_is_full (void **state)
{
  struct egl_slot *slots[EGL_RING_SLOTS];
  struct damage all = damage_whole (plain.width, plain.height);
  GError *error = NULL;

  (void) state;
  skip_on_hardware ();
  QdmabufBuffer *buffer = source_new (&plain);
  struct egl_image *image = import (buffer, false);
  for (unsigned i = 0; i < EGL_RING_SLOTS; i++)
    slots[i] = begin (image, false);
  assert_null (egl_readback_begin (&readback, device, image, &all, &nv12, false, soon (), &error));
  assert_null (error);
  read_and_check (device, buffer, image, DRM_FORMAT_NV12, QDMABUF_COLOR_BT709_FULL);
  for (unsigned i = 0; i < EGL_RING_SLOTS; i++)
    assert_true (egl_readback_finish (&readback, device, slots[i], NULL, soon (), NULL));
  egl_image_free (device, image);
  qdmabuf_buffer_unref (buffer);
}

/* A map that fails is made good from the canvas, unless that was drawn over. */
static void
test_map_fails_late (void **state)
{
  PFNGLMAPBUFFERRANGEPROC saved = epoxy_glMapBufferRange;
  struct picture dst = planar_new (DRM_FORMAT_NV12, plain.width, plain.height);
  struct damage all = damage_whole (plain.width, plain.height);
  g_autoptr (GError) error = NULL;

  (void) state;
  skip_on_hardware ();
  dst.color = nv12.color;
  QdmabufBuffer *buffer = source_new (&plain);
  struct egl_image *image = import (buffer, false);
  struct egl_slot *first = begin (image, false);
  struct egl_slot *second = begin (image, false);
  epoxy_glMapBufferRange = failing_map;
  assert_false (egl_readback_finish (&readback, device, first, &dst, soon (), &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_FAILED));
  assert_true (egl_readback_finish (&readback, device, second, &dst, soon (), NULL));
  epoxy_glMapBufferRange = saved;
  check_picture (&dst, buffer, &all);
  assert_int_equal (n_warnings, 1);
  egl_image_free (device, image);
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
}

/* Nor if the canvas was lost in an attempt to make it larger. */
static void
test_map_fails_without_canvas (void **state)
{
  PFNGLMAPBUFFERRANGEPROC saved_map = epoxy_glMapBufferRange;
  PFNGLCHECKFRAMEBUFFERSTATUSPROC saved_status = epoxy_glCheckFramebufferStatus;
  struct picture dst = planar_new (DRM_FORMAT_NV12, plain.width, plain.height);
  struct picture larger = nv12;
  struct damage all = damage_whole (plain.width, plain.height);
  g_autoptr (GError) error = NULL;

  (void) state;
  skip_on_hardware ();
  dst.color = nv12.color;
  larger.height *= 2;
  QdmabufBuffer *buffer = source_new (&plain);
  struct egl_image *image = import (buffer, false);
  struct egl_slot *slot = begin (image, false);
  epoxy_glCheckFramebufferStatus = refusing_status;
  incomplete = 1;
  assert_null (egl_readback_begin (&readback, device, image, &all, &larger, false, soon (), NULL));
  assert_int_equal (incomplete, 0);
  epoxy_glCheckFramebufferStatus = saved_status;
  epoxy_glMapBufferRange = failing_map;
  assert_false (egl_readback_finish (&readback, device, slot, &dst, soon (), &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_FAILED));
  epoxy_glMapBufferRange = saved_map;
  egl_image_free (device, image);
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
}

static GLenum
hanging_wait (GLsync sync, GLbitfield flags, GLuint64 timeout)
{
  (void) sync;
  (void) flags;
  (void) timeout;
  return GL_TIMEOUT_EXPIRED;
}

static void
expect_lost (GError *error, const char *says)
{
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST));
  assert_non_null (strstr (error->message, says));
  g_error_free (error);
}

static void
test_fences_hang (void **state)
{
  PFNGLCLIENTWAITSYNCPROC saved = epoxy_glClientWaitSync;
  struct picture dst = planar_new (DRM_FORMAT_NV12, plain.width, plain.height);
  struct damage all = damage_whole (plain.width, plain.height);
  GError *error = NULL;

  (void) state;
  skip_on_hardware ();
  QdmabufBuffer *buffer = source_new (&plain);
  struct egl_image *image = import (buffer, false);
  struct egl_slot *slot = begin (image, false);
  epoxy_glClientWaitSync = hanging_wait;
  assert_false (egl_readback_finish (&readback, device, slot, &dst, soon (), &error));
  expect_lost (g_steal_pointer (&error), "did not finish reading in the time allowed");
  assert_null (egl_readback_begin (&readback, device, image, &all, &nv12, false, soon (), &error));
  expect_lost (g_steal_pointer (&error), "did not finish drawing in the time allowed");
  assert_false (egl_readback (&readback, device, image, &all, &dst, soon (), &error));
  expect_lost (g_steal_pointer (&error), "did not finish drawing in the time allowed");
  epoxy_glClientWaitSync = saved;
  egl_image_free (device, image);
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
}

static GLenum
reset_status (void)
{
  return GL_GUILTY_CONTEXT_RESET;
}

static void
test_reset (void **state)
{
  PFNGLGETGRAPHICSRESETSTATUSKHRPROC saved = epoxy_glGetGraphicsResetStatusKHR;
  struct picture dst = planar_new (DRM_FORMAT_NV12, plain.width, plain.height);
  GError *error = NULL;

  (void) state;
  skip_on_hardware ();
  QdmabufBuffer *buffer = source_new (&plain);
  struct egl_image *image = import (buffer, false);
  struct egl_slot *slot = begin (image, false);
  device->robust = true;
  epoxy_glGetGraphicsResetStatusKHR = reset_status;
  assert_false (egl_readback_finish (&readback, device, slot, &dst, soon (), &error));
  epoxy_glGetGraphicsResetStatusKHR = saved;
  expect_lost (error, "reset while mapping a pixel buffer");
  egl_image_free (device, image);
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
}

#define convert_unit_test(f) cmocka_unit_test_setup_teardown (f, set_up, tear_down)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    convert_unit_test (test_through_buffers), convert_unit_test (test_external),
    convert_unit_test (test_without_buffers), convert_unit_test (test_sizes),
    convert_unit_test (test_substitutes),     convert_unit_test (test_no_shader),
    convert_unit_test (test_no_canvas),       convert_unit_test (test_too_large),
    convert_unit_test (test_no_map),          convert_unit_test (test_lost_map),
    convert_unit_test (test_no_copy),         convert_unit_test (test_three_at_once),
    convert_unit_test (test_watched),         convert_unit_test (test_ring_is_full),
    convert_unit_test (test_map_fails_late),
    convert_unit_test (test_map_fails_without_canvas),  convert_unit_test (test_fences_hang),
    convert_unit_test (test_reset),
  };

  if (!warm_up ())
    return 77;
  g_log_set_handler ("qemu-dmabuf", G_LOG_LEVEL_WARNING, count_warning, NULL);
  return cmocka_run_group_tests (tests, NULL, NULL);
}
