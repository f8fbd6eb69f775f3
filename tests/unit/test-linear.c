/* SPDX-License-Identifier: MIT */
/* The back end "linear": every format, flip and crop against a rule of the test's own; memory that
 * goes away; and the order of waiting and cache control on a dma-buf, with the kernel's side of it
 * played by this file. */
#define _GNU_SOURCE
#include "support/fds.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/dma-buf.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "convert/convert.h"
#include "import/backend.h"
#include "support/pictures.h"
#include "support/planar.h"

static struct backend *linear;

static const struct source_spec plain = { .fourcc = DRM_FORMAT_XRGB8888,
                                          .width = 67,
                                          .height = 45,
                                          .stride = 288,
                                          .offset = 4096,
                                          .modifier = DRM_FORMAT_MOD_LINEAR,
                                          .kind = BUFFER_DMABUF };

/* ---- the kernel's side of a dma-buf: what is called, in which order, and what it answers ---- */

static bool playing;
static GString *calls;                     /* a letter each: p poll, s SYNC start, e SYNC end */
static int start_errors[4], end_errors[4]; /* one errno per call, 0 ends */
static unsigned n_start, n_end;

/* Ours stand in for libc's in the whole program. */
int
poll (struct pollfd *fds, nfds_t n, int timeout)
{
  struct timespec time = { .tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000L };

  if (!playing)
    return (int) syscall (SYS_ppoll, fds, n, timeout < 0 ? NULL : &time, NULL, 0);
  g_string_append_c (calls, 'p');
  assert_int_equal (fds->events, POLLIN);
  fds->revents = POLLIN;
  return 1;
}

static int
answer (const int *errors, unsigned *n)
{
  int code = errors[*n];

  if (code == 0)
    return 0;
  (*n)++;
  errno = code;
  return -1;
}

int
ioctl (int fd, unsigned long request, ...)
{
  va_list list;

  va_start (list, request);
  void *argument = va_arg (list, void *);
  va_end (list);
  if (!playing || request != DMA_BUF_IOCTL_SYNC)
    return (int) syscall (SYS_ioctl, fd, request, argument);

  const struct dma_buf_sync *sync = argument;
  bool end = sync->flags & DMA_BUF_SYNC_END;
  assert_true (sync->flags & DMA_BUF_SYNC_READ);
  assert_false (sync->flags & DMA_BUF_SYNC_WRITE);
  g_string_append_c (calls, end ? 'e' : 's');
  return end ? answer (end_errors, &n_end) : answer (start_errors, &n_start);
}

static void
play (void)
{
  playing = true;
  n_start = n_end = 0;
  memset (start_errors, 0, sizeof start_errors);
  memset (end_errors, 0, sizeof end_errors);
  g_string_truncate (calls, 0);
}

/* ---- reading ---- */

static void
check_source (const struct source_spec *spec, uint32_t output, const struct damage *damage)
{
  QdmabufBuffer *buffer = source_new (spec);

  picture_check_read (linear, buffer, BACKEND_SCORE_DIRECT, output, damage, NULL, 0);
  qdmabuf_buffer_unref (buffer);
}

static void
check_everything (enum buffer_kind kind, uint32_t offset)
{
  static const uint32_t sources[] = {
    DRM_FORMAT_XRGB8888, DRM_FORMAT_ARGB8888,    DRM_FORMAT_XBGR8888,   DRM_FORMAT_ABGR8888,
    DRM_FORMAT_RGBX8888, DRM_FORMAT_BGRX8888,    DRM_FORMAT_RGB888,     DRM_FORMAT_BGR888,
    DRM_FORMAT_RGB565,   DRM_FORMAT_XRGB2101010, DRM_FORMAT_XBGR2101010
  };
  static const uint32_t outputs[] = { DRM_FORMAT_XRGB8888, DRM_FORMAT_XBGR8888, DRM_FORMAT_BGR888,
                                      DRM_FORMAT_RGB888 };
  struct damage damage = { .n = 3,
                           .rects = { { 0, 0, 5, 3 }, { 11, 7, 20, 9 }, { 40, 0, 1, 30 } } };

  for (unsigned i = 0; i < G_N_ELEMENTS (sources); i++) {
    for (unsigned j = 0; j < G_N_ELEMENTS (outputs); j++) {
      for (unsigned y0_top = 0; y0_top < (kind == BUFFER_DMABUF ? 2 : 1); y0_top++) {
        struct source_spec spec = plain;

        spec.kind = kind;
        spec.offset = offset;
        spec.fourcc = sources[i];
        spec.y0_top = y0_top;
        check_source (&spec, outputs[j], NULL);
        check_source (&spec, outputs[j], &damage);
        if (kind == BUFFER_DMABUF)
          spec.crop = (struct rect){ 13, 6, 41, 33 };
        check_source (&spec, outputs[j], NULL);
        check_source (&spec, outputs[j], &damage);
      }
    }
  }
}

