/* SPDX-License-Identifier: MIT */
/* Layouts that cannot be true, with the numbers that a hostile peer would choose, and memory of
 * every kind. */
#define _GNU_SOURCE 1 /* memfd_create, O_PATH */

#include "support/fds.h"

#include <drm_fourcc.h>
#include <fcntl.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "buffer/layout.h"

/* Without a kernel that makes DMA-BUFs, one memfd plays one: fstatfs of libc is replaced in this
 * program. */
static int dmabuf_fd = -1;

int
fstatfs (int fd, struct statfs *buf)
{
  long rc = syscall (SYS_fstatfs, fd, buf);

  if (rc == 0 && fd == dmabuf_fd)
    buf->f_type = 0x444d4142;
  return (int) rc;
}

static struct layout
good_layout (void)
{
  return (struct layout){
    .width = 640,
    .height = 480,
    .crop = { 0, 0, 640, 480 },
    .fourcc = DRM_FORMAT_XRGB8888,
    .modifier = DRM_FORMAT_MOD_LINEAR,
    .n_planes = 1,
    .planes = { { 0, 2560 } },
  };
}

static void
expect_refused (struct layout layout, int code, const char *word)
{
  GError *error = NULL;

  assert_false (layout_check (&layout, &error));
  assert_true (g_error_matches (error, QDMABUF_ERROR, code));
  if (!strstr (error->message, word))
    fail_msg ("“%s” does not say “%s”", error->message, word);
  g_clear_error (&error);
}

#define expect_bad(code, word, ...)   \
  do {                                \
    struct layout l = good_layout (); \
    __VA_ARGS__;                      \
    expect_refused (l, code, word);   \
  } while (0)

static void
test_good (void **state)
{
  struct layout layout = good_layout ();

  (void) state;
  assert_true (layout_check (&layout, NULL));
  assert_int_equal (layout_linear_size (&layout, 0), 640 * 480 * 4);
  layout.planes[0].stride = UINT32_MAX;
  assert_true (layout_check (&layout, NULL));
  assert_true (layout_linear_size (&layout, 0) == UINT64_C (479) * UINT32_MAX + 2560);
  layout = good_layout ();
  layout.width = 16384;
  layout.height = 4096;
  layout.planes[0].stride = 65536;
  assert_true (layout_check (&layout, NULL));
  assert_true (layout_linear_size (&layout, 0) == UINT64_C (1) << 28);
  layout.modifier = I915_FORMAT_MOD_Y_TILED_CCS;
  layout.n_planes = 2;
  layout.planes[1] = (struct layout_plane){ 1 << 20, 64 };
  assert_true (layout_check (&layout, NULL));
}

static void
test_bad_numbers (void **state)
{
  const int bad = QDMABUF_ERROR_BAD_LAYOUT;

  (void) state;
  expect_bad (bad, "empty", l.width = 0);
  expect_bad (bad, "empty", l.height = 0);
  expect_bad (QDMABUF_ERROR_LIMIT, "16384", l.width = 16385);
  expect_bad (QDMABUF_ERROR_LIMIT, "67108864", (l.width = 16384, l.height = 4097));
  expect_bad (QDMABUF_ERROR_LIMIT, "16384", l.height = UINT32_MAX);
  expect_bad (QDMABUF_ERROR_UNSUPPORTED_FORMAT, "NV12", l.fourcc = DRM_FORMAT_NV12);
  expect_bad (QDMABUF_ERROR_UNSUPPORTED_FORMAT, "0x00000000", l.fourcc = 0);
  expect_bad (QDMABUF_ERROR_UNSUPPORTED_FORMAT, "XR4H", l.fourcc = DRM_FORMAT_XRGB16161616F);
  expect_bad (QDMABUF_ERROR_UNSUPPORTED_FORMAT, "AB4H", l.fourcc = DRM_FORMAT_ABGR16161616F);
  expect_bad (bad, "stride of 2559", l.planes[0].stride = 2559);
  expect_bad (bad, "stride of 0", l.planes[0].stride = 0);
  expect_bad (bad, "planes", l.n_planes = 0);
  expect_bad (bad, "planes", l.n_planes = 5);
  expect_bad (bad, "planes", l.n_planes = UINT32_MAX);
  expect_bad (bad, "LINEAR", l.n_planes = 2);
  expect_bad (bad, "show", l.crop.width = 641);
  expect_bad (bad, "show", l.crop.x = 1);
  expect_bad (bad, "show", l.crop.y = -1);
  expect_bad (bad, "show", l.crop.height = 0);
  expect_bad (bad, "show", (l.crop.y = INT32_MAX, l.crop.height = INT32_MAX));
}

static int
memfd (off_t size)
{
  int fd = memfd_create ("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

  assert_true (fd >= 0);
  assert_int_equal (ftruncate (fd, size), 0);
  return fd;
}

/* Checks good_layout with that offset and modifier against fd, closes fd; word NULL: it must pass.
 */
static struct layout_memory
check_fd (int fd, uint32_t offset, uint64_t modifier, const char *word)
{
  struct layout layout = good_layout ();
  struct layout_memory memory;
  GError *error = NULL;
  bool ok = false;

  layout.planes[0].offset = offset;
  layout.modifier = modifier;
  ok = layout_check_fd (&layout, 0, fd, &memory, &error);
  if (fd >= 0)
    close (fd);
  if (word) {
    assert_false (ok);
    assert_true (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT));
    if (!strstr (error->message, word))
      fail_msg ("“%s” does not say “%s”", error->message, word);
  } else if (!ok) {
    fail_msg ("%s", error->message);
  }
  g_clear_error (&error);
  return memory;
}

