/* SPDX-License-Identifier: MIT */
/* Text, typed on the keyboard of the guest as a hand would on a US layout: for what comes from the
 * clipboard, and for keyboards on glass, which have no keys. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* Of one character, with what the library knows it by; shift: with that key held. false: no key of
 * a US keyboard has it. */
bool text_key (gunichar character, unsigned *qnum, bool *shift);

struct typist;

/* Presses and releases one key. */
typedef void typist_press (void *data, unsigned qnum, bool shift);

struct typist *typist_new (typist_press *press, void *data);
void typist_free (struct typist *typist);
/* Types it behind what it still has to type, some 50 characters each second: a PS/2 keyboard holds
 * 16 bytes, and a guest must have fetched them before more come. What a US keyboard lacks is left
 * out; so is what goes beyond TYPIST_MAX. utf8: valid, size bytes, copied. */
void typist_type (struct typist *typist, const char *utf8, size_t size);
void typist_stop (struct typist *typist);

#define TYPIST_MAX 16384 /* bytes that wait */
