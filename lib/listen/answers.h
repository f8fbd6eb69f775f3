/* SPDX-License-Identifier: MIT */
/* What we say on a listener's socket: answers, from any thread, that never wait and never pile up.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Bytes that the socket did not take yet. QEMU waits for each answer before it goes on, so whoever
 * has this many on the way does not read them, and would fill our memory. */
#define ANSWERS_MAX_UNSENT (64u << 10)

struct answers;

struct answers *answers_new (int fd); /* lent, until answers_close */
void answers_free (struct answers *answers);
/* Nothing is sent any more; what still waits is forgotten. Any thread, as all below. */
void answers_close (struct answers *answers);
/* error_name: nullable, a good answer. body: nullable, none; as signature says. True: the socket is
 * full, so somebody must call answers_flush when it is not. */
bool answers_send (struct answers *answers, uint32_t serial, const char *error_name,
                   const char *signature, const GByteArray *body);
/* Sends what waits, as far as the socket takes it. True: something still waits. */
bool answers_flush (struct answers *answers);
/* The peer asks and does not read; nothing is sent any more. */
bool answers_are_unread (struct answers *answers);
