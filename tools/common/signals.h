/* SPDX-License-Identifier: MIT */
/* The signals by which a user ends a program. */
#pragma once

/* Has handler called for SIGINT, SIGTERM and SIGHUP, each once; after that they end the program.
 * What the parent ignores, as under nohup, stays ignored. */
void signals_catch_once (void (*handler) (int number));