#define SIZE (640 * 480 * 4)
#define LINEAR DRM_FORMAT_MOD_LINEAR

static void
test_extent (void **state)
{
  (void) state;
  assert_int_equal (check_fd (memfd (SIZE), 0, LINEAR, NULL).size, SIZE);
  check_fd (memfd (SIZE - 1), 0, LINEAR, "1228800 bytes, but the memory has 1228799");
  check_fd (memfd (SIZE + 100), 100, LINEAR, NULL);
  check_fd (memfd (SIZE + 99), 100, LINEAR, "offset 100");
  check_fd (memfd (SIZE), UINT32_MAX, LINEAR, "offset 4294967295");
  check_fd (memfd (0), 0, LINEAR, "empty");
  /* Of a tiled layout only the driver knows the size. */
  check_fd (memfd (4096), 0, I915_FORMAT_MOD_Y_TILED, NULL);
  check_fd (memfd (4096), 4095, DRM_FORMAT_MOD_INVALID, NULL);
  check_fd (memfd (4096), 4096, DRM_FORMAT_MOD_INVALID, "outside");
}

static void
test_access (void **state)
{
  struct layout_memory memory;
  char path[] = "/tmp/test-layout-XXXXXX";
  int fd = mkstemp (path);

  (void) state;
  assert_true (fd >= 0);
  assert_int_equal (ftruncate (fd, SIZE), 0);
  memory = check_fd (fd, 0, LINEAR, NULL);
  assert_true (memory.writable && memory.can_shrink && !memory.is_dmabuf);
  memory = check_fd (open (path, O_RDONLY | O_CLOEXEC), 0, LINEAR, NULL);
  assert_true (!memory.writable && memory.can_shrink);
  check_fd (open (path, O_WRONLY | O_CLOEXEC), 0, LINEAR, "not open for reading");
  check_fd (open (path, O_PATH | O_CLOEXEC), 0, LINEAR, "not open for reading");
  unlink (path);
}

static void
test_seals (void **state)
{
  struct layout_memory memory;
  int fd = memfd (SIZE);

  (void) state;
  memory = check_fd (fcntl (fd, F_DUPFD_CLOEXEC, 3), 0, LINEAR, NULL);
  assert_true (memory.writable && memory.can_shrink);
  assert_int_equal (fcntl (fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
  memory = check_fd (fcntl (fd, F_DUPFD_CLOEXEC, 3), 0, LINEAR, NULL);
  assert_true (memory.writable && !memory.can_shrink);
  assert_int_equal (fcntl (fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
  memory = check_fd (fd, 0, LINEAR, NULL);
  assert_true (!memory.writable && !memory.can_shrink);
}

static void
test_identity (void **state)
{
  struct layout_memory a, b, c;
  int fd = memfd (SIZE);

  (void) state;
  a = check_fd (fcntl (fd, F_DUPFD_CLOEXEC, 3), 0, LINEAR, NULL);
  b = check_fd (fcntl (fd, F_DUPFD_CLOEXEC, 100), 0, LINEAR, NULL);
  c = check_fd (memfd (SIZE), 0, LINEAR, NULL);
  assert_true (a.device == b.device && a.inode == b.inode);
  assert_false (a.device == c.device && a.inode == c.inode);
  close (fd);
}

static void
test_dmabuf (void **state)
{
  struct layout_memory memory;

  (void) state;
  dmabuf_fd = memfd (SIZE);
  memory = check_fd (dmabuf_fd, 0, LINEAR, NULL);
  assert_true (memory.is_dmabuf && memory.writable && !memory.can_shrink);
  assert_int_equal (memory.size, SIZE);
  dmabuf_fd = memfd (SIZE - 1);
  check_fd (dmabuf_fd, 0, LINEAR, "but the memory has 1228799");
  /* One that does not tell its size: the driver may know more, a read by address cannot. */
  dmabuf_fd = memfd (0);
  memory = check_fd (dmabuf_fd, 0, DRM_FORMAT_MOD_INVALID, NULL);
  assert_int_equal (memory.size, 0);
  dmabuf_fd = memfd (0);
  check_fd (dmabuf_fd, 0, LINEAR, "but the memory has 0");
  dmabuf_fd = -1;
}

static void
test_not_memory (void **state)
{
  int pair[2];

  (void) state;
  assert_int_equal (pipe2 (pair, O_CLOEXEC), 0);
  check_fd (pair[0], 0, LINEAR, "a pipe");
  close (pair[1]);
  assert_int_equal (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  check_fd (pair[0], 0, LINEAR, "a socket");
  close (pair[1]);
  check_fd (open ("/", O_RDONLY | O_CLOEXEC), 0, LINEAR, "a directory");
  check_fd (open ("/dev/zero", O_RDWR | O_CLOEXEC), 0, LINEAR, "a character device");
  check_fd (-1, 0, LINEAR, "not open");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_good),   fds_unit_test (test_bad_numbers), fds_unit_test (test_extent),
    fds_unit_test (test_access), fds_unit_test (test_seals),       fds_unit_test (test_identity),
    fds_unit_test (test_dmabuf), fds_unit_test (test_not_memory),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