static void
test_dmabuf (void **state)
{
  (void) state;
  check_everything (BUFFER_DMABUF, 4096);
  check_everything (BUFFER_DMABUF, 4100);
}

static void
test_map (void **state)
{
  (void) state;
  check_everything (BUFFER_MAP, 8200);
}

static void
test_bytes (void **state)
{
  (void) state;
  check_everything (BUFFER_BYTES, 0);
}

static void
read_planar (void *data, const struct damage *damage, const struct picture *dst)
{
  GError *error = NULL;

  if (!picture_read (linear, data, damage, dst, &error))
    fail_msg ("%s", error->message);
}

static void
check_planar (const struct source_spec *spec)
{
  QdmabufBuffer *buffer = source_new (spec);
  struct rect crop = buffer->layout.crop;

  planar_check_read ((uint32_t) crop.width, (uint32_t) crop.height, read_planar, buffer);
  qdmabuf_buffer_unref (buffer);
}

static void
check_all_planar (void)
{
  for (unsigned y0_top = 0; y0_top < 2; y0_top++) {
    struct source_spec spec = plain;

    spec.y0_top = y0_top;
    check_planar (&spec);
    spec.crop = (struct rect){ 13, 6, 41, 33 };
    check_planar (&spec);
    spec.fourcc = DRM_FORMAT_XBGR2101010;
    check_planar (&spec);
  }
}

static void
test_planar (void **state)
{
  (void) state;
  check_all_planar ();
}

static void
with_pread (void (*body) (void))
{
  linear->ops->close (linear);
  g_setenv ("QDMABUF_SIGBUS", "0", TRUE);
  linear = linear_backend_new ();
  g_unsetenv ("QDMABUF_SIGBUS");
  body ();
}

static void
pread_body (void)
{
  struct source_spec spec = plain;

  check_everything (BUFFER_DMABUF, 4100);
  check_everything (BUFFER_MAP, 8200);

  /* More than a strip; rows as long as a strip and longer. */
  spec.height = 3000;
  check_source (&spec, DRM_FORMAT_BGR888, NULL);
  spec.y0_top = true;
  check_source (&spec, DRM_FORMAT_BGR888, NULL);
  spec.height = 9;
  for (spec.stride = 256 * 1024 - 300; spec.stride < 256 * 1024 + 300; spec.stride += 100)
    check_source (&spec, DRM_FORMAT_XRGB8888, NULL);
  spec.stride = 1 << 22;
  check_source (&spec, DRM_FORMAT_XRGB8888, NULL);

  check_all_planar ();
  spec.height = 33;
  for (spec.stride = 20 * 1024 + 4; spec.stride < 400 * 1024; spec.stride += 40 * 1024)
    check_planar (&spec);
}

static void
test_pread (void **state)
{
  (void) state;
  with_pread (pread_body);
}

/* ---- memory that goes away ---- */

/* keep: bytes that the file has left when it is read. */
static void
check_shrunk (const struct source_spec *spec, size_t keep)
{
  QdmabufBuffer *buffer = source_new (spec);
  struct damage all = damage_whole (spec->width, spec->height);
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, spec->width, spec->height, 0);
  g_autofree char *has = g_strdup_printf ("has %zu", keep);
  g_autofree char *needs = g_strdup_printf ("needs %zu", source_size (spec));
  GError *error = NULL;
  void *imported = linear->ops->import (linear, buffer, &error);

  assert_non_null (imported);
  assert_true (linear->ops->read (linear, imported, &all, &dst, picture_deadline (), &error));
  assert_int_equal (ftruncate (buffer_plane_fd (buffer, 0), (off_t) keep), 0);
  assert_false (linear->ops->read (linear, imported, &all, &dst, picture_deadline (), &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_MEMORY));
  if (!strstr (error->message, has) || !strstr (error->message, needs))
    fail_msg ("%s", error->message);
  assert_true (g_atomic_int_get (&buffer->bad));
  g_error_free (error);
  linear->ops->release (linear, imported);
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
}

static void
check_all_shrunk (void)
{
  struct source_spec spec = plain;
  size_t size = source_size (&spec);

  for (unsigned i = 0; i < 3; i++) {
    spec.kind = i == 2 ? BUFFER_MAP : BUFFER_DMABUF;
    spec.y0_top = i == 1;
    check_shrunk (&spec, 4096 + 1000);
    check_shrunk (&spec, 4096);
    check_shrunk (&spec, size - 1); /* inside the last page, where there is no fault */
  }
}

static void
test_shrunk (void **state)
{
  (void) state;
  check_all_shrunk ();
}

static void
test_shrunk_pread (void **state)
{
  (void) state;
  with_pread (check_all_shrunk);
}

