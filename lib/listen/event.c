/* SPDX-License-Identifier: MIT */
/* The table of what QEMU may call, and the checks that are the same for all of it. */
#include "listen/event.h"

#include <qemu-dmabuf/qdmabuf-error.h>

#include "listen/decode.h"
#include "listen/names.h"
#include "listen/standard.h"
#include "listen/text.h"

struct method {
  const char *interface;
  const char *member;
  const char *signature;
  unsigned min_fds, max_fds; /* that come with the message */
  decode_func decode;
};

static const struct method methods[] = {
  { INTERFACE_LISTENER, "Scanout", "uuuuay", 0, 0, decode_scanout },
  { INTERFACE_LISTENER, "Update", "iiiiuuay", 0, 0, decode_update },
  { INTERFACE_LISTENER, "ScanoutDMABUF", "huuuutb", 1, 1, decode_scanout_dmabuf },
  { INTERFACE_LISTENER, "UpdateDMABUF", "iiii", 0, 0, decode_update_dmabuf },
  { INTERFACE_LISTENER, "Disable", "", 0, 0, decode_disable },
  { INTERFACE_LISTENER, "MouseSet", "iii", 0, 0, decode_mouse_set },
  { INTERFACE_LISTENER, "CursorDefine", "iiiiay", 0, 0, decode_cursor_define },
  { INTERFACE_MAP, "ScanoutMap", "huuuuu", 1, 1, decode_scanout_map },
  { INTERFACE_MAP, "UpdateMap", "iiii", 0, 0, decode_update_map },
  { INTERFACE_DMABUF2, "ScanoutDMABUF2", "ahuuuuauauuuuutb", 1, LAYOUT_MAX_PLANES,
    decode_scanout_dmabuf2 },
};

unsigned
event_n_methods (void)
{
  return G_N_ELEMENTS (methods);
}

const char *
event_method_interface (unsigned method)
{
  return method < G_N_ELEMENTS (methods) ? methods[method].interface : NULL;
}

const char *
event_method_member (unsigned method)
{
  return method < G_N_ELEMENTS (methods) ? methods[method].member : NULL;
}

const char *
event_method_signature (unsigned method)
{
  return method < G_N_ELEMENTS (methods) ? methods[method].signature : NULL;
}

/* The interface may be absent on the wire: then the member alone says which method is meant. */
static const struct method *
find_method (const struct transport_call *call, QdmabufListenerFlags flags)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (methods); i++) {
    if (!g_str_equal (call->member, methods[i].member))
      continue;
    if (call->interface && !g_str_equal (call->interface, methods[i].interface))
      continue;
    if (standard_has_interface (flags, methods[i].interface))
      return &methods[i];
  }
  return NULL;
}

static bool
check_call (const struct transport_call *call, const struct method *method, const char **dbus_error,
            GError **error)
{
  if (!g_str_equal (call->signature, method->signature)) {
    *dbus_error = ERROR_INVALID_ARGS;
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL,
                 "arguments of the types (%s); (%s) are expected", call->signature,
                 method->signature);
    return false;
  }
  if (call->n_fds < method->min_fds || call->n_fds > method->max_fds) {
    *dbus_error = ERROR_INVALID_ARGS;
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_LAYOUT,
                 "%u file descriptors came with the call; %s%u expected", call->n_fds,
                 method->max_fds > method->min_fds ? "1 to " : "", method->max_fds);
    return false;
  }
  return true;
}

static bool
decode_method (const struct transport_call *call, const struct method *method, struct event *event,
               const char **dbus_error, GError **error)
{
  if (check_call (call, method, dbus_error, error) && method->decode (call, event, error))
    return true;
  event_clear (event);
  g_prefix_error (error, "%s: ", method->member);
  return false;
}

static bool
check_address (const struct transport_call *call, const char **dbus_error, GError **error)
{
  if (call->refusal) {
    *dbus_error = ERROR_INVALID_ARGS;
    g_propagate_error (error, g_error_copy (call->refusal));
    return false;
  }
  if (g_str_equal (call->path, PATH_LISTENER))
    return true;
  g_autofree char *member = text_clean (call->member);
  g_autofree char *path = text_clean (call->path);
  *dbus_error = ERROR_UNKNOWN_OBJECT;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL,
               "%s was called on the object %s, which does not exist", member, path);
  return false;
}

static bool
refuse_unknown (const struct transport_call *call, const char **dbus_error, GError **error)
{
  g_autofree char *interface = text_clean (call->interface ? call->interface : "");
  g_autofree char *member = text_clean (call->member);

  *dbus_error = ERROR_UNKNOWN_METHOD;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL, "the call %s.%s is unknown", interface,
               member);
  return false;
}

bool
event_decode (const struct transport_call *call, QdmabufListenerFlags flags, struct event *event,
              unsigned *method, const char **dbus_error, GError **error)
{
  bool handled = false;

  *event = EVENT_NONE_YET;
  *method = G_N_ELEMENTS (methods);
  *dbus_error = ERROR_FAILED;
  if (!check_address (call, dbus_error, error))
    return false;

  bool good = standard_answer (call, flags, event, &handled, dbus_error, error);
  if (handled)
    return good;
  const struct method *found = find_method (call, flags);
  if (!found)
    return refuse_unknown (call, dbus_error, error);
  *method = (unsigned) (found - methods);
  return decode_method (call, found, event, dbus_error, error);
}

void
event_clear (struct event *event)
{
  g_clear_pointer (&event->answer, g_byte_array_unref);
  g_clear_pointer (&event->buffer, qdmabuf_buffer_unref);
  *event = EVENT_NONE_YET;
}
