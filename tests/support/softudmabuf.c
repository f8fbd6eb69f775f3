/* SPDX-License-Identifier: MIT */
/*
 * softudmabuf.so: a preload that gives one process a /dev/udmabuf made of memfds.
 *
 * Mesa's software rasterizer exports a texture as a DMA-BUF by asking /dev/udmabuf to wrap a memfd.
 * Where the kernel has no such device, QEMU's gl=on starts and then exports nothing. With
 *
 *     LD_PRELOAD=softudmabuf.so qemu-system-x86_64 -display dbus,gl=on,rendernode=/dev/null ...
 *
 * opening /dev/udmabuf succeeds in that process and UDMABUF_CREATE answers with a duplicate of the
 * memfd. The receiver can map what it gets like a linear DMA-BUF; the ioctls of a real one
 * (DMA_BUF_IOCTL_SYNC and the like) fail on it with ENOTTY.
 *
 * What is as in the kernel: the checks of the seals, of the alignment and of the size, with the
 * same errors; the result lives on when the memfd and the device are closed; close-on-exec follows
 * the flags. What is not: a file descriptor cannot begin or end in the middle of a memfd, so only
 * all of it can be wrapped (anything else is EINVAL), and UDMABUF_CREATE_LIST is ENOTTY for the
 * same reason. Only the absolute path is intercepted. A real device, if there is one, is hidden.
 *
 * There is no state: an opened device is a sealed memfd with a known content, and an ioctl looks at
 * what the file descriptor is now. So threads, forks, several opens, and a number that was closed
 * and given to something else need no care.
 */

/* These two turn open() into an inline function or into another name; both are defined here. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Newer than the oldest libc headers this builds with. */
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

#define EXPORT __attribute__ ((visibility ("default")))
#define DEVICE_PATH "/dev/udmabuf"
#define DEVICE_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static const char device_content[] = "softudmabuf device 5d0f4b7e-93c1-4f0a-8a61-2c7d64f1e0b9";

typedef int (*OpenFunc) (const char *path, int flags, ...);
typedef int (*OpenAtFunc) (int dir_fd, const char *path, int flags, ...);
typedef int (*IoctlFunc) (int fd, unsigned long request, ...);

/* glibc's own entry points for calls compiled with _FORTIFY_SOURCE; its headers hide them. */
int __open_2 (const char *path, int flags);
int __open64_2 (const char *path, int flags);
int __openat_2 (int dir_fd, const char *path, int flags);
int __openat64_2 (int dir_fd, const char *path, int flags);

static bool
is_device_path (const char *path, int flags)
{
  /* Neither of these two asks for the device itself. */
  return path && strcmp (path, DEVICE_PATH) == 0 && !(flags & (O_PATH | O_DIRECTORY));
}

