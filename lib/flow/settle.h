/* SPDX-License-Identifier: MIT */
/* When QEMU's picture is the guest's: pure state, like the inbox.
 *
 * To a new listener QEMU first sends what it remembers: a placeholder before the picture of a
 * running guest, or a standard VGA's screen as it was when somebody last looked. It looks at the
 * guest's memory again at its next refresh, 30 ms later at most, which under gl=on waits for our
 * first answer. Nothing on the wire says when that has happened. But QEMU does all of it in one
 * loop, and answers a question about the console in the same loop: an answer to a question that was
 * asked after the refresh was due comes behind whatever the refresh sent, however slow the machine
 * is. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* QEMU's refresh interval, and a little. */
#define SETTLE_TICK_US 33000
/* The answer overtakes pixels: they come over another socket, and there are more of them. */
#define SETTLE_GRACE_US 15000
/* A QEMU that answers no question is believed after this. */
#define SETTLE_MAX_US G_USEC_PER_SEC

/* A console that has shown nothing this long after the end never will. */
#define SETTLE_SILENCE_US 300000

enum settle_stage {
  SETTLE_REGISTERING, /* asked: answered when all that the registration sends is on its way */
  SETTLE_TICKING,     /* the refresh is due at `due` */
  SETTLE_ASKED,       /* asked after that */
  SETTLE_ASKED_AGAIN, /* the loop may have taken the question before the refresh: not a second time
                       */
  SETTLE_DONE,
};

struct settle {
  enum settle_stage stage;
  int64_t due;
  int64_t end; /* frames are sure from then on, µs of CLOCK_MONOTONIC */
  bool answered;
};

/* Before QEMU is told of the listener: its first picture may be faster than its answer. */
void settle_start (struct settle *settle, int64_t now);
/* QEMU took the listener; the caller must ask QEMU for the console's size now. */
void settle_registered (struct settle *settle, int64_t now);
/* QEMU said the console's size. True: ask for it again now. */
bool settle_heard (struct settle *settle, int64_t now);
/* QEMU was answered its first update: only now the refresh can take place. */
void settle_answered (struct settle *settle, int64_t now);
/* True: the refresh was due, so ask for the console's size now. */
bool settle_tick (struct settle *settle, int64_t now);
/* When the silence of a QEMU that answered all questions becomes remarkable, INT64_MAX: not known.
 */
int64_t settle_silence (const struct settle *settle);
/* When settle_tick will do something, INT64_MAX: never. */
int64_t settle_next (const struct settle *settle);
