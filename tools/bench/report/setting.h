/* SPDX-License-Identifier: MIT */
/* With what a measurement was made: QEMU, OpenGL, and what was asked for. */
#pragma once

#include "measure/stream-options.h"
#include "vm/vm-options.h"

/* a{sv}: "path" s, "version" s, "accel" s. Floating. */
GVariant *setting_qemu (const char *qemu, const char *accel);
/* a{sv}, of the library's first EGL device: "renderer" s, "version" s, "driver" s, "software" b;
 * empty where there is none. Loads the driver into this process, so ask when all is measured.
 * Floating. */
GVariant *setting_gl (const char *render_node);
/* a{sv}: "format", "listener", "backend" s, "seconds" d. Floating. */
GVariant *setting_stream (const struct stream_options *options);
/* a{sv}: "size", "damage", "fps" s. Floating. */
GVariant *setting_guest (const struct vm_options *options);
/* All that was asked for in one line. guest: nullable. Full transfer. */
char *setting_caption (const struct vm_options *guest, const char *accel,
                       const struct stream_options *stream);
/* Each as a line for people, on stdout. */
void setting_print (GVariant *qemu, GVariant *gl, GVariant *guest, GVariant *stream);
