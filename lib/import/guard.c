/* SPDX-License-Identifier: MIT */
/* A process-wide SIGBUS handler over a lock-free registry of fixed size, for a handler may neither
 * lock nor allocate. */
#define _GNU_SOURCE
#include "import/guard.h"

#include <errno.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define HUGETLBFS_MAGIC 0x958458f6

/* `version` is odd while a slot changes hands, so that a handler never sees half of one mapping and
 * half of the next. */
struct slot {
  atomic_uint version;
  atomic_bool taken;
  atomic_uintptr_t start, end;
  atomic_bool bad;
};

/* One handler of ours in the chain. Each has its own predecessor: a handler that was installed
 * between two of them, and calls the one that it found, reaches the older and not itself again. */
struct link {
  bool used; /* guarded by install_lock */
  struct sigaction previous;
  atomic_bool spent; /* a handler that wanted to be called once has been */
};

#define MAX_LINKS 4

static struct slot slots[GUARD_MAX_MAPPINGS];
static struct link links[MAX_LINKS];

/* ---- inside the handler: async-signal-safe only ---- */

static bool
slot_covers (struct slot *slot, uintptr_t address, uintptr_t *start, uintptr_t *end)
{
  unsigned version = atomic_load (&slot->version);

  *start = atomic_load (&slot->start);
  *end = atomic_load (&slot->end);
  return !(version & 1) && atomic_load (&slot->version) == version && address >= *start &&
         address < *end;
}

/* The whole mapping is replaced at once: its picture is lost in any case, and a reader that faulted
 * once per page would cost more than the read. It also is what memory in huge pages allows. */
