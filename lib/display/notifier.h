/* SPDX-License-Identifier: MIT */
/* The notifier: brings news from the library's threads to the application's main context, one
 * pending source for each kind of news, and none that outlives the object it is about. */
#pragma once

#include <glib-object.h>

struct notifier;

/* emit runs in context, with a reference on object held. */
struct notifier *
notifier_new (GObject *object, GMainContext *context, void (*emit) (GObject *object));
/* Any thread. Runs emit in delay_us µs, once, however often it was posted until then. */
void notifier_post (struct notifier *notifier, gint64 delay_us);
/* Nothing is emitted any more. */
void notifier_free (struct notifier *notifier);
