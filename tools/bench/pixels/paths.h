/* SPDX-License-Identifier: MIT */
/* The runners: the library's whole path, and what it is compared with. data of each is a struct
 * scene. */
#pragma once

#include "pixels/contest.h"
#include "pixels/scene.h"

/* From the call to the frame. */
gint64 path_whole (void *scene, unsigned round, GError **error);
/* CONTEST_WARM_UP times, and once more, which counts: for a rival in another process, whose turn
 * leaves the caches to whatever else runs. */
gint64 path_whole_again (void *scene, unsigned round, GError **error);
gint64 path_damage (void *scene, unsigned round, GError **error);
/* glibc's memcpy of half the bytes that the path reads and writes: as many are read and written. */
gint64 path_memcpy (void *scene, unsigned round, GError **error);
gint64 path_memcpy_damage (void *scene, unsigned round, GError **error);
/* As contest's prepare. */
void path_chill (void *scene);
