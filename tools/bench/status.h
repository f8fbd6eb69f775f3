/* SPDX-License-Identifier: MIT */
/* The numbers that qdmabuf-bench exits with. */
#pragma once

enum status {
  STATUS_OK = 0,
  STATUS_USAGE = 1,   /* the command line cannot be meant */
  STATUS_CONNECT = 2, /* no VM, no console, nobody answers */
  STATUS_MISSED = 3,  /* a bar was missed, or something grew */
  STATUS_FAILED = 4,  /* something that was asked for could not be measured */
  STATUS_WRITE = 5,   /* the output cannot be written */
};
