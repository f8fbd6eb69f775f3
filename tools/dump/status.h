/* SPDX-License-Identifier: MIT */
/* The numbers that qdmabuf-dump exits with. */
#pragma once

enum status {
  STATUS_OK = 0,
  STATUS_USAGE = 1,    /* the command line cannot be meant */
  STATUS_CONNECT = 2,  /* no VM, no console, nobody answers */
  STATUS_NO_FRAME = 3, /* connected, but too few frames came in time */
  STATUS_REFUSED = 4,  /* frames are there, but nothing here can read them */
  STATUS_WRITE = 5,    /* the output cannot be written */
};
