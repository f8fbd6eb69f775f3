/* SPDX-License-Identifier: MIT */
/* The roster: which consoles QEMU has, and which of them the application was told of. The first
 * list changes when QEMU says so, on any thread; the second follows it when the application's
 * context runs, one console at a time. */
#pragma once

#include <qemu-dmabuf/qdmabuf-console.h>
#include <stdbool.h>

struct roster;

/* Any thread, all of them, but for roster_free. */
struct roster *roster_new (void);
void roster_free (struct roster *roster);

/* QEMU has this one; takes console. */
void roster_add (struct roster *roster, QdmabufConsole *console);
/* QEMU no longer has this one. Full transfer; NULL: it had none of that index. */
QdmabufConsole *roster_remove (struct roster *roster, guint index);
/* Those that QEMU has, by index. Full transfer, with references. */
GPtrArray *roster_current (struct roster *roster);
/* Those that QEMU has, and those that the application still thinks it has. Likewise. */
GPtrArray *roster_all (struct roster *roster);

/* The application knows all that QEMU has. */
void roster_show_all (struct roster *roster);
/* The application is told of one difference: a console that is gone, else one that is new. Full
 * transfer; NULL: there is none. */
QdmabufConsole *roster_show_next (struct roster *roster, bool *added);
/* What the application knows, by index. */
guint roster_n_shown (struct roster *roster);
QdmabufConsole *
roster_get_shown (struct roster *roster, guint i); /* lent; NULL: there is no i-th */
