/* SPDX-License-Identifier: MIT */
/* What is sent to a page. docs/webrtc.md has the layout of each message. All results: transfer
 * full. */
#pragma once

#include <glib.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdbool.h>
#include <stdint.h>

/* A picture larger than this, in pixels either way, is not sent: the page shows its own pointer. */
#define CURSOR_SIZE_MAX 512
/* Of pixels in one message, so that it is not longer than what any browser takes. */
#define CURSOR_BYTES_MAX 61440

enum vm_state { VM_CONNECTED, VM_WAITING, VM_OFF };
enum control_state { CONTROL_NOBODY, CONTROL_YOU, CONTROL_ANOTHER };

/* number: of this seat. */
GBytes *message_hello (bool may_control, unsigned number);
/* A band of rows: the first rows of rgba, n_rows of them, are row and those below. */
GBytes *message_cursor_band (uint16_t width, uint16_t height, int16_t hot_x, int16_t hot_y,
                             uint16_t row, uint16_t n_rows, const uint8_t *rgba);
GBytes *message_cursor_place (bool visible, int x, int y);
GBytes *message_leds (unsigned leds);
GBytes *message_pointer (bool absolute, unsigned touch_slots);
/* 0 × 0: the console shows nothing. */
GBytes *message_size (unsigned width, unsigned height);
/* holder: number of the seat that has control; n_seats: how many watch, this one too. */
GBytes *message_control (enum control_state state, unsigned holder, unsigned n_seats);
GBytes *message_vm (enum vm_state state);
/* time_us: CLOCK_MONOTONIC. */
GBytes *message_pong (uint32_t stamp, int64_t time_us);

/* The whole picture of a cursor, in as many messages as it needs: elements of the type GBytes. */
GPtrArray *messages_of_cursor (QdmabufCursor *cursor);
