/* SPDX-License-Identifier: MIT */
/* What a page sends: bytes of a data channel, and the event that they say. docs/webrtc.md has the
 * layout of each message. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  INPUT_QNUM_MAX = 0xff,
  INPUT_BUTTON_MAX = 8,  /* wheel right; the order is that of qdmabuf_console_send_button() */
  INPUT_WHEEL_MAX = 16,  /* steps in one message */
  INPUT_SLOT_MAX = 31,   /* of touches */
  INPUT_HELD_MAX = 32,   /* keys in one list of those that are held */
  INPUT_TEXT_MAX = 1024, /* bytes in one message */
  INPUT_RESIZE_MIN = 64, /* pixels */
  INPUT_RESIZE_MAX = 8192,
};

enum input_kind {
  INPUT_KEY,
  INPUT_BUTTON,
  INPUT_WHEEL,
  INPUT_TOUCH,
  INPUT_TEXT,
  INPUT_RESIZE,
  INPUT_PING,
  INPUT_KEY_FRAME,
  INPUT_RELEASE,
  INPUT_TAKE,
  INPUT_HELD,
  INPUT_MOTION,
};

/* Where the pointer is. Of two places the one with the higher seq is newer, modulo 2^32. */
struct place {
  bool absolute;
  uint32_t seq;
  uint32_t x, y; /* absolute: pixels; else the sum of all motion so far, modulo 2^32 */
};

struct input_event {
  enum input_kind kind;
  struct place place; /* of BUTTON, WHEEL and MOTION */
  union {
    struct {
      uint16_t qnum; /* 1 to INPUT_QNUM_MAX */
      bool down;
    } key;
    struct {
      uint8_t button; /* at most INPUT_BUTTON_MAX */
      bool down;
    } button;
    struct {
      int8_t dx, dy; /* steps, to the right and downwards */
    } wheel;
    struct {
      uint8_t kind;  /* as QdmabufTouch */
      uint8_t slot;  /* at most INPUT_SLOT_MAX */
      uint32_t x, y; /* 1/256 pixel */
    } touch;
    struct {
      const char *utf8; /* valid UTF-8 without a NUL; lent by the message, not terminated */
      size_t size;      /* 1 to INPUT_TEXT_MAX bytes */
    } text;
    struct {
      uint16_t width, height;       /* pixels, from INPUT_RESIZE_MIN to INPUT_RESIZE_MAX */
      uint16_t width_mm, height_mm; /* 0: unknown */
    } resize;
    struct {
      uint32_t stamp; /* the page's own */
    } ping;
    struct {
      uint32_t touches; /* a bit for each slot */
      uint16_t buttons; /* a bit for each button */
      uint8_t n_keys;
      uint16_t qnums[INPUT_HELD_MAX];
    } held;
  };
};

enum input_verdict {
  INPUT_GOOD,
  INPUT_UNKNOWN, /* an opcode of another time; to be ignored */
  INPUT_BAD,     /* another length than it must have, or a value out of its range */
};

/* Any bytes at all. event: filled in when GOOD. */
enum input_verdict input_read (const uint8_t *bytes, size_t size, struct input_event *event);
/* Is it newer than that? */
bool place_is_newer (uint32_t seq, uint32_t than);
