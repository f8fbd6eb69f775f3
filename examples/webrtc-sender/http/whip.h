/* SPDX-License-Identifier: MIT */
/* WHIP: a screen pushed to a server, which has it for as many viewers as it likes. */
#pragma once

#include "http/screens.h"
#include "media/codec.h"

struct whip_config {
  const char *url;
  const char *token; /* nullable */
  unsigned console;
  /* As in struct viewer_config: */
  unsigned kbit;
  int codec;
  enum chroma chroma;
  const char *stun;
  const char *const *turn;
};

struct whip;

/* Sends until it is freed: what ends is begun again, after a second at first, later half a minute.
 * Says on stderr how it goes. Config is copied; screens are lent. Main thread. */
struct whip *whip_new (struct screens *screens, const struct whip_config *config);
/* Tells the server (DELETE), 2 s at most. Runs the main context for that. */
void whip_free (struct whip *whip);
