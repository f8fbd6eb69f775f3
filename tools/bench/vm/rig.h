/* SPDX-License-Identifier: MIT */
/* One way to run a VM: gl=off, or gl=on on a GPU or in software. */
#pragma once

#include <stdbool.h>

#include "common/vm.h"
#include "vm/vm-options.h"

struct rig {
  const char *gl; /* QEMU's gl= */
  bool software;  /* its OpenGL draws on the CPU */
  char *label;    /* "gl=on (software)" */
  char *node;     /* rendernode=; NULL with gl=off */
  char *preload;  /* NULL: none */
  char *kernel, *accel;
};

/* accel: "kvm" or "tcg". Error: G_IO_ERROR, why this machine cannot do it, and what would help. */
bool rig_init (struct rig *rig, const struct vm_options *options, const char *render_node,
               const char *gl, const char *accel, GError **error);
void rig_clear (struct rig *rig);
/* Starts the testcard and waits until it has drawn. trace: events of which vm_trace () tells;
 * nullable. Errors name what QEMU said. */
struct vm *rig_start (const struct rig *rig, const struct vm_options *options, const char *trace,
                      GError **error);
/* "kvm" or "tcg": what was asked for, or for "auto" kvm where it runs the testcard, which is tried.
 * A note says why it is not used where it is there. */
const char *rig_choose_accel (const struct vm_options *options);
