/* SPDX-License-Identifier: MIT */
/* What those who answer requests share. */
#pragma once

#include "http/access.h"
#include "http/budget.h"
#include "http/screens.h"
#include "http/session.h"

/* All lent. */
struct service {
  const struct access *access;
  struct screens *screens; /* NULL: there is no VM yet */
  struct sessions *sessions;
  struct budget budget;     /* of new sessions */
  const char *const *links; /* STUN and TURN servers, as values of Link; NULL-terminated */
};

/* A request after what is the same for all of them was looked at. */
struct request {
  const char *path; /* behind the part that chose who answers */
  enum access_right right;
  const char *body; /* may hold any bytes; a NUL follows */
  size_t size;
  bool too_large; /* there was more, which is lost */
};
