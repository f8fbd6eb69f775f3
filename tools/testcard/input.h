/* SPDX-License-Identifier: MIT */
/* What the user does: gathered from all input devices, logged, and kept as the picture shows it. */
#ifndef TESTCARD_INPUT_H
#define TESTCARD_INPUT_H

#include "card.h"

/* Starts the PS/2 controller and every virtio input device. */
void input_init (void);

/* Size of head 0, which pointers refer to. */
void input_set_size (int32_t width, int32_t height);

/* Takes all events that have come. */
void input_poll (void);

/* The state after the events so far. */
const CardInput *input_state (void);

/* For the device drivers. key: as in CardInput. */
void input_key (uint8_t key, bool down);
void input_button (uint8_t button, bool down);             /* one CARD_BUTTON_* */
void input_wheel (int32_t steps);                          /* up is positive */
void input_move (int32_t dx, int32_t dy);                  /* pixels, right and down are positive */
void input_place (uint32_t x, uint32_t y, uint32_t range); /* 0 to range covers the head */

/* PS/2 keyboard and mouse. */
void i8042_init (void);
void i8042_poll (void);

/* virtio-keyboard, virtio-mouse and virtio-tablet. */
void virtio_input_init (void);
void virtio_input_poll (void);

#endif