static bool
cover_fault (uintptr_t address)
{
  uintptr_t start = 0;
  uintptr_t end = 0;

  for (unsigned i = 0; i < GUARD_MAX_MAPPINGS; i++) {
    if (!slot_covers (&slots[i], address, &start, &end))
      continue;
    atomic_store (&slots[i].bad, true);
    void *zero = mmap ((void *) start, end - start, PROT_READ,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    return zero != MAP_FAILED;
  }
  return false;
}

/* What the kernel does with a SIGBUS that nobody handles, with its own account of the reason. */
static void
default_action (int number, siginfo_t *info)
{
  struct sigaction standard = { .sa_handler = SIG_DFL };

  sigaction (number, &standard, NULL);
  syscall (SYS_rt_tgsigqueueinfo, getpid (), (pid_t) syscall (SYS_gettid), number, info);
}

static bool
is_handler (const struct sigaction *action)
{
  return action->sa_flags & SA_SIGINFO ||
         (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

static void
chain (struct link *link, int number, siginfo_t *info, void *context)
{
  const struct sigaction *previous = &link->previous;
  bool sent = info->si_code <= 0; /* by a process, not by a fault */

  if (!is_handler (previous)) {
    /* A fault cannot be ignored, whatever the application asked for. */
    if (!sent || previous->sa_handler == SIG_DFL)
      default_action (number, info);
    return;
  }
  if (previous->sa_flags & (int) SA_RESETHAND && atomic_exchange (&link->spent, true)) {
    default_action (number, info);
    return;
  }
  if (previous->sa_flags & SA_SIGINFO)
    previous->sa_sigaction (number, info, context);
  else
    previous->sa_handler (number);
}

static void
handle (struct link *link, int number, siginfo_t *info, void *context)
{
  int saved = errno;
  bool ours = info->si_code > 0 && cover_fault ((uintptr_t) info->si_addr);

  errno = saved;
  if (!ours)
    chain (link, number, info, context);
}

static void
handle_0 (int number, siginfo_t *info, void *context)
{
  handle (&links[0], number, info, context);
}

static void
handle_1 (int number, siginfo_t *info, void *context)
{
  handle (&links[1], number, info, context);
}

static void
handle_2 (int number, siginfo_t *info, void *context)
{
  handle (&links[2], number, info, context);
}

static void
handle_3 (int number, siginfo_t *info, void *context)
{
  handle (&links[3], number, info, context);
}

static void (*const handlers[MAX_LINKS]) (int, siginfo_t *, void *) = { handle_0, handle_1,
                                                                        handle_2, handle_3 };

/* ---- everywhere else ---- */

static bool
is_ours (const struct sigaction *action)
{
  for (unsigned i = 0; i < MAX_LINKS; i++) {
    if (action->sa_flags & SA_SIGINFO && action->sa_sigaction == handlers[i])
      return true;
  }
  return false;
}

/* An application may put the same handler in place again and again; that takes one link. -1: there
 * are no more. */
static int
link_for (const struct sigaction *current)
{
  for (int i = 0; i < MAX_LINKS; i++) {
    const struct sigaction *previous = &links[i].previous;

    if (!links[i].used)
      return i;
    if (previous->sa_handler == current->sa_handler && previous->sa_flags == current->sa_flags)
      return i;
  }
  return -1;
}

/* The mask and the flags of a handler that was there before are inherited, since it runs inside
 * ours. */
static void
install_link (int index, const struct sigaction *current)
{
  struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };

  if (!links[index].used)
    links[index].previous = *current;
  links[index].used = true;
  atomic_store (&links[index].spent, false);
  sigemptyset (&action.sa_mask);
  if (is_handler (current)) {
    action.sa_mask = current->sa_mask;
    action.sa_flags =
        SA_SIGINFO | (current->sa_flags & (SA_ONSTACK | SA_RESTART | (int) SA_NODEFER));
  }
  action.sa_sigaction = handlers[index];
  sigaction (SIGBUS, &action, NULL);
}

static void
install (void)
{
  static GMutex install_lock;
  struct sigaction current;

  g_mutex_lock (&install_lock);
  sigaction (SIGBUS, NULL, &current);
  int index = is_ours (&current) ? -1 : link_for (&current);
  if (index >= 0)
    install_link (index, &current);
  g_mutex_unlock (&install_lock);
}

bool
guard_allowed (void)
{
  return g_strcmp0 (g_getenv ("QDMABUF_SIGBUS"), "0") != 0;
}

static int
slot_take (void)
{
  for (int i = 0; i < GUARD_MAX_MAPPINGS; i++) {
    bool expected = false;

    if (atomic_compare_exchange_strong (&slots[i].taken, &expected, true))
      return i;
  }
  return -1;
}

static void
slot_set (int index, uintptr_t start, uintptr_t end)
{
  struct slot *slot = &slots[index];

  atomic_fetch_add (&slot->version, 1);
  atomic_store (&slot->start, start);
  atomic_store (&slot->end, end);
  atomic_store (&slot->bad, false);
  atomic_fetch_add (&slot->version, 1);
}

static void
slot_give_back (int index)
{
  slot_set (index, 0, 0);
  atomic_store (&slots[index].taken, false);
}

/* Huge pages can be mapped and unmapped only as a whole. */
static uint64_t
page_size (int fd)
{
  struct statfs status = { 0 };

  if (fstatfs (fd, &status) == 0 && status.f_type == HUGETLBFS_MAGIC && status.f_bsize > 0)
    return (uint64_t) status.f_bsize;
  return (uint64_t) sysconf (_SC_PAGESIZE);
}

/* What a GPU exporter does not let the CPU map, another back end may read, and all of its buffers are
 * alike; a file that cannot be mapped says nothing of the next one. */
static bool
map_failed (int reason, uint64_t size, bool guarded, GError **error)
{
  bool crowded = reason == ENOMEM || reason == EAGAIN || reason == EOVERFLOW;
  int code = guarded ? QDMABUF_ERROR_BAD_MEMORY : QDMABUF_ERROR_NO_BACKEND;

  g_set_error (error, QDMABUF_ERROR, crowded ? QDMABUF_ERROR_LIMIT : code,
               "%" G_GUINT64_FORMAT " bytes of its memory cannot be mapped for the CPU: %s", size,
               g_strerror (reason));
  return false;
}

static bool
map_pages (struct guard_mapping *mapping, int fd, uint64_t offset, uint64_t size, bool guarded,
           GError **error)
{
  uint64_t page = page_size (fd);
  uint64_t skip = offset % page;
  uint64_t length = (skip + size + page - 1) / page * page;

  if (length > PTRDIFF_MAX)
    return map_failed (EOVERFLOW, size, guarded, error);

  void *base = mmap (NULL, (size_t) length, PROT_READ, MAP_SHARED, fd, (off_t) (offset - skip));
  if (base == MAP_FAILED)
    return map_failed (errno, size, guarded, error);
  *mapping = (struct guard_mapping){
    .data = (const uint8_t *) base + skip, .base = base, .length = (size_t) length, .slot = -1
  };
  return true;
}

bool
guard_map (struct guard_mapping *mapping, int fd, uint64_t offset, uint64_t size, bool guarded,
           GError **error)
{
  *mapping = (struct guard_mapping){ .slot = -1 };
  if (!guarded)
    return map_pages (mapping, fd, offset, size, false, error);

  int slot = slot_take ();
  if (slot < 0) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT,
                 "%d pictures are mapped already, which is the limit", GUARD_MAX_MAPPINGS);
    return false;
  }
  if (!map_pages (mapping, fd, offset, size, true, error)) {
    slot_give_back (slot);
    return false;
  }
  install ();
  slot_set (slot, (uintptr_t) mapping->base, (uintptr_t) mapping->base + mapping->length);
  mapping->slot = slot;
  return true;
}

bool
guard_is_bad (const struct guard_mapping *mapping)
{
  return mapping->slot >= 0 && atomic_load (&slots[mapping->slot].bad);
}

/* Out of the registry first: once unmapped, the addresses may be somebody else's. */
void
guard_unmap (struct guard_mapping *mapping)
{
  if (mapping->slot >= 0)
    slot_give_back (mapping->slot);
  if (mapping->base)
    munmap (mapping->base, mapping->length);
  *mapping = (struct guard_mapping){ .slot = -1 };
}
