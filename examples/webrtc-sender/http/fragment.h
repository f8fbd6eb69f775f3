/* SPDX-License-Identifier: MIT */
/* The body of a trickle PATCH (RFC 8840): candidates for the media sections of an offer. Pure. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* What a fragment refers to. */
struct fragment_offer {
  char *ufrag; /* of the first that the offer names; NULL: none */
  char **mids; /* of its media sections in order, "" where one has none; NULL-terminated */
};

void fragment_offer_read (struct fragment_offer *offer, const char *sdp);
void fragment_offer_clear (struct fragment_offer *offer);

enum fragment_kind {
  FRAGMENT_CANDIDATES, /* some, or the end of them */
  FRAGMENT_RESTART,    /* the peer begins anew with another ufrag */
  FRAGMENT_BAD,        /* anything else */
};

/* For each candidate, without "a="; m_line: the section's number. Lent. */
typedef void (*fragment_candidate) (void *data, unsigned m_line, const char *candidate);

/* Nothing is called unless the whole fragment is good. each: nullable. */
enum fragment_kind fragment_read (const char *text, const struct fragment_offer *offer,
                                  fragment_candidate each, void *data);
