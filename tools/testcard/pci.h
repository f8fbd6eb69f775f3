/* SPDX-License-Identifier: MIT */
/* PCI configuration space, as the firmware has set it up. */
#ifndef TESTCARD_PCI_H
#define TESTCARD_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_VENDOR_ID 0x00
#define PCI_DEVICE_ID 0x02
#define PCI_CAPABILITIES 0x34
#define PCI_INTERRUPT_LINE 0x3c

/* A function's address: bus << 16 | device << 11 | function << 8. */
typedef uint32_t PciAddress;

/* Finds every function on every bus and silences its interrupt. */
void pci_scan (void);

/* The function number `index`, from 0, with these ids; false if there are fewer. */
bool pci_find (uint16_t vendor, uint16_t device, uint32_t index, PciAddress *address);

uint8_t pci_read8 (PciAddress address, uint32_t offset);
uint16_t pci_read16 (PciAddress address, uint32_t offset);
uint32_t pci_read32 (PciAddress address, uint32_t offset);

/* Lets the function answer memory accesses, do DMA and raise its interrupt. */
void pci_enable (PciAddress address);

/* The physical address of a memory BAR (0 to 5); false if it is none or has no address. */
bool pci_bar (PciAddress address, uint32_t bar, uint64_t *base);

#endif
