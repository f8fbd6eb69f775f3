/* SPDX-License-Identifier: MIT */
/* The error domain and its enumeration for bindings. */
#include <qemu-dmabuf/qdmabuf-error.h>

/**
 * qdmabuf_error_quark:
 *
 * What %QDMABUF_ERROR stands for. May be called from any thread.
 *
 * Returns: the error domain of this library
 *
 * Since: 0.1
 */
GQuark
qdmabuf_error_quark (void)
{
  return g_quark_from_static_string ("qdmabuf-error-quark");
}

static const GEnumValue error_values[] = {
  { QDMABUF_ERROR_FAILED, "QDMABUF_ERROR_FAILED", "failed" },
  { QDMABUF_ERROR_INVALID_ARGUMENT, "QDMABUF_ERROR_INVALID_ARGUMENT", "invalid-argument" },
  { QDMABUF_ERROR_CONNECT, "QDMABUF_ERROR_CONNECT", "connect" },
  { QDMABUF_ERROR_NOT_FOUND, "QDMABUF_ERROR_NOT_FOUND", "not-found" },
  { QDMABUF_ERROR_AMBIGUOUS, "QDMABUF_ERROR_AMBIGUOUS", "ambiguous" },
  { QDMABUF_ERROR_BUSY, "QDMABUF_ERROR_BUSY", "busy" },
  { QDMABUF_ERROR_TIMED_OUT, "QDMABUF_ERROR_TIMED_OUT", "timed-out" },
  { QDMABUF_ERROR_STOPPED, "QDMABUF_ERROR_STOPPED", "stopped" },
  { QDMABUF_ERROR_CLOSED, "QDMABUF_ERROR_CLOSED", "closed" },
  { QDMABUF_ERROR_REPLACED, "QDMABUF_ERROR_REPLACED", "replaced" },
  { QDMABUF_ERROR_PROTOCOL, "QDMABUF_ERROR_PROTOCOL", "protocol" },
  { QDMABUF_ERROR_LIMIT, "QDMABUF_ERROR_LIMIT", "limit" },
  { QDMABUF_ERROR_BAD_LAYOUT, "QDMABUF_ERROR_BAD_LAYOUT", "bad-layout" },
  { QDMABUF_ERROR_BAD_MEMORY, "QDMABUF_ERROR_BAD_MEMORY", "bad-memory" },
  { QDMABUF_ERROR_UNSUPPORTED_FORMAT, "QDMABUF_ERROR_UNSUPPORTED_FORMAT", "unsupported-format" },
  { QDMABUF_ERROR_UNSUPPORTED_MODIFIER, "QDMABUF_ERROR_UNSUPPORTED_MODIFIER",
    "unsupported-modifier" },
  { QDMABUF_ERROR_NO_BACKEND, "QDMABUF_ERROR_NO_BACKEND", "no-backend" },
  { QDMABUF_ERROR_DEVICE_LOST, "QDMABUF_ERROR_DEVICE_LOST", "device-lost" },
  { QDMABUF_ERROR_NO_SCANOUT, "QDMABUF_ERROR_NO_SCANOUT", "no-scanout" },
  { QDMABUF_ERROR_SCANOUT_LOST, "QDMABUF_ERROR_SCANOUT_LOST", "scanout-lost" },
  { 0, NULL, NULL },
};

GType
qdmabuf_error_get_type (void)
{
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("QdmabufError", error_values));
  return type;
}
