/* SPDX-License-Identifier: MIT */
/* A message bus of a test's own: a real dbus-daemon. */
#pragma once

struct bus;

struct bus *bus_start (void);
void bus_stop (struct bus *bus);
const char *bus_address (struct bus *bus); /* "unix:path=…" */
