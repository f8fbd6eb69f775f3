/* SPDX-License-Identifier: MIT */
/* What happens to a VM in a soak, one thing after the other. */
#pragma once

#include "measure/watch.h"
#include "vm/rig.h"

struct soak_vm {
  const struct vm_options *options;
  struct vm *vm;
  struct watch watch;
};

struct soak_step {
  const char *name;
  /* What the step is about has happened, and frames come as before. */
  bool (*run) (struct soak_vm *vm, GError **error);
};

/* In this order; the last one leaves QEMU dead. Ends with a NULL name. */
extern const struct soak_step soak_steps[];
