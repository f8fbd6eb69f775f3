/* SPDX-License-Identifier: MIT */
/* A QEMU of one's own: started, asked, and always ended. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

#include "qmp.h"
#include "serial.h"

struct vm_config {
  const char *qemu;         /* the program */
  const char *machine;      /* -machine */
  const char *accel;        /* -accel; NULL: QEMU's choice */
  const char *device;       /* the display device */
  const char *display;      /* -display: "dbus,p2p=yes" and what follows */
  const char *memory;       /* MiB */
  const char *kernel;       /* NULL: firmware only */
  const char *append;       /* the kernel's command line; with kernel */
  const char *preload;      /* LD_PRELOAD of QEMU; NULL: as here */
  const char *trace;        /* events of -trace, to be read from vm_trace (); NULL: none */
  const char *const *extra; /* more arguments, NULL-terminated; nullable */
};

struct vm;

/* Returns when QEMU is started, which then still has to come up. It is in a process group of its
 * own, so that Ctrl-C does not reach it, and killed with the thread that started it, however that
 * ends. */
struct vm *vm_start (const struct vm_config *config, GError **error);
/* Kills QEMU, waits for it, and removes its files. */
void vm_free (struct vm *vm);
/* Kills QEMU and waits, so that its files are complete. */
void vm_kill (struct vm *vm);

/* "qmp:PATH", for one client at a time. */
const char *vm_address (const struct vm *vm);
/* A pipe with what QEMU traces, which does not block; -1: nothing. Lent. Somebody must read it:
 * QEMU waits when it is full. */
int vm_trace (const struct vm *vm);
/* 0: it ended. */
int vm_pid (const struct vm *vm);
/* A monitor beside that of vm_address (). */
struct qmp *vm_qmp (struct vm *vm);
struct serial *vm_serial (struct vm *vm);
/* The first line that QEMU itself printed so far, no warning if there is another, without its name;
 * else the first of its libraries; printable. NULL: silence. Full transfer. */
char *vm_complaint (const struct vm *vm);
