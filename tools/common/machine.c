/* SPDX-License-Identifier: MIT */
/* Which QEMU belongs to this processor: a table. */
#include "machine.h"

#include <glib.h>
#include <sys/utsname.h>

static const struct machine machines[] = {
  { "x86_64", "qemu-system-x86_64", "pc", "VGA", "virtio-vga", "virtio-vga-gl" },
  { "aarch64", "qemu-system-aarch64", "virt", "virtio-gpu-pci", "virtio-gpu-pci",
    "virtio-gpu-gl-pci" },
  { "riscv64", "qemu-system-riscv64", "virt", "virtio-gpu-pci", "virtio-gpu-pci",
    "virtio-gpu-gl-pci" },
};

const struct machine *
machine_of_host (void)
{
  struct utsname host;

  if (uname (&host) != 0)
    return &machines[0];
  for (unsigned i = 0; i < G_N_ELEMENTS (machines); i++) {
    if (g_str_equal (machines[i].architecture, host.machine))
      return &machines[i];
  }
  return &machines[0];
}

const struct machine *
machine_of_testcard (void)
{
  return &machines[0];
}
