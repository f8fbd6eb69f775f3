/* SPDX-License-Identifier: MIT */
/* One measurement: of a console that is there, or of a VM that is started for it. */
#pragma once

#include "measure/run.h"
#include "measure/stream-options.h"
#include "vm/rig.h"

/* How long frames are taken before the measurement begins. */
#define MEASURE_WARM_UP_S 0.5

/* Sets figures, or failure, of a watch that was started. What comes within half a second after the
 * first frame (a driver that is opened, pages that are touched) counts only for the library's own
 * stages, which are since the console was started. qemu: as moment_now (). */
void measure_started (struct run *run, struct watch *watch, double seconds, int qemu);
/* The same of a VM with the testcard, which is gone afterwards. */
void measure_rig (struct run *run, const struct rig *rig, const struct vm_options *vm_options,
                  const struct stream_options *options);
