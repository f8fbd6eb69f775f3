/* SPDX-License-Identifier: MIT */
/* The state that the files of one flow share: flow.c, work.c and lend.c (convert thread),
 * incoming.c (listener thread), registration.c. */
#pragma once

#include "deliver/lender.h"
#include "deliver/timings.h"
#include "flow/flow.h"
#include "flow/inbox.h"
#include "flow/settle.h"
#include "listen/warnings.h"

struct flow_figures {
  uint64_t frames, dropped, warnings, replies;
  uint64_t scanouts, updates, registrations;
  int64_t first_frame;             /* µs from start to the first frame, 0: none yet */
  struct timings reply;            /* UpdateDMABUF read from the socket → answered */
  struct timings stages[N_STAGES]; /* of frames: call read from the socket → there */
};

struct flow {
  unsigned console;
  struct flow_config config;
  struct flow_handler handler;
  void *data;
  GThread *thread;
  GCancellable *cancellable; /* ends a registration when the flow stops */
  struct reader *reader;     /* convert thread only, but for its mailbox */
  unsigned retries;          /* convert thread only: reads tried again since the last frame */
  QdmabufBuffer *refused;    /* convert thread only: nobody can read it, and that was said */
  struct lender *lender;     /* what frames that lend hold back */
  struct listener *listener; /* starter's thread, then convert thread only */
  int64_t started;

  GMutex lock; /* guards all below */
  GCond wake;  /* for the convert thread */
  bool stopping;
  bool starting; /* the starter's thread owns the listener */
  struct inbox inbox;
  QdmabufCursor *cursor;
  bool listening;      /* the listener's socket is open */
  bool lost;           /* over, or parked */
  bool resumed;        /* since the last registration began */
  int64_t register_at; /* when to listen anew, INT64_MAX: no need */
  int64_t registered;  /* when it was last done */
  struct settle settle;
  bool shown;             /* a scanout came over this registration */
  unsigned quiet_losses;  /* registrations lost in a row before any call came */
  unsigned scanouts_lost; /* since the start */
  bool told_no_scanout, told_scanout_lost;
  struct warnings warned;
  struct flow_figures stats;
};

extern const struct listener_handler flow_incoming;

/* That QEMU has nothing to show, and the cure. Full transfer. */
GError *flow_no_scanout (void);
/* Says it to the application, but at most once a second for each code. No lock held. */
void flow_warn (struct flow *flow, const GError *error);
/* The same with no limit, for those who have their own. */
void flow_pass_warning (struct flow *flow, const GError *error);

/* Hands a frame on. stamps: all that it has but DELIVERED. Convert thread, no lock held. Takes
 * frame. */
void flow_publish (struct flow *flow, struct stamps *stamps, QdmabufFrame *frame);
/* Adds how long after the call was read each stage of one frame was reached. stages: N_STAGES. */
void flow_note_stamps (struct timings *stages, const struct stamps *stamps);
/* Reads, or begins to. Convert thread, no lock held. Takes what work has. */
void flow_read (struct flow *flow, struct inbox_work *work);
/* The oldest of what was begun. doubtful (nullable): the work that it was begun for, if that may
 * have been about a placeholder. Convert thread, no lock held. */
void flow_finish (struct flow *flow, const struct inbox_work *doubtful);
/* Is the application to read this buffer itself? */
bool flow_lends (const struct flow *flow, const QdmabufBuffer *buffer);
/* Convert thread, no lock held. Takes what work has. */
void flow_lend (struct flow *flow, struct inbox_work *work);
/* Answers for the frames whose time is over. Convert thread, no lock held. */
void flow_end_loans (struct flow *flow, int64_t now);

/* What settle functions returned, with the lock released: asks QEMU, and tells the mailbox how long
 * frames are unsure. */
void flow_settle (struct flow *flow, bool ask, int64_t end);
/* peer_refresh_size, if there is a peer. */
void flow_refresh_size (struct flow *flow);
/* Makes a socket pair, a listener on one end, and gives the other to QEMU. */
bool flow_register (struct flow *flow, GCancellable *cancellable, GError **error);
/* With the lock held: listen anew, but not oftener than twice a second. */
void flow_want_registration (struct flow *flow, int64_t now);
int64_t flow_registration_time (struct flow *flow);
bool flow_registration_due (struct flow *flow, int64_t now); /* true once for each wish */
/* Convert thread, no lock held. */
void flow_register_again (struct flow *flow);
