/* SPDX-License-Identifier: MIT */
/* A display peer for tests: speaks QEMU's side of the D-Bus display over socket pairs, as well or
 * as badly as it is told.
 *
 *     struct fake_qemu *fake = fake_new (&(struct fake_options){ .n_consoles = 1 });
 *     peer = peer_open_fd (fake_client_fd (fake), NULL, &error);      or "fd:N" through the public
 * API
 *     ... the library registers a listener ...
 *     assert_true (fake_wait_listeners (fake, 0, 1, 5000));
 *     fake_scanout (fake, 0, 640, 480, 2560, FAKE_XRGB, pixels, 2560 * 480);
 *     unsigned call = fake_update_dmabuf (fake, 0, 0, 0, 640, 480);
 *     assert_true (fake_wait_reply (fake, call, 1000, &us, NULL));
 *     fake_free (fake);
 *
 * It has one thread, which stands still where QEMU's main loop would: from RegisterListener until
 * the listener has authenticated and answered GetAll, calls on the main connection wait. All
 * functions may be called from any thread, but fake_free from one. No function waits longer than
 * the time it is given. console is N of Console_N; calls go to the newest listener of that console.
 * It closes all it opened.
 */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_XRGB 0x20020888u /* pixman's x8r8g8b8: B, G, R, X in memory */

enum fake_fault {
  FAKE_MUTE_AUTH = 1 << 0,  /* never begins to authenticate the main connection; at creation only */
  FAKE_MUTE_CALLS = 1 << 1, /* answers nothing on the main connection */
  FAKE_MUTE_REGISTER = 1 << 2,   /* never answers RegisterListener */
  FAKE_REFUSE_REGISTER = 1 << 3, /* answers it as QEMU 9.1 answers a second listener */
  FAKE_CLOSE_REGISTER = 1 << 4,  /* closes the main connection when RegisterListener comes */
  FAKE_MUTE_LISTENER = 1 << 5,   /* answers it and never authenticates the listener */
  FAKE_CLOSE_LISTENER = 1 << 6,  /* answers it and closes the listener's socket at once */
  FAKE_NO_GET_ALL = 1 << 7,      /* authenticates the listener and asks for no properties */
  FAKE_NO_DISPLAY = 1 << 8,      /* a D-Bus peer without the objects of a display */
  FAKE_CLOSE_CALLS = 1 << 9,     /* closes the main connection at the first call */
};

/* What a console has for input. */
struct fake_devices {
  uint32_t leds;
  bool absolute;
  int32_t touch_slots; /* 0: no interface MultiTouch, as before QEMU 8.1 */
};

struct fake_options {
  unsigned n_consoles;            /* Console_0 … */
  const char *name, *uuid;        /* NULL: "fake", and one of its own */
  unsigned width, height;         /* of all consoles at first; 0: 640×480 */
  struct fake_devices devices[2]; /* of the first consoles */
  unsigned faults;                /* enum fake_fault */
  unsigned register_delay_ms;     /* before RegisterListener is answered */
  unsigned auth_delay_ms;         /* between that answer and the authentication */
};

struct fake_qemu;

struct fake_qemu *fake_new (const struct fake_options *options);
/* The same on QEMU's end of a connection that the client made; takes fd. */
struct fake_qemu *fake_new_on (const struct fake_options *options, int fd);
void fake_free (struct fake_qemu *fake);
/* The client's end of the main connection; lent, the library duplicates it. Closed once it is
 * authenticated. */
int fake_client_fd (struct fake_qemu *fake);
void fake_set_faults (struct fake_qemu *fake, unsigned faults);

/* Whether its thread stands still at the next call on the main connection, as QEMU's main loop does
 * under a debugger: what comes is read and waits. */
void fake_pause (struct fake_qemu *fake, bool paused);
/* Until that many calls on the main connection wait for it. */
bool fake_wait_waiting (struct fake_qemu *fake, unsigned n, unsigned ms);
/* Answers input with an error of that name; NULL: well again. The texts are constants. */
void fake_refuse_input (struct fake_qemu *fake, const char *name, const char *text);

/* ---- the main connection ---- */
/* As when QEMU ends, or another client takes over: listeners live on. */
void fake_close_main (struct fake_qemu *fake);
bool fake_wait_main_closed (struct fake_qemu *fake, unsigned ms); /* by either side */
/* One of the consoles that it was made with goes or comes back, with the signal of the VM. */
void fake_set_present (struct fake_qemu *fake, unsigned console, bool present);
/* New Width and Height, with the signal. */
void fake_set_size (struct fake_qemu *fake, unsigned console, unsigned width, unsigned height);
/* Any new value of any property, by the signal alone. value: floating. */
void fake_set_property (struct fake_qemu *fake, unsigned console, const char *interface,
                        const char *name, GVariant *value);
