/* SPDX-License-Identifier: MIT */
/* The way from webrtcbin's threads to the main context. What is posted after its owner has cut the link
 * is dropped, so that no thread needs to know whether the owner still lives. */
#pragma once

#include <glib-object.h>

struct link;

/* Runs in the context, never within link_post. */
typedef void (*LinkFunc) (void *owner, void *payload);

/* For the thread's default context. */
struct link *link_new (void *owner);
struct link *link_ref (struct link *link);
void link_unref (void *link);
/* In the context: no function runs after it. */
void link_cut (struct link *link);
/* Any thread. Payload is full and nullable; free: nullable, may run in any thread. In order. */
void link_post (struct link *link, LinkFunc func, void *payload, GDestroyNotify free);
/* g_signal_connect, with the link (and a reference of it) as the data. */
gulong link_connect (struct link *link, void *object, const char *signal, GCallback callback);
