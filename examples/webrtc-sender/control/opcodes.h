/* SPDX-License-Identifier: MIT */
/* First bytes of messages. New ones come at the end: who does not know one ignores it. */
#pragma once

#define PROTOCOL_VERSION 1

/* From the page. */
enum input_opcode {
  OP_KEY = 0x01,
  OP_BUTTON = 0x02,
  OP_WHEEL = 0x03,
  OP_TOUCH = 0x04,
  OP_TEXT = 0x05,
  OP_RESIZE = 0x06,
  OP_PING = 0x07,
  OP_KEY_FRAME = 0x08,
  OP_RELEASE = 0x09,
  OP_TAKE = 0x0a,
  OP_HELD = 0x0b,
  OP_MOTION = 0x0c,
};

/* To the page. */
enum message_opcode {
  OP_HELLO = 0x81,
  OP_CURSOR_IMAGE = 0x82,
  OP_CURSOR_PLACE = 0x83,
  OP_LEDS = 0x84,
  OP_POINTER = 0x85,
  OP_SIZE = 0x86,
  OP_CONTROL = 0x87,
  OP_VM = 0x88,
  OP_PONG = 0x89,
};
