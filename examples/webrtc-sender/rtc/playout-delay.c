/* SPDX-License-Identifier: MIT */
/* playout-delay: 12 bits min, 12 bits max, in 10 ms. */
#include "rtc/playout-delay.h"

#define BYTES 3

typedef struct {
  GstRTPHeaderExtension parent;
} PlayoutDelay;

typedef struct {
  GstRTPHeaderExtensionClass parent;
} PlayoutDelayClass;

static GType playout_delay_get_type (void);
G_DEFINE_TYPE (PlayoutDelay, playout_delay, GST_TYPE_RTP_HEADER_EXTENSION)

static GstRTPHeaderExtensionFlags
flags (GstRTPHeaderExtension *extension)
{
  (void) extension;
  return GST_RTP_HEADER_EXTENSION_ONE_BYTE | GST_RTP_HEADER_EXTENSION_TWO_BYTE;
}

static gsize
max_size (GstRTPHeaderExtension *extension, const GstBuffer *input)
{
  (void) extension;
  (void) input;
  return BYTES;
}

static gssize
write_value (GstRTPHeaderExtension *extension, const GstBuffer *input,
             GstRTPHeaderExtensionFlags form, GstBuffer *output, guint8 *data, gsize size)
{
  const unsigned max = PLAYOUT_DELAY_MAX_MS / 10;

  (void) extension;
  (void) input;
  (void) form;
  (void) output;
  if (size < BYTES)
    return -1;
  data[0] = 0;
  data[1] = (guint8) (max >> 8);
  data[2] = (guint8) (max & 0xff);
  return BYTES;
}

static gboolean
read_value (GstRTPHeaderExtension *extension, GstRTPHeaderExtensionFlags form, const guint8 *data,
            gsize size, GstBuffer *buffer)
{
  (void) extension;
  (void) form;
  (void) data;
  (void) buffer;
  return size == BYTES;
}

static gboolean
to_caps (GstRTPHeaderExtension *extension, GstCaps *caps)
{
  return gst_rtp_header_extension_set_caps_from_attributes_helper (extension, caps, NULL);
}

static void
playout_delay_class_init (PlayoutDelayClass *class)
{
  GstRTPHeaderExtensionClass *extension = GST_RTP_HEADER_EXTENSION_CLASS (class);

  gst_rtp_header_extension_class_set_uri (extension, PLAYOUT_DELAY_URI);
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (class), "Playout delay",
                                         GST_RTP_HDREXT_ELEMENT_CLASS,
                                         "Asks the receiver to show frames at once", "qemu-dmabuf");
  extension->get_supported_flags = flags;
  extension->get_max_size = max_size;
  extension->write = write_value;
  extension->read = read_value;
  extension->set_caps_from_attributes = to_caps;
}

static void
playout_delay_init (PlayoutDelay *self)
{
  (void) self;
}

GstRTPHeaderExtension *
playout_delay_new (unsigned id)
{
  GstRTPHeaderExtension *extension = g_object_new (playout_delay_get_type (), NULL);

  gst_rtp_header_extension_set_id (extension, id);
  return extension;
}