/* It shrank and grew again: the mapping was replaced by zeros, which must not pass for a picture.
 */
static void
test_fault_is_remembered (void **state)
{
  QdmabufBuffer *buffer = source_new (&plain);
  struct damage all = damage_whole (plain.width, plain.height);
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
  GError *error = NULL;

  (void) state;
  void *imported = linear->ops->import (linear, buffer, &error);
  assert_int_equal (ftruncate (buffer_plane_fd (buffer, 0), 0), 0);
  assert_false (linear->ops->read (linear, imported, &all, &dst, picture_deadline (), &error));
  g_clear_error (&error);
  assert_int_equal (ftruncate (buffer_plane_fd (buffer, 0), (off_t) source_size (&plain)), 0);
  assert_false (linear->ops->read (linear, imported, &all, &dst, picture_deadline (), &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_MEMORY));
  g_clear_error (&error);
  linear->ops->release (linear, imported);
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
}

/* ---- a dma-buf of the kernel ---- */

static QdmabufBuffer *
dmabuf_new (void)
{
  QdmabufBuffer *buffer = source_new (&plain);

  buffer->memory[0].is_dmabuf = true;
  buffer->memory[0].can_shrink = false;
  return buffer;
}

static void
check_calls (const char *expected, GQuark domain, int code)
{
  QdmabufBuffer *buffer = dmabuf_new ();
  struct damage all = damage_whole (plain.width, plain.height);
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
  g_autoptr (GError) error = NULL;
  bool ok = picture_read (linear, buffer, &all, &dst, &error);

  playing = false;
  assert_string_equal (calls->str, expected);
  assert_int_equal (ok, domain == 0);
  if (ok)
    target_check_buffer (&dst, buffer, &all);
  else
    assert_true (g_error_matches (error, domain, code));
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
}

/* Who drew into it was waited for before. */
static void
test_sync (void **state)
{
  (void) state;
  play ();
  check_calls ("se", 0, 0);

  play ();
  start_errors[0] = EINTR;
  start_errors[1] = EAGAIN;
  end_errors[0] = EINTR;
  end_errors[1] = EAGAIN;
  check_calls ("ssseee", 0, 0);

  play ();
  start_errors[0] = start_errors[1] = ENOTTY; /* nothing to wait for */
  check_calls ("se", 0, 0);

  play ();
  start_errors[0] = EIO;
  check_calls ("s", QDMABUF_ERROR, QDMABUF_ERROR_FAILED);
}

/* An END follows each START, whatever happens in between. */
static void
test_sync_is_balanced (void **state)
{
  QdmabufBuffer *buffer = dmabuf_new ();
  struct damage all = damage_whole (plain.width, plain.height);
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);
  g_autoptr (GError) error = NULL;

  (void) state;
  assert_int_equal (ftruncate (buffer_plane_fd (buffer, 0), 0), 0);
  play ();
  assert_false (picture_read (linear, buffer, &all, &dst, &error));
  playing = false;
  assert_string_equal (calls->str, "se");
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_MEMORY));
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
}

static void
test_no_waiting_for_files (void **state)
{
  QdmabufBuffer *buffer = source_new (&plain);
  struct damage all = damage_whole (plain.width, plain.height);
  struct picture dst = target_new (DRM_FORMAT_XRGB8888, plain.width, plain.height, 0);

  (void) state;
  play ();
  assert_true (picture_read (linear, buffer, &all, &dst, NULL));
  playing = false;
  assert_string_equal (calls->str, "");
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
}

/* ---- scores ---- */

static void
check_refused (QdmabufBuffer *buffer, QdmabufError code, const char *says)
{
  GError *reason = NULL;

  assert_int_equal (linear->ops->score (linear, buffer, &reason), BACKEND_SCORE_NO);
  assert_non_null (reason);
  if (!g_error_matches (reason, QDMABUF_ERROR, (int) code) || !strstr (reason->message, says))
    fail_msg ("refused with code %d: %s", reason->code, reason->message);
  g_error_free (reason);
}

static void
test_tiled_is_refused (void **state)
{
  struct source_spec spec = plain;

  (void) state;
  spec.modifier = I915_FORMAT_MOD_X_TILED;
  QdmabufBuffer *buffer = source_new (&spec);
  check_refused (buffer, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, "X_TILED");
  check_refused (buffer, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, "XR24");
  qdmabuf_buffer_unref (buffer);
}

static void
test_unknown_layout (void **state)
{
  struct source_spec spec = plain;

  (void) state;
  spec.modifier = DRM_FORMAT_MOD_INVALID;
  check_source (&spec, DRM_FORMAT_XRGB8888, NULL); /* ordinary memory is in rows */

  QdmabufBuffer *buffer = source_new (&spec);
  buffer->memory[0].is_dmabuf = true; /* of a driver that /proc does not name */
  check_refused (buffer, QDMABUF_ERROR_UNSUPPORTED_MODIFIER, "XR24");
  buffer->memory[0].is_dmabuf = false;
  buffer->memory[0].size--;
  check_refused (buffer, QDMABUF_ERROR_BAD_LAYOUT, "does not fit");
  qdmabuf_buffer_unref (buffer);
}

