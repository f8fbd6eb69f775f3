/* SPDX-License-Identifier: MIT */
/* Which QEMU belongs to this processor, and what its display devices are called there. */
#pragma once

struct machine {
  const char *architecture; /* as uname calls it */
  const char *program;      /* QEMU's name in PATH */
  const char *machine;      /* -machine */
  const char *plain_device; /* a display that shows something with no guest */
  const char *gpu_device;   /* virtio-gpu, for gl=off */
  const char *gl_device;    /* virtio-gpu with OpenGL, for gl=on */
};

/* Never NULL: for a processor that is not known, the x86 one, which QEMU can emulate everywhere. */
const struct machine *machine_of_host (void);
/* The one that the testcard is a guest of, whatever the processor: QEMU emulates it. */
const struct machine *machine_of_testcard (void);
