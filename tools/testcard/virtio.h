/* SPDX-License-Identifier: MIT */
/* A modern virtio device on PCI: start-up, and virtqueues that are looked at from the main loop. */
#ifndef TESTCARD_VIRTIO_H
#define TESTCARD_VIRTIO_H

#include "pci.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRTIO_VENDOR 0x1af4
#define VIRTIO_GPU_DEVICE 0x1050
#define VIRTIO_INPUT_DEVICE 0x1052

#define VIRTIO_QUEUE_SIZE 64

typedef struct {
  uint64_t address;
  uint32_t length;
  uint16_t flags;
  uint16_t next;
} VirtioDescriptor;

typedef struct {
  uint16_t flags;
  uint16_t index;
  uint16_t ring[VIRTIO_QUEUE_SIZE];
} VirtioAvailable;

typedef struct {
  uint16_t flags;
  uint16_t index;
  struct {
    uint32_t id;
    uint32_t length;
  } ring[VIRTIO_QUEUE_SIZE];
} VirtioUsed;

/* Zeroed before virtio_start_queue; must not move afterwards, the device writes into it. */
typedef struct {
  VirtioDescriptor descriptors[VIRTIO_QUEUE_SIZE] __attribute__ ((aligned (16)));
  VirtioAvailable available __attribute__ ((aligned (4)));
  volatile VirtioUsed used __attribute__ ((aligned (4)));
  volatile uint16_t *notify;
  uint16_t number;
  uint16_t size;      /* descriptors in use, a power of two */
  uint16_t seen_used; /* used entries taken so far */
} VirtioQueue;

typedef struct {
  PciAddress pci;
  volatile uint8_t *common;
  volatile uint8_t *isr;
  volatile uint8_t *config; /* device specific */
  volatile uint8_t *notify;
  uint32_t notify_multiplier;
  volatile bool config_changed; /* set by the interrupt, cleared by the driver */
} VirtioDevice;

/* Resets the device and agrees on VIRTIO_F_VERSION_1 alone. Fatal if it is no modern virtio device.
 * The device must not move: its interrupt refers to it. */
void virtio_start (VirtioDevice *device, PciAddress pci);

/* Sets up a queue, between virtio_start and virtio_ready. */
void virtio_start_queue (VirtioDevice *device, VirtioQueue *queue, uint16_t number);

void virtio_ready (VirtioDevice *device);

/* Describes a buffer with the descriptor of that number, for the device to read, or to write if
 * `to_guest`; with `chained`, descriptor + 1 goes on. */
void virtio_describe (VirtioQueue *queue, uint16_t descriptor, void *buffer, uint32_t length,
                      bool to_guest, bool chained);

/* Hands the chain that starts with `descriptor` to the device, which sees it at virtio_notify. */
void virtio_submit (VirtioQueue *queue, uint16_t descriptor);
void virtio_notify (VirtioQueue *queue);

/* Takes back the oldest chain that the device is done with; false if there is none. */
bool virtio_take (VirtioQueue *queue, uint16_t *descriptor);

/* Sleeps until the device has taken everything submitted, then takes it all back. */
void virtio_wait_all (VirtioQueue *queue);

#endif
