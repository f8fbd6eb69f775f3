/* SPDX-License-Identifier: MIT */
/* Counts what the library takes while it should take nothing: heap memory, mappings, file
 * descriptors. Stands in front of the C library, so it is for a program of its own; a sanitizer
 * stands there already (STEADY_POSSIBLE). Include support/fds.h first.
 *
 * Counted are calls on the library's own threads (they are called "qdmabuf-…", a listener's and
 * any other to come as well) and on the thread of steady_begin. A call belongs to the first
 * function on the stack that is neither of GLib nor of the C library: to the library if that is in
 * this program, to nobody here if it is of a driver. */
#pragma once

#include <stdbool.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STEADY_POSSIBLE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STEADY_POSSIBLE 0
#else
#define STEADY_POSSIBLE 1
#endif
#else
#define STEADY_POSSIBLE 1
#endif

#if STEADY_POSSIBLE

#include <dlfcn.h>
#include <elf.h>
#include <execinfo.h>
#include <fcntl.h>
#include <glib.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/symbols.h"

#define STEADY_DEPTH 40
#define STEADY_MAX_TAKEN 256
#define STEADY_MAX_RANGES 512

struct steady_taken {
  const char *what; /* "malloc" */
  uintptr_t where;  /* return address inside the program */
  unsigned n;
};

/* Where code of objects lies, and of which kind it is. */
enum steady_owner { STEADY_PROGRAM, STEADY_BELOW, STEADY_OTHER };
struct steady_range {
  uintptr_t start, end;
  enum steady_owner owner;
};

static struct steady_range steady_ranges[STEADY_MAX_RANGES];
static unsigned steady_n_ranges;
static struct steady_taken steady_taken[STEADY_MAX_TAKEN];
static unsigned steady_n_taken;
static pthread_mutex_t steady_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool steady_watching;
static __thread bool steady_inside; /* what the hooks themselves take */
static __thread bool steady_mine;   /* the thread of steady_begin */

/* ---- whose is it ---- */

static enum steady_owner
steady_owner_of (const char *name, bool first)
{
  static const char *const below[] = { "/libglib-2", "/libgobject-2", "/libgio-2", "/libgmodule-2",
                                       "/libc.so",   "/libpthread",   "/ld-linux", "/libffi" };

  if (first)
    return STEADY_PROGRAM;
  for (size_t i = 0; i < G_N_ELEMENTS (below); i++) {
    if (strstr (name, below[i]))
      return STEADY_BELOW;
  }
  return STEADY_OTHER;
}

static int
steady_add_object (struct dl_phdr_info *info, size_t size, void *data)
{
  bool *first = data;

  (void) size;
  for (unsigned i = 0; i < info->dlpi_phnum && steady_n_ranges < STEADY_MAX_RANGES; i++) {
    const ElfW (Phdr) *part = &info->dlpi_phdr[i];
    uintptr_t start = info->dlpi_addr + part->p_vaddr;

    if (part->p_type == PT_LOAD && part->p_flags & PF_X)
      steady_ranges[steady_n_ranges++] = (struct steady_range){
        start, start + part->p_memsz, steady_owner_of (info->dlpi_name, *first)
      };
  }
  *first = false;
  return 0;
}

static enum steady_owner
steady_find_owner (uintptr_t address)
{
  for (unsigned i = 0; i < steady_n_ranges; i++) {
    if (address >= steady_ranges[i].start && address < steady_ranges[i].end)
      return steady_ranges[i].owner;
  }
  return STEADY_OTHER;
}

static bool
steady_is_watched (void)
{
  char name[16] = "";

  if (steady_mine)
    return true;
  pthread_getname_np (pthread_self (), name, sizeof name);
  return g_str_has_prefix (name, "qdmabuf-") && strcmp (name, "qdmabuf-query") != 0;
}

/* 0: not the library's. The frames of hook, steady_note and this are left out: they are in this
 * program too. */
static uintptr_t __attribute__ ((noinline))
steady_find_taker (void)
{
  void *frames[STEADY_DEPTH];
  int n = backtrace (frames, STEADY_DEPTH);

  for (int i = 3; i < n; i++) {
    uintptr_t address = (uintptr_t) frames[i] - 1;
    enum steady_owner owner = steady_find_owner (address);

    if (owner == STEADY_PROGRAM)
      return address;
    if (owner == STEADY_OTHER)
      return 0;
  }
  return 0;
}