/* Any signal from any object of the main connection. arguments: a floating tuple. */
void fake_emit (struct fake_qemu *fake, const char *path, const char *interface, const char *signal,
                GVariant *arguments);
/* The next input that came, such as "Console_0 Keyboard.Press (uint32 30,)", with " !" behind it
 * when an answer was expected; NULL: none in time. Full transfer. */
char *fake_wait_input (struct fake_qemu *fake, unsigned ms);

/* ---- listeners ---- */
/* Until n listeners of that console were registered since the beginning, the last one ready for
 * calls. */
bool fake_wait_listeners (struct fake_qemu *fake, unsigned console, unsigned n, unsigned ms);
unsigned fake_n_registered (struct fake_qemu *fake, unsigned console);
bool fake_wait_listener_closed (struct fake_qemu *fake, unsigned console,
                                unsigned ms); /* by either side */
/* What it has in its property Interfaces, separated by spaces. Full transfer. */
char *fake_listener_interfaces (struct fake_qemu *fake, unsigned console);
void fake_close_listener (struct fake_qemu *fake, unsigned console);
/* Bytes straight onto the listener's socket. */
void fake_write_raw (struct fake_qemu *fake, unsigned console, const void *bytes, size_t n);

/* Any call. method: "Scanout" (on the interface that QEMU has it on), or with any interface before
 * the last dot. arguments: floating tuple or NULL. fds: duplicated; sent along whether or not
 * arguments name them. Returns a number for fake_wait_reply when wants_reply, else 0. Never blocks:
 * what the listener does not read is queued. */
unsigned fake_call (struct fake_qemu *fake, unsigned console, const char *method,
                    GVariant *arguments, const int *fds, unsigned n_fds, bool wants_reply);
/* The answer's body (full transfer), or NULL: an error of D-Bus, G_IO_ERROR_TIMED_OUT, or
 * G_IO_ERROR_CLOSED. us: nullable, from the call to the answer. Each answer can be had once. */
GVariant *
fake_wait_reply (struct fake_qemu *fake, unsigned call, unsigned ms, int64_t *us, GError **error);

/* The calls that QEMU makes, with the flags it gives them. data is copied. */
void fake_scanout (struct fake_qemu *fake, unsigned console, uint32_t width, uint32_t height,
                   uint32_t stride, uint32_t pixman, const void *data, size_t size);
void fake_update (struct fake_qemu *fake, unsigned console, int x, int y, int width, int height,
                  uint32_t stride, uint32_t pixman, const void *data, size_t size);
unsigned fake_scanout_map (struct fake_qemu *fake, unsigned console, int fd, uint32_t offset,
                           uint32_t width, uint32_t height, uint32_t stride, uint32_t pixman);
void
fake_update_map (struct fake_qemu *fake, unsigned console, int x, int y, int width, int height);
void fake_scanout_dmabuf (struct fake_qemu *fake, unsigned console, int fd, uint32_t width,
                          uint32_t height, uint32_t stride, uint32_t fourcc, uint64_t modifier,
                          bool y0_top);

struct fake_dmabuf2 {
  int fds[4];
  unsigned n_fds;
  uint32_t x, y, width, height;
  uint32_t offsets[4], strides[4];
  unsigned n_planes; /* of both arrays, and num_planes */
  uint32_t fourcc, backing_width, backing_height;
  uint64_t modifier;
  bool y0_top;
};
void
fake_scanout_dmabuf2 (struct fake_qemu *fake, unsigned console, const struct fake_dmabuf2 *scanout);
unsigned
fake_update_dmabuf (struct fake_qemu *fake, unsigned console, int x, int y, int width, int height);
void fake_disable (struct fake_qemu *fake, unsigned console);
void fake_mouse_set (struct fake_qemu *fake, unsigned console, int x, int y, bool on);
void fake_cursor_define (struct fake_qemu *fake, unsigned console, int width, int height, int hot_x,
                         int hot_y, const void *data, size_t size);

/* Group setup for cmocka: lets GDBus make what it keeps for the life of the process (a thread and
 * its fds), so that fds counted before and after a test can be equal. */
int fake_warm_up (void **state);

/* A memfd of that many bytes, all zero: memory for a map, and what stands in for a DMA-BUF. The
 * caller's. */
int fake_memfd (size_t size);
