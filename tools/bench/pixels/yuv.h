/* SPDX-License-Identifier: MIT */
/* libyuv alone: the one call that does the pixels of a conversion. */
#pragma once

#include "pixels/contest.h"
#include "pixels/scene.h"

/* data: a struct scene of XR24 in rows, to be BG24, NV12 or YU12; writes into its targets, laid out
 * as the library lays out frames. Error: another pair of formats. */
gint64 yuv_run (void *scene, unsigned round, GError **error);
