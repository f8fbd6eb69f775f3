/* SPDX-License-Identifier: MIT */
/* Virtio 1.x over PCI: the capabilities that say where its registers are, and split virtqueues. */
#include "virtio.h"

#include "interrupt.h"
#include "log.h"
#include "memory.h"
#include "x86.h"

#define CAP_VENDOR 0x09
#define CAP_COMMON 1
#define CAP_NOTIFY 2
#define CAP_ISR 3
#define CAP_DEVICE 4

/* Offsets in the common configuration. */
#define DRIVER_FEATURE_SELECT 0x08
#define DRIVER_FEATURE 0x0c
#define DEVICE_FEATURE_SELECT 0x00
#define DEVICE_FEATURE 0x04
#define MSIX_CONFIG 0x10
#define DEVICE_STATUS 0x14
#define QUEUE_SELECT 0x16
#define QUEUE_SIZE 0x18
#define QUEUE_MSIX_VECTOR 0x1a
#define QUEUE_ENABLE 0x1c
#define QUEUE_NOTIFY_OFF 0x1e
#define QUEUE_DESC 0x20
#define QUEUE_DRIVER 0x28
#define QUEUE_DEVICE 0x30

#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER 2
#define STATUS_DRIVER_OK 4
#define STATUS_FEATURES_OK 8

#define FEATURE_VERSION_1_WORD 1 /* bit 32 */
#define FEATURE_VERSION_1_BIT 1u

#define NO_VECTOR 0xffff
#define ISR_CONFIG 2

#define DESCRIPTOR_NEXT 1
#define DESCRIPTOR_WRITE 2

#define MAX_DEVICES 8

static VirtioDevice *devices[MAX_DEVICES];
static uint32_t device_count;

static void
write8 (VirtioDevice *device, uint32_t offset, uint8_t value)
{
  device->common[offset] = value;
}

static void
write16 (VirtioDevice *device, uint32_t offset, uint16_t value)
{
  *(volatile uint16_t *) (device->common + offset) = value;
}

static uint16_t
read16 (VirtioDevice *device, uint32_t offset)
{
  return *(volatile uint16_t *) (device->common + offset);
}

static void
write32 (VirtioDevice *device, uint32_t offset, uint32_t value)
{
  *(volatile uint32_t *) (device->common + offset) = value;
}

static uint32_t
read32 (VirtioDevice *device, uint32_t offset)
{
  return *(volatile uint32_t *) (device->common + offset);
}

static void
write_address (VirtioDevice *device, uint32_t offset, const volatile void *address)
{
  write32 (device, offset, (uint32_t) address);
  write32 (device, offset + 4, 0);
}

/* Reading the status register also withdraws the interrupt. */
static void
on_interrupt (void)
{
  for (uint32_t i = 0; i < device_count; i++) {
    if (*devices[i]->isr & ISR_CONFIG)
      devices[i]->config_changed = true;
  }
}

/* The registers that a virtio capability points to, or NULL if it lies in no memory BAR. */
static volatile uint8_t *
map_capability (PciAddress pci, uint32_t capability)
{
  uint8_t bar = pci_read8 (pci, capability + 4);
  uint32_t offset = pci_read32 (pci, capability + 8);
  uint32_t length = pci_read32 (pci, capability + 12);
  uint64_t base = 0;

  if (bar > 5 || !pci_bar (pci, bar, &base))
    return NULL;
  return memory_map_device (base + offset, length);
}

/* The list is walked at most 48 times: more capabilities do not fit into the configuration space.
 */
static void
find_registers (VirtioDevice *device)
{
  uint32_t capability = pci_read8 (device->pci, PCI_CAPABILITIES);

  for (int i = 0; i < 48 && capability; i++) {
    uint8_t type = pci_read8 (device->pci, capability + 3);
    bool is_virtio = pci_read8 (device->pci, capability) == CAP_VENDOR;

    if (is_virtio && type == CAP_COMMON)
      device->common = map_capability (device->pci, capability);
    if (is_virtio && type == CAP_ISR)
      device->isr = map_capability (device->pci, capability);
    if (is_virtio && type == CAP_DEVICE)
      device->config = map_capability (device->pci, capability);
    if (is_virtio && type == CAP_NOTIFY) {
      device->notify = map_capability (device->pci, capability);
      device->notify_multiplier = pci_read32 (device->pci, capability + 16);
    }
    capability = pci_read8 (device->pci, capability + 1);
  }
}

