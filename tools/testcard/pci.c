/* SPDX-License-Identifier: MIT */
/* PCI configuration space through ports 0xcf8 and 0xcfc. */
#include "pci.h"

#include "x86.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc

#define COMMAND 0x04
#define COMMAND_MEMORY 0x0002u
#define COMMAND_MASTER 0x0004u
#define COMMAND_NO_INTERRUPT 0x0400u
#define HEADER_TYPE 0x0e
#define HEADER_BRIDGE 0x01
#define HEADER_MULTI_FUNCTION 0x80
#define SECONDARY_BUS 0x19
#define BAR0 0x10

#define MAX_FUNCTIONS 64

static struct {
  PciAddress address;
  uint32_t ids; /* device << 16 | vendor */
} functions[MAX_FUNCTIONS];
static uint32_t function_count;

uint32_t
pci_read32 (PciAddress address, uint32_t offset)
{
  x86_out32 (CONFIG_ADDRESS, 0x80000000u | address | (offset & 0xfc));
  return x86_in32 (CONFIG_DATA);
}

uint16_t
pci_read16 (PciAddress address, uint32_t offset)
{
  return (uint16_t) (pci_read32 (address, offset) >> (offset & 2) * 8);
}

uint8_t
pci_read8 (PciAddress address, uint32_t offset)
{
  return (uint8_t) (pci_read32 (address, offset) >> (offset & 3) * 8);
}

/* Writing 0 to the status half next to the command changes nothing there. */
static void
write_command (PciAddress address, uint32_t command)
{
  x86_out32 (CONFIG_ADDRESS, 0x80000000u | address | COMMAND);
  x86_out32 (CONFIG_DATA, command);
}

static void scan_bus (uint32_t bus);

static void
add_function (PciAddress address, uint32_t ids)
{
  write_command (address, pci_read16 (address, COMMAND) | COMMAND_NO_INTERRUPT);
  if (function_count < MAX_FUNCTIONS) {
    functions[function_count].address = address;
    functions[function_count++].ids = ids;
  }
  if ((pci_read8 (address, HEADER_TYPE) & 0x7f) == HEADER_BRIDGE) {
    uint32_t bus = pci_read8 (address, SECONDARY_BUS);

    if (bus > address >> 16)
      scan_bus (bus);
  }
}

static void
scan_bus (uint32_t bus)
{
  for (uint32_t device = 0; device < 32; device++) {
    PciAddress first = bus << 16 | device << 11;
    uint32_t count = 1;

    for (uint32_t function = 0; function < count; function++) {
      uint32_t ids = pci_read32 (first | function << 8, PCI_VENDOR_ID);

      if ((ids & 0xffff) == 0xffff)
        continue;
      if (pci_read8 (first, HEADER_TYPE) & HEADER_MULTI_FUNCTION)
        count = 8;
      add_function (first | function << 8, ids);
    }
  }
}

void
pci_scan (void)
{
  scan_bus (0);
}

bool
pci_find (uint16_t vendor, uint16_t device, uint32_t index, PciAddress *address)
{
  uint32_t ids = (uint32_t) device << 16 | vendor;

  for (uint32_t i = 0; i < function_count; i++) {
    if (functions[i].ids == ids && index-- == 0) {
      *address = functions[i].address;
      return true;
    }
  }
  return false;
}

void
pci_enable (PciAddress address)
{
  uint32_t command = pci_read16 (address, COMMAND);

  write_command (address, (command | COMMAND_MEMORY | COMMAND_MASTER) & ~COMMAND_NO_INTERRUPT);
}

bool
pci_bar (PciAddress address, uint32_t bar, uint64_t *base)
{
  uint32_t low = pci_read32 (address, BAR0 + 4 * bar);
  bool is_memory = (low & 1) == 0;
  bool is_64_bit = (low & 6) == 4;

  *base = low & ~15u;
  if (is_memory && is_64_bit && bar < 5)
    *base |= (uint64_t) pci_read32 (address, BAR0 + 4 * bar + 4) << 32;
  return is_memory && *base != 0;
}
