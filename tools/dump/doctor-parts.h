/* SPDX-License-Identifier: MIT */
/* The parts of what --doctor finds out, each an a{sv}, floating. Their keys are those of the JSON
 * output. */
#pragma once

#include "options.h"

/* "egl", "gbm" b; "cpu-formats" as; "devices" aa{sv}: "backend", "render-node", "driver",
 * "renderer", "vendor", "version", "error" s, "software" b, "formats" aa{sv}: "format" s,
 * "modifiers" aa{sv}: "name", "value" s, "external-only" b. */
GVariant *doctor_backends (const struct options *options);

/* "release" s; "udmabuf" a{sv} and "nodes" aa{sv}: "path", "driver" s, "exists", "usable" b. */
GVariant *doctor_kernel (void);

/* "path" s, "" where there is none; "version", "mesa" s; "display-dbus", "gl-device" b; "gl-on" b;
 * "tried" aa{sv}: "rendernode", "detail", "backend" s, "works" b; "advice" as; "command" s. Starts
 * QEMU, more than once. */
GVariant *doctor_qemu (const struct options *options, GVariant *backends, GVariant *kernel);