static void
agree_on_features (VirtioDevice *device)
{
  write32 (device, DEVICE_FEATURE_SELECT, FEATURE_VERSION_1_WORD);
  if (!(read32 (device, DEVICE_FEATURE) & FEATURE_VERSION_1_BIT))
    log_fatal ("virtio device %x: no virtio 1.0", device->pci >> 8);
  write32 (device, DRIVER_FEATURE_SELECT, 0);
  write32 (device, DRIVER_FEATURE, 0);
  write32 (device, DRIVER_FEATURE_SELECT, FEATURE_VERSION_1_WORD);
  write32 (device, DRIVER_FEATURE, FEATURE_VERSION_1_BIT);
  write8 (device, DEVICE_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
  if (!(device->common[DEVICE_STATUS] & STATUS_FEATURES_OK))
    log_fatal ("virtio device %x refuses the features", device->pci >> 8);
}

void
virtio_start (VirtioDevice *device, PciAddress pci)
{
  device->pci = pci;
  pci_enable (pci);
  find_registers (device);
  if (!device->common || !device->isr || !device->config || !device->notify)
    log_fatal ("virtio device %x: registers missing", pci >> 8);
  if (device_count == MAX_DEVICES)
    log_fatal ("more than %u virtio devices", MAX_DEVICES);
  write8 (device, DEVICE_STATUS, 0);
  while (device->common[DEVICE_STATUS] != 0)
    x86_barrier ();
  write8 (device, DEVICE_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
  agree_on_features (device);
  write16 (device, MSIX_CONFIG, NO_VECTOR);
  devices[device_count++] = device;
  interrupt_connect (pci_read8 (pci, PCI_INTERRUPT_LINE), on_interrupt);
}

void
virtio_start_queue (VirtioDevice *device, VirtioQueue *queue, uint16_t number)
{
  uint16_t size;

  write16 (device, QUEUE_SELECT, number);
  size = read16 (device, QUEUE_SIZE);
  if (size == 0)
    log_fatal ("virtio device %x has no queue %u", device->pci >> 8, (uint32_t) number);
  queue->size = size < VIRTIO_QUEUE_SIZE ? size : VIRTIO_QUEUE_SIZE;
  queue->number = number;
  queue->notify = (volatile uint16_t *) (device->notify + read16 (device, QUEUE_NOTIFY_OFF) *
                                                              device->notify_multiplier);
  write16 (device, QUEUE_SIZE, queue->size);
  write16 (device, QUEUE_MSIX_VECTOR, NO_VECTOR);
  write_address (device, QUEUE_DESC, queue->descriptors);
  write_address (device, QUEUE_DRIVER, &queue->available);
  write_address (device, QUEUE_DEVICE, &queue->used);
  write16 (device, QUEUE_ENABLE, 1);
}

void
virtio_ready (VirtioDevice *device)
{
  write8 (device, DEVICE_STATUS,
          STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
}

void
virtio_describe (VirtioQueue *queue, uint16_t descriptor, void *buffer, uint32_t length,
                 bool to_guest, bool chained)
{
  queue->descriptors[descriptor] = (VirtioDescriptor){
    .address = (uint32_t) buffer,
    .length = length,
    .flags = (uint16_t) ((to_guest ? DESCRIPTOR_WRITE : 0) | (chained ? DESCRIPTOR_NEXT : 0)),
    .next = (uint16_t) (descriptor + 1),
  };
}

void
virtio_submit (VirtioQueue *queue, uint16_t descriptor)
{
  queue->available.ring[queue->available.index & (queue->size - 1)] = descriptor;
  x86_barrier ();
  queue->available.index++;
}

void
virtio_notify (VirtioQueue *queue)
{
  x86_barrier ();
  *queue->notify = queue->number;
}

bool
virtio_take (VirtioQueue *queue, uint16_t *descriptor)
{
  if (queue->used.index == queue->seen_used)
    return false;
  x86_barrier ();
  *descriptor = (uint16_t) queue->used.ring[queue->seen_used & (queue->size - 1)].id;
  queue->seen_used++;
  return true;
}

void
virtio_wait_all (VirtioQueue *queue)
{
  uint16_t taken;

  while (queue->used.index != queue->available.index)
    x86_wait_for_interrupt ();
  while (virtio_take (queue, &taken))
    continue;
}