static void
steady_count (const char *what, uintptr_t where)
{
  unsigned i = 0;

  pthread_mutex_lock (&steady_lock);
  while (i < steady_n_taken &&
         (steady_taken[i].where != where || strcmp (steady_taken[i].what, what) != 0))
    i++;
  if (i == steady_n_taken && i < STEADY_MAX_TAKEN)
    steady_taken[steady_n_taken++] = (struct steady_taken){ what, where, 0 };
  if (i < STEADY_MAX_TAKEN)
    steady_taken[i].n++;
  pthread_mutex_unlock (&steady_lock);
}

static void __attribute__ ((noinline))
steady_note (const char *what)
{
  if (!atomic_load (&steady_watching) || steady_inside)
    return;
  steady_inside = true;
  if (steady_is_watched ()) {
    uintptr_t where = steady_find_taker ();

    if (where)
      steady_count (what, where);
  }
  steady_inside = false;
}

/* ---- the hooks ---- */

/* By their names in the object file: headers may have others for them, or macros. */
#define STEADY_HOOK(type, name, parameters) \
  type steady_hook_##name parameters __asm__(#name) __attribute__ ((visibility ("default"))); \
  type steady_hook_##name parameters

void *__libc_malloc (size_t size);
void *__libc_calloc (size_t n, size_t size);
void *__libc_realloc (void *old, size_t size);

STEADY_HOOK (void *, malloc, (size_t size))
{
  void *memory = __libc_malloc (size);

  steady_note ("malloc");
  return memory;
}

STEADY_HOOK (void *, calloc, (size_t n, size_t size))
{
  void *memory = __libc_calloc (n, size);

  steady_note ("calloc");
  return memory;
}

STEADY_HOOK (void *, realloc, (void *old, size_t size))
{
  void *memory = __libc_realloc (old, size);

  steady_note ("realloc");
  return memory;
}

#define STEADY_REAL(name) ((__typeof__ (&name)) dlsym (RTLD_NEXT, #name))

STEADY_HOOK (void *, mmap, (void *at, size_t size, int access, int flags, int fd, off_t offset))
{
  void *memory = STEADY_REAL (mmap) (at, size, access, flags, fd, offset);

  steady_note ("mmap");
  return memory;
}

STEADY_HOOK (int, memfd_create, (const char *name, unsigned flags))
{
  int fd = STEADY_REAL (memfd_create) (name, flags);

  steady_note ("memfd_create");
  return fd;
}

STEADY_HOOK (int, open, (const char *path, int flags, mode_t mode))
{
  int fd = openat (AT_FDCWD, path, flags, mode);

  steady_note ("open");
  return fd;
}

STEADY_HOOK (int, dup, (int old))
{
  int fd = STEADY_REAL (dup) (old);

  steady_note ("dup");
  return fd;
}

STEADY_HOOK (int, fcntl, (int fd, int command, void *argument))
{
  int result = STEADY_REAL (fcntl) (fd, command, argument);

  if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
    steady_note ("fcntl");
  return result;
}

/* ---- for tests ---- */

/* Call first in main: GLib's own heap hides what is taken from it; with this it has none. */
static inline void
steady_prepare (char **argv)
{
  void *frames[1];

  if (!g_getenv ("G_SLICE")) {
    g_setenv ("G_SLICE", "always-malloc", TRUE);
    execv ("/proc/self/exe", argv);
  }
  backtrace (frames, 1); /* loads what it needs */
}

static inline void
steady_begin (void)
{
  bool first = true;

  steady_n_ranges = steady_n_taken = 0;
  dl_iterate_phdr (steady_add_object, &first);
  steady_mine = true;
  atomic_store (&steady_watching, true);
}

static inline void
steady_end (void)
{
  atomic_store (&steady_watching, false);
  steady_mine = false;
}

/* Prints who took what, but for takers of the names in allowed (ends with NULL; nullable), and says
 * how often anybody did. per: what is divided by, so that it reads "for each frame". */
static inline unsigned
steady_report (const char *title, const char *const *allowed, unsigned per)
{
  unsigned total = 0;

  for (unsigned i = 0; i < steady_n_taken; i++) {
    const struct steady_taken *taken = &steady_taken[i];
    g_autofree char *name = symbol_name (taken->where);

    if (allowed && g_strv_contains (allowed, name))
      continue;
    total += taken->n;
    print_message ("%s: %s calls %s %.1f times a frame\n", title, name, taken->what,
                   (double) taken->n / per);
  }
  return total;
}

#endif /* STEADY_POSSIBLE */
