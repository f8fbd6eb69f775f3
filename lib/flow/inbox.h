/* SPDX-License-Identifier: MIT */
/* The inbox: what QEMU has told us and nobody has read yet. Pure state, no threads and no clock of
 * its own, so that every order of calls can be tried in a test; its owner locks it and passes the
 * time in. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

#include "buffer/buffer.h"
#include "buffer/damage.h"
#include "import/stamps.h"

/* A scanout of a DMA-BUF waits this long for its first update or for the next scanout, before it
 * becomes a frame by itself: QEMU sends a placeholder before the picture of a running guest, and no
 * update at all for an idle one. */
#define INBOX_SETTLE_US 20000
/* QEMU (until 11.0) sends Disable at each page flip: a screen is off when nothing came back for
 * this long. */
#define INBOX_DISABLE_US 300000
/* QEMU gives up after 1 s and its guest is blocked until then. */
#define INBOX_REPLY_US 500000
/* QEMU waits for one at a time; who sends more than these without waiting has nothing to lose. */
#define INBOX_MAX_REPLIES 1024u
/* D-Bus carries no larger array, so no inline picture can be larger. */
#define INBOX_MAX_INLINE (64u << 20)

enum inbox_verdict {
  INBOX_QUEUED, /* the update will be read; the inbox owns its reply now */
  INBOX_FULL,   /* the update will be read, but not waited for: too many are. The caller answers. */
  INBOX_NO_SCANOUT, /* nothing to read: QEMU never announced a DMA-BUF. The caller answers. */
  INBOX_STOPPED,    /* the owner's own: it does not ask the inbox any more. The caller answers. */
  INBOX_LOST,       /* QEMU dropped the scanout that this update belongs to. The caller answers, and
                       listens anew. */
};

struct inbox {
  QdmabufBuffer *current; /* newest scanout, nullable */
  unsigned version;       /* of the call that announced it: 0 bytes or map, 1 ScanoutDMABUF, 2
                             ScanoutDMABUF2 */
  bool updated;           /* current had an update of its own */
  bool doubtful;          /* Disable came since */
  struct damage pending;  /* not read yet */
  int64_t due;            /* when pending must be read, INT64_MAX: not by itself */
  int64_t time;           /* of the newest call in pending */
  struct stamps stamps;   /* of the oldest one; of a DMA-BUF that was updated, the oldest update */
  int64_t oldest_reply;   /* arrival of the first of replies */
  GPtrArray *replies;     /* what QEMU waits for; dropping one answers it */
  GPtrArray *spare;       /* empty, for the next work; nullable */
  GDestroyNotify answer;
  int64_t disable_due; /* when the screen counts as off, INT64_MAX: it does not */
  int64_t resize_due;  /* when an inline picture takes the console's size, INT64_MAX: it has it */
  unsigned console_width, console_height; /* as the console's properties say, 0: unknown */
};

/* One read: everything that waits together. */
struct inbox_work {
  QdmabufBuffer *buffer; /* full */
  struct damage damage;
  GPtrArray *replies;   /* full; dropping it answers them all */
  int64_t time;         /* of the newest call that it is for */
  struct stamps stamps; /* of the oldest, which has waited longest: see inbox */
  int64_t deadline;
};

/* answer is called for each reply that the inbox or a work gives up: it sends and frees it. */
void inbox_init (struct inbox *inbox, GDestroyNotify answer);
/* As if nothing had come yet, but for the console's size. The replies that wait: full transfer. */
GPtrArray *inbox_forget (struct inbox *inbox);
void inbox_clear (struct inbox *inbox);

/* Replies to updates of the scanout before, which nobody will read any more, come back to be
 * answered (full; NULL: none). */
GPtrArray *
inbox_scanout (struct inbox *inbox, QdmabufBuffer *buffer, unsigned version, int64_t now);
enum inbox_verdict
inbox_update_dmabuf (struct inbox *inbox, struct rect r, void *reply, int64_t now);
/* Errors, after which the picture is what it was: PROTOCOL (no picture to write into), or the
 * buffer's. *unannounced: the update does not
 * fit the picture that QEMU announced, so the console's size should be asked for again. */
bool inbox_update_pixels (struct inbox *inbox, struct rect r, uint32_t stride, uint32_t fourcc,
                          const uint8_t *pixels, size_t size, int64_t now, bool *unannounced,
                          GError **error);
bool inbox_update_map (struct inbox *inbox, struct rect r, int64_t now, GError **error);
void inbox_disable (struct inbox *inbox, int64_t now);
/* The console's properties say this size. An inline picture follows them, for QEMU announces no
 * size there, but not at once: they come over another socket, and may be older than the picture. */
void inbox_console_size (struct inbox *inbox, unsigned width, unsigned height, int64_t now);

/* The call of that time, which is in the inbox now, was found right at that moment. Without it that
 * was when it was read. */
void inbox_validated (struct inbox *inbox, int64_t time, int64_t validated);

/* Nothing will be read any more: what waits comes back to be answered (full). */
GPtrArray *inbox_give_up (struct inbox *inbox);
/* Is something to be read at this time? */
bool inbox_take (struct inbox *inbox, int64_t now, struct inbox_work *work);
/* Takes the replies of a work, all of them answered and removed: the array is used again. */
void inbox_give_back (struct inbox *inbox, GPtrArray *replies);
/* Has the screen been off for long enough to say so? True once. */
bool inbox_take_disabled (struct inbox *inbox, int64_t now);
/* The read of that time failed for a reason that passes: try again then, though no call comes. */
void inbox_retry (struct inbox *inbox, int64_t when);
/* When one of the two may become true without another call; INT64_MAX: never. */
int64_t inbox_next (const struct inbox *inbox);
