/* SPDX-License-Identifier: MIT */
/* A real QEMU for one test: started with a testcard or nothing in it, watched by its serial port,
 * always killed. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

struct vm_config {
  const char *qemu;   /* program; NULL: qemu-system-x86_64 */
  const char *device; /* "virtio-vga", "virtio-vga-gl", "VGA" */
  const char *gl;     /* value of gl=; NULL: off */
  bool no_udmabuf;    /* with gl: without the preload, so that every export fails */
  const char *bus;    /* D-Bus address; NULL: private connections by QMP */
  const char *qmp;    /* path of its QMP socket; NULL: in its folder */
  const char *name;   /* of the VM; NULL: "test" */
  const char *uuid;   /* NULL: QEMU's zeros */
  const char *kernel; /* path; NULL: the testcard */
  const char *initrd;
  const char *append;       /* kernel command line; NULL: no kernel at all, firmware text */
  const char *machine;      /* NULL: pc */
  const char *memory;       /* MiB; NULL: 128 */
  const char *const *extra; /* more arguments, NULL-terminated; nullable */
};

struct vm;

/* Fails the test when QEMU does not start. */
struct vm *vm_start (const struct vm_config *config);
/* Starts and waits for the testcard to have drawn. */
struct vm *vm_start_testcard (const struct vm_config *config);
void vm_stop (struct vm *vm);
/* Waits for a line of the serial port (or of QEMU's messages) that contains text; fails the test
 * after 60 s. */
const char *vm_wait_line (struct vm *vm, const char *text);
/* "qmp:PATH", or the bus address. */
const char *vm_address (struct vm *vm);
const char *vm_dir (struct vm *vm); /* a folder of its own, removed at stop */
/* One QMP command with no arguments; fails the test on an error. Returns the answer's line (full).
 */
char *vm_qmp (struct vm *vm, const char *command);
/* The same with arguments as JSON. */
char *vm_qmp_with (struct vm *vm, const char *command, const char *arguments);
int vm_pid (struct vm *vm);
/* Bytes of memory that QEMU has resident. */
guint64 vm_rss (struct vm *vm);