static bool
has_mode (int flags)
{
  return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

/* A new device: one memfd per open, as each open of a real node is a file of its own. */
static int
open_device (int flags)
{
  unsigned int cloexec = (flags & O_CLOEXEC) ? MFD_CLOEXEC : 0;
  int fd = memfd_create ("softudmabuf", MFD_ALLOW_SEALING | cloexec);

  if (fd < 0)
    return -1;

  ssize_t written = write (fd, device_content, sizeof device_content);
  if (written != (ssize_t) sizeof device_content || fcntl (fd, F_ADD_SEALS, DEVICE_SEALS) < 0) {
    close (fd);
    errno = ENODEV;
    return -1;
  }

  return fd;
}

/* The seals come first: nothing but a memfd has them, so nothing but a memfd is ever read. */
static bool
is_device (int fd)
{
  char content[sizeof device_content];

  if (fcntl (fd, F_GET_SEALS) != DEVICE_SEALS)
    return false;

  ssize_t got = pread (fd, content, sizeof content, 0);
  return got == (ssize_t) sizeof content && memcmp (content, device_content, sizeof content) == 0;
}

/* 0, or the errno that the kernel's udmabuf (or the limits named above) give. */
static int
check_request (const struct udmabuf_create *request)
{
  int seals = fcntl ((int) request->memfd, F_GET_SEALS);
  uint64_t page_mask = (uint64_t) sysconf (_SC_PAGESIZE) - 1;
  struct stat st;

  if (seals < 0 || fstat ((int) request->memfd, &st) < 0)
    return EBADFD;
  if (!(seals & F_SEAL_SHRINK) || (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
    return EINVAL;
  if (request->size == 0 || (request->size & page_mask))
    return EINVAL;
  if (request->offset != 0 || request->size != (uint64_t) st.st_size)
    return EINVAL;

  return 0;
}

static int
create_buffer (const struct udmabuf_create *request)
{
  int error = request ? check_request (request) : EFAULT;

  if (error) {
    errno = error;
    return -1;
  }

  bool cloexec = request->flags & UDMABUF_FLAGS_CLOEXEC;
  return fcntl ((int) request->memfd, cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, 0);
}

/* The functions that are called without this preload. */
enum next_func {
  OPEN,
  OPEN64,
  OPENAT,
  OPENAT64,
  OPEN_2,
  OPEN64_2,
  OPENAT_2,
  OPENAT64_2,
  IOCTL,
  N_FUNCS
};

static const char *const next_names[N_FUNCS] = {
  [OPEN] = "open",           [OPEN64] = "open64",           [OPENAT] = "openat",
  [OPENAT64] = "openat64",   [OPEN_2] = "__open_2",         [OPEN64_2] = "__open64_2",
  [OPENAT_2] = "__openat_2", [OPENAT64_2] = "__openat64_2", [IOCTL] = "ioctl",
};

/* Remembered, as KVM calls ioctl for each exit of the guest. Two threads find the same thing. */
static void *
next (enum next_func which)
{
  static _Atomic (void *) found[N_FUNCS];
  void *func = atomic_load_explicit (&found[which], memory_order_acquire);

  if (!func) {
    func = dlsym (RTLD_NEXT, next_names[which]);
    atomic_store_explicit (&found[which], func, memory_order_release);
  }

  return func;
}

/* Early, so that a child between fork and exec never has to enter the dynamic linker. Another
 * library's constructor may still be first: next() does not depend on this. */
__attribute__ ((constructor)) static void
find_all (void)
{
  for (enum next_func which = OPEN; which < N_FUNCS; which++)
    next (which);
}

static int
open_any (enum next_func which, const char *path, int flags, mode_t mode)
{
  if (is_device_path (path, flags))
    return open_device (flags);

  OpenFunc next_open = (OpenFunc) next (which);
  return next_open (path, flags, mode);
}

static int
openat_any (enum next_func which, int dir_fd, const char *path, int flags, mode_t mode)
{
  if (is_device_path (path, flags))
    return open_device (flags);

  OpenAtFunc next_openat = (OpenAtFunc) next (which);
  return next_openat (dir_fd, path, flags, mode);
}

static mode_t
take_mode (int flags, va_list args)
{
  return has_mode (flags) ? va_arg (args, mode_t) : 0;
}

EXPORT int
open (const char *path, int flags, ...)
{
  va_list args;
  va_start (args, flags);
  mode_t mode = take_mode (flags, args);
  va_end (args);
  return open_any (OPEN, path, flags, mode);
}

EXPORT int
open64 (const char *path, int flags, ...)
{
  va_list args;
  va_start (args, flags);
  mode_t mode = take_mode (flags, args);
  va_end (args);
  return open_any (OPEN64, path, flags, mode);
}

EXPORT int
openat (int dir_fd, const char *path, int flags, ...)
{
  va_list args;
  va_start (args, flags);
  mode_t mode = take_mode (flags, args);
  va_end (args);
  return openat_any (OPENAT, dir_fd, path, flags, mode);
}

EXPORT int
openat64 (int dir_fd, const char *path, int flags, ...)
{
  va_list args;
  va_start (args, flags);
  mode_t mode = take_mode (flags, args);
  va_end (args);
  return openat_any (OPENAT64, dir_fd, path, flags, mode);
}

EXPORT int
__open_2 (const char *path, int flags)
{
  return open_any (OPEN_2, path, flags, 0);
}

EXPORT int
__open64_2 (const char *path, int flags)
{
  return open_any (OPEN64_2, path, flags, 0);
}

EXPORT int
__openat_2 (int dir_fd, const char *path, int flags)
{
  return openat_any (OPENAT_2, dir_fd, path, flags, 0);
}

EXPORT int
__openat64_2 (int dir_fd, const char *path, int flags)
{
  return openat_any (OPENAT64_2, dir_fd, path, flags, 0);
}

EXPORT int
ioctl (int fd, unsigned long request, ...)
{
  va_list args;
  va_start (args, request);
  void *argument = va_arg (args, void *);
  va_end (args);

  if (request == UDMABUF_CREATE && is_device (fd))
    return create_buffer (argument);

  IoctlFunc next_ioctl = (IoctlFunc) next (IOCTL);
  return next_ioctl (fd, request, argument);
}
