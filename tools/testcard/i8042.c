/* SPDX-License-Identifier: MIT */
/* The PS/2 controller with its keyboard and its mouse. Its interrupts only wake the main loop,
 * which reads the bytes. */
#include "input.h"
#include "interrupt.h"
#include "x86.h"

#define DATA 0x60
#define STATUS 0x64  /* read */
#define COMMAND 0x64 /* write */

#define OUTPUT_FULL 0x01
#define INPUT_FULL 0x02
#define FROM_MOUSE 0x20

#define COMMAND_READ_CONFIG 0x20
#define COMMAND_WRITE_CONFIG 0x60
#define COMMAND_DISABLE_MOUSE 0xa7
#define COMMAND_ENABLE_MOUSE 0xa8
#define COMMAND_DISABLE_KEYBOARD 0xad
#define COMMAND_ENABLE_KEYBOARD 0xae
#define COMMAND_TO_MOUSE 0xd4

#define CONFIG_KEYBOARD_INTERRUPT 0x01
#define CONFIG_MOUSE_INTERRUPT 0x02
#define CONFIG_KEYBOARD_OFF 0x10
#define CONFIG_MOUSE_OFF 0x20
#define CONFIG_TRANSLATE 0x40 /* the keyboard's codes into set 1 */

#define DEVICE_SET_LEDS 0xed
#define DEVICE_GET_ID 0xf2
#define DEVICE_SET_RATE 0xf3
#define DEVICE_ENABLE 0xf4
#define DEVICE_DEFAULTS 0xf6
#define DEVICE_ACK 0xfa

#define CAPS_LOCK_KEY 0x3a
#define NUM_LOCK_KEY 0x45
#define SCROLL_LOCK_KEY 0x46
#define PAUSE_KEY 0xc6
#define MAX_TRIES 10000

static bool present;
static uint8_t packet[4];
static uint32_t packet_length;
static uint32_t packet_size = 3; /* 4 for a mouse with a wheel */
static uint8_t held_buttons;
static uint8_t leds;           /* 1 scroll, 2 num, 4 caps lock */
static uint8_t leds_to_follow; /* answers of the keyboard until it has them */

static void
on_interrupt (void)
{
}

static bool
wait_for_room (void)
{
  for (int tries = 0; tries < MAX_TRIES; tries++) {
    if (!(x86_in8 (STATUS) & INPUT_FULL))
      return true;
  }
  return false;
}

static void
send_command (uint8_t command)
{
  if (wait_for_room ())
    x86_out8 (COMMAND, command);
}

static void
send_data (uint8_t byte)
{
  if (wait_for_room ())
    x86_out8 (DATA, byte);
}

/* The next byte, or 0 if none comes. */
static uint8_t
receive (void)
{
  for (int tries = 0; tries < MAX_TRIES; tries++) {
    if (x86_in8 (STATUS) & OUTPUT_FULL)
      return x86_in8 (DATA);
  }
  return 0;
}

static void
drain (void)
{
  for (int i = 0; i < 64 && x86_in8 (STATUS) & OUTPUT_FULL; i++)
    x86_in8 (DATA);
}

static bool
tell_mouse (uint8_t byte)
{
  send_command (COMMAND_TO_MOUSE);
  send_data (byte);
  return receive () == DEVICE_ACK;
}

/* Three sample rates in a row are the question for a wheel; the mouse answers with another id. */
static uint8_t
ask_for_wheel (uint8_t first, uint8_t second, uint8_t third)
{
  const uint8_t rates[] = { first, second, third };

  for (int i = 0; i < 3; i++) {
    if (!tell_mouse (DEVICE_SET_RATE) || !tell_mouse (rates[i]))
      return 0;
  }
  return tell_mouse (DEVICE_GET_ID) ? receive () : 0;
}

static void
start_mouse (void)
{
  if (!tell_mouse (DEVICE_DEFAULTS))
    return;
  if (ask_for_wheel (200, 100, 80) == 3) {
    packet_size = 4;
    ask_for_wheel (200, 200, 80); /* side buttons; without them the packet is the same */
  }
  if (tell_mouse (DEVICE_ENABLE))
    interrupt_connect (12, on_interrupt);
}

static void
start_keyboard (void)
{
  send_data (DEVICE_ENABLE);
  if (receive () == DEVICE_ACK)
    interrupt_connect (1, on_interrupt);
}

