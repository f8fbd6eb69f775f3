/* SPDX-License-Identifier: MIT */
/* The fence thread: does nothing but wait, beside a thread that must not. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct fence_thread;

struct fence_thread *fence_thread_new (void);
/* Calls fn (job), in order, then unref (job); takes job and returns at once. Thread: any. */
void fence_thread_watch (struct fence_thread *self, void (*fn) (void *job), void *job,
                         GDestroyNotify unref);
/* Is nothing left to be waited for, or will not be at until (µs of CLOCK_MONOTONIC)? */
bool fence_thread_comes_back (struct fence_thread *self, int64_t until);
/* When it came back. */
void fence_thread_free (struct fence_thread *self);
