/* SPDX-License-Identifier: MIT */
/* What the events of the one who has control do to the console, and what they hold down there. */
#pragma once

#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdbool.h>

#include "control/protocol.h"

struct drive;

/* Holds a reference. Main thread, as all that follows. */
struct drive *drive_new (QdmabufConsole *console);
/* Stops it before. */
void drive_free (struct drive *drive);
/* Any event that is for the guest: KEY, BUTTON, WHEEL, TOUCH, TEXT, RESIZE, HELD, MOTION, RELEASE.
 * last: the newest place of that page before; brought up to date. */
void drive_event (struct drive *drive, const struct input_event *event, struct place *last);
/* The page lives. What is held is released when this does not come for two seconds. */
void drive_heard (struct drive *drive);
/* Releases everything that is held. Text is typed on. */
void drive_release (struct drive *drive);
/* For another hand: nothing is held, nothing typed. */
void drive_stop (struct drive *drive);
