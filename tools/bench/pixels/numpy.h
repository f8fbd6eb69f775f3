/* SPDX-License-Identifier: MIT */
/* A Python that makes packed RGB with NumPy, as programs do that have no such library. */
#pragma once

#include "pixels/contest.h"
#include "pixels/scene.h"

struct numpy;

/* Starts one that maps the source of scene, which is XR24 in rows. Error: there is no Python with
 * NumPy. */
struct numpy *numpy_start (const struct scene *scene, GError **error);
void numpy_stop (struct numpy *numpy);
/* "1.24.2". Lent. */
const char *numpy_version (const struct numpy *numpy);
/* Has it do `pixels[:, :, [2, 1, 0]].copy()`, CONTEST_WARM_UP times and once more, which counts: by
 * Python's own clock, without the pipe. data: the struct numpy. */
gint64 numpy_run (void *numpy, unsigned round, GError **error);
