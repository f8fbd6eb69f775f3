/* SPDX-License-Identifier: MIT */
/* Programs that a test starts, a folder for their sockets, a message bus and idle VMs. Each dies
 * with the test, whatever happens to it, and open fds are counted around all of it. */
#pragma once

#include <gio/gio.h>

/* Around each test: process_test (test). */
int processes_setup (void **state);
int processes_teardown (void **state);
#define process_test(f) cmocka_unit_test_setup_teardown (f, processes_setup, processes_teardown)

/* Lent until the teardown. */
GSubprocess *processes_start (const char *const *arguments, GSubprocessFlags flags);
void processes_stop (GSubprocess *process);
/* A path in the test's folder. Full transfer. */
char *processes_path (const char *name);
/* A message bus; returns when it listens. */
void processes_start_bus (void);
const char *processes_bus (void); /* its address */
/* A VM that is stopped, so that what it shows does not change. display: of -display; its QMP socket
 * is `name`.qmp in the folder. Returns at once. */
GSubprocess *
processes_start_vm (const char *name, const char *uuid, const char *display, const char *vga);
