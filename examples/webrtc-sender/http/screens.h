/* SPDX-License-Identifier: MIT */
/* The consoles of the VM as what can be watched: each with its broadcast and its desk. */
#pragma once

#include <json-glib/json-glib.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdbool.h>

#include "control/desk.h"
#include "media/broadcast.h"

struct screens;
struct screen;

/* only: the number of the one console that is shown; -1: all. Follows the VM as consoles come and
 * go. Holds a reference. config: as for broadcast_new. */
struct screens *
screens_new (QdmabufDisplay *display, int only, const struct broadcast_config *config);
/* No screen may be held. */
void screens_free (struct screens *screens);
/* Lent; NULL: there is none with that number. */
struct screen *screens_find (struct screens *screens, unsigned index);
/* "connected", "waiting" or "closed". */
const char *screens_state (struct screens *screens);
/* A list for the page: index, label, width, height, state. Full transfer. */
JsonArray *screens_list (struct screens *screens);

void screens_each (struct screens *screens, void (*each) (struct screen *screen, void *data),
                   void *data);

/* Its broadcast and its desk stay as long as it is held, also when the console is gone. */
struct screen *screen_ref (struct screen *screen);
void screen_unref (struct screen *screen);
unsigned screen_index (const struct screen *screen);
struct broadcast *screen_broadcast (struct screen *screen);
struct desk *screen_desk (struct screen *screen);