/* What the kernel tells of a dma-buf; NULL: nothing. Ours stands in for GLib's. */
static const char *fdinfo;

gboolean
g_file_get_contents (const char *path, char **text, gsize *length, GError **error)
{
  static gboolean (*real) (const char *, char **, gsize *, GError **);

  if (!real)
    real = (gboolean (*) (const char *, char **, gsize *, GError **)) dlsym (RTLD_NEXT,
                                                                             "g_file_get_contents");
  if (!fdinfo || !g_str_has_prefix (path, "/proc/self/fdinfo/"))
    return real (path, text, length, error);
  *text = g_strdup (fdinfo);
  return TRUE;
}

#define FDINFO(exporter) "pos:\t0\nsize:\t16984\ncount:\t3\nexp_name:\t" exporter "\nname:\tx\n"

static int
score_of (uint64_t modifier, const char *info)
{
  struct source_spec spec = plain;

  spec.modifier = modifier;
  QdmabufBuffer *buffer = source_new (&spec);
  buffer->memory[0].is_dmabuf = true;
  fdinfo = info;
  int score = linear->ops->score (linear, buffer, NULL);
  fdinfo = NULL;
  qdmabuf_buffer_unref (buffer);
  return score;
}

/* Memory of a GPU may be uncached, and without a modifier be in any layout. */
static void
test_exporters (void **state)
{
  (void) state;
  assert_int_equal (score_of (DRM_FORMAT_MOD_LINEAR, NULL), BACKEND_SCORE_UNCACHED);
  assert_int_equal (score_of (DRM_FORMAT_MOD_LINEAR, FDINFO ("udmabuf")), BACKEND_SCORE_DIRECT);
  assert_int_equal (score_of (DRM_FORMAT_MOD_LINEAR, FDINFO ("i915")), BACKEND_SCORE_DIRECT);
  assert_int_equal (score_of (DRM_FORMAT_MOD_LINEAR, FDINFO ("amdgpu")), BACKEND_SCORE_UNCACHED);
  assert_int_equal (score_of (DRM_FORMAT_MOD_INVALID, FDINFO ("udmabuf")), BACKEND_SCORE_DIRECT);
  assert_int_equal (score_of (DRM_FORMAT_MOD_INVALID, FDINFO ("system")), BACKEND_SCORE_DIRECT);
  assert_int_equal (score_of (DRM_FORMAT_MOD_INVALID, FDINFO ("systemic")), BACKEND_SCORE_NO);
  assert_int_equal (score_of (DRM_FORMAT_MOD_INVALID, FDINFO ("i915")), BACKEND_SCORE_NO);
  assert_int_equal (score_of (DRM_FORMAT_MOD_INVALID, "exp_name:"), BACKEND_SCORE_NO);
}

static void
test_unknown_output (void **state)
{
  QdmabufBuffer *buffer = source_new (&plain);
  struct damage all = damage_whole (plain.width, plain.height);
  struct picture dst = target_new (DRM_FORMAT_RGBX8888, plain.width, plain.height, 0);
  g_autoptr (GError) error = NULL;

  (void) state;
  assert_false (convert_output_supported (DRM_FORMAT_RGBX8888));
  assert_false (picture_read (linear, buffer, &all, &dst, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_FORMAT));
  assert_non_null (strstr (error->message, "RX24"));
  qdmabuf_buffer_unref (buffer);
  picture_drop (&dst);
}

/* ---- frame of a test ---- */

static int
setup (void **state)
{
  fds_remember (state);
  linear = linear_backend_new ();
  calls = g_string_new (NULL);
  return 0;
}

static int
teardown (void **state)
{
  playing = false;
  linear->ops->close (linear);
  g_string_free (calls, TRUE);
  return fds_check (state);
}

#define linear_unit_test(f) cmocka_unit_test_setup_teardown (f, setup, teardown)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    linear_unit_test (test_dmabuf),
    linear_unit_test (test_map),
    linear_unit_test (test_bytes),
    linear_unit_test (test_planar),
    linear_unit_test (test_pread),
    linear_unit_test (test_shrunk),
    linear_unit_test (test_shrunk_pread),
    linear_unit_test (test_fault_is_remembered),
    linear_unit_test (test_sync),
    linear_unit_test (test_sync_is_balanced),
    linear_unit_test (test_no_waiting_for_files),
    linear_unit_test (test_tiled_is_refused),
    linear_unit_test (test_unknown_layout),
    linear_unit_test (test_exporters),
    linear_unit_test (test_unknown_output),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
