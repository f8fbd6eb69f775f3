/* SPDX-License-Identifier: MIT */
/* The view: in which of two orders NVIDIA's driver shows the CPU a block-linear buffer. The user
 * can say it, or it is found once for all buffers of a kind by comparing with what a GPU read. */
#pragma once

#include "import/backend.h"
#include "import/detile/equations.h"

/* What QDMABUF_NVIDIA_VIEW says. Thread: any. */
enum nvidia_view nvidia_view_said (void);
/* What was found for modifier in this process; its block's height does not matter. Thread: any. */
enum nvidia_view nvidia_view_found (uint64_t modifier);
/* Remembers view (not UNKNOWN) for modifier, one of NVIDIA's; what was found before stays. Thread:
 * any. */
void nvidia_view_learn (uint64_t modifier, enum nvidia_view view);
/* As detile_backend_new, but with that view, whatever the user says. */
struct backend *detile_backend_new_viewing (enum nvidia_view view);