void
i8042_init (void)
{
  uint32_t config;

  if (x86_in8 (STATUS) == 0xff)
    return;
  present = true;
  send_command (COMMAND_DISABLE_KEYBOARD);
  send_command (COMMAND_DISABLE_MOUSE);
  drain ();
  send_command (COMMAND_READ_CONFIG);
  config = receive ();
  config |= CONFIG_KEYBOARD_INTERRUPT | CONFIG_MOUSE_INTERRUPT | CONFIG_TRANSLATE;
  config &= ~(uint32_t) (CONFIG_KEYBOARD_OFF | CONFIG_MOUSE_OFF);
  send_command (COMMAND_WRITE_CONFIG);
  send_data ((uint8_t) config);
  send_command (COMMAND_ENABLE_MOUSE);
  start_mouse ();
  send_command (COMMAND_ENABLE_KEYBOARD);
  start_keyboard ();
}

/* The keyboard answers the command, and then the byte that follows it. */
static bool
take_answer (uint8_t byte)
{
  if (leds_to_follow == 0 || byte != DEVICE_ACK)
    return false;
  if (--leds_to_follow == 1)
    send_data (leds);
  return true;
}

static void
switch_leds (uint8_t key)
{
  uint8_t led = key == CAPS_LOCK_KEY ? 4 : key == NUM_LOCK_KEY ? 2 : key == SCROLL_LOCK_KEY ? 1 : 0;

  leds ^= led;
  if (led == 0 || leds_to_follow > 0)
    return;
  leds_to_follow = 2;
  send_data (DEVICE_SET_LEDS);
}

/* Prefix bytes belong to the key that follows; keyboards put shift codes that nobody pressed around
 * some keys. */
static void
take_key_byte (uint8_t byte)
{
  static bool extended;
  static uint32_t pause_bytes;
  uint8_t code = byte & 0x7f;
  bool down = !(byte & 0x80);

  if (byte == 0xe1) {
    pause_bytes = 2;
  } else if (pause_bytes > 0) {
    if (--pause_bytes == 0)
      input_key (PAUSE_KEY, down);
  } else if (byte == 0xe0) {
    extended = true;
  } else {
    if (!extended || (code != 0x2a && code != 0x36))
      input_key (extended ? code | 0x80 : code, down);
    if (!extended && down)
      switch_leds (code);
    extended = false;
  }
}

static void
take_buttons (uint8_t buttons)
{
  uint8_t changed = buttons ^ held_buttons;

  held_buttons = buttons;
  for (uint8_t button = CARD_BUTTON_LEFT; button <= CARD_BUTTON_EXTRA; button <<= 1) {
    if (changed & button)
      input_button (button, buttons & button);
  }
}

static void
take_packet (void)
{
  uint8_t first = packet[0];
  int32_t dx = (int32_t) packet[1] - (first & 0x10 ? 256 : 0);
  int32_t dy = (int32_t) packet[2] - (first & 0x20 ? 256 : 0);
  uint8_t buttons = (first & 1 ? CARD_BUTTON_LEFT : 0) | (first & 2 ? CARD_BUTTON_RIGHT : 0) |
                    (first & 4 ? CARD_BUTTON_MIDDLE : 0);
  int32_t wheel = 0;

  if (packet_size == 4) {
    wheel = packet[3] & 7;
    wheel = packet[3] & 8 ? 8 - wheel : -wheel; /* a four-bit number that counts down */
    buttons |=
        (packet[3] & 0x10 ? CARD_BUTTON_SIDE : 0) | (packet[3] & 0x20 ? CARD_BUTTON_EXTRA : 0);
  }
  if (dx || dy)
    input_move (dx, -dy);
  take_buttons (buttons);
  input_wheel (wheel);
}

static void
take_mouse_byte (uint8_t byte)
{
  if (packet_length == 0 && !(byte & 0x08))
    return; /* not the first byte of a packet: wait for one */
  packet[packet_length++] = byte;
  if (packet_length == packet_size) {
    packet_length = 0;
    take_packet ();
  }
}

void
i8042_poll (void)
{
  uint8_t status = present ? x86_in8 (STATUS) : 0;

  for (; status & OUTPUT_FULL; status = x86_in8 (STATUS)) {
    uint8_t byte = x86_in8 (DATA);

    if (status & FROM_MOUSE)
      take_mouse_byte (byte);
    else if (!take_answer (byte))
      take_key_byte (byte);
  }
}
