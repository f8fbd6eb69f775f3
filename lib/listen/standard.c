/* SPDX-License-Identifier: MIT */
/* Answers from constants: QEMU blocks its main loop on each of them. */
#include "listen/standard.h"

#include <qemu-dmabuf/qdmabuf-error.h>

#include "listen/names.h"
#include "listen/text.h"

struct optional_interface {
  QdmabufListenerFlags flag;
  const char *name;
};

static const struct optional_interface optional[] = {
  { QDMABUF_LISTENER_MAP, INTERFACE_MAP },
  { QDMABUF_LISTENER_DMABUF2, INTERFACE_DMABUF2 },
};

bool
standard_has_interface (QdmabufListenerFlags flags, const char *interface)
{
  if (g_str_equal (interface, INTERFACE_LISTENER))
    return true;
  for (unsigned i = 0; i < G_N_ELEMENTS (optional); i++)
    if ((flags & optional[i].flag) && g_str_equal (interface, optional[i].name))
      return true;
  return false;
}

/* The one property, as a variant: QEMU reads it once, when the listener is registered, and uses no
 * interface that is not in it. */
static void
put_interfaces (GByteArray *body, QdmabufListenerFlags flags)
{
  wire_put_signature (body, "as");
  wire_put_u32 (body, 0);
  unsigned start = body->len;
  for (unsigned i = 0; i < G_N_ELEMENTS (optional); i++)
    if (flags & optional[i].flag)
      wire_put_string (body, optional[i].name);
  wire_set_u32 (body, start - 4, body->len - start);
}

static bool
unknown (const char *name, const char **dbus_error, GError **error, const char *what,
         const char *which)
{
  g_autofree char *text = text_clean (which);

  *dbus_error = name;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL, "QEMU asks for the %s “%s”", what,
               text);
  return false;
}

static void
answer (struct event *event, const char *signature)
{
  event->kind = EVENT_ANSWER;
  event->signature = signature;
  event->answer = g_byte_array_new ();
}

static void
answer_get (struct event *event, QdmabufListenerFlags flags)
{
  answer (event, "v");
  put_interfaces (event->answer, flags);
}

/* The optional interfaces have no properties. */
static void
answer_get_all (struct event *event, QdmabufListenerFlags flags, const char *interface)
{
  answer (event, "a{sv}");
  wire_put_u32 (event->answer, 0);
  wire_put_align (event->answer, 8);
  unsigned start = event->answer->len;
  if (g_str_equal (interface, INTERFACE_LISTENER)) {
    wire_put_string (event->answer, "Interfaces");
    put_interfaces (event->answer, flags);
  }
  wire_set_u32 (event->answer, 0, event->answer->len - start);
}

static bool
answer_properties (const struct transport_call *call, QdmabufListenerFlags flags,
                   struct event *event, const char **dbus_error, GError **error)
{
  bool all = g_str_equal (call->member, "GetAll") && g_str_equal (call->signature, "s");
  bool get = g_str_equal (call->member, "Get") && g_str_equal (call->signature, "ss");
  struct wire arguments = call->body;
  const char *interface = all || get ? wire_string (&arguments) : NULL;
  const char *property = get ? wire_string (&arguments) : NULL;

  if (g_str_equal (call->member, "Set"))
    return unknown (ERROR_PROPERTY_READ_ONLY, dbus_error, error, "change of a property by", "Set");
  if ((!all && !get) || !wire_end (&arguments))
    return unknown (ERROR_INVALID_ARGS, dbus_error, error, "properties with the arguments",
                    call->signature);
  if (!standard_has_interface (flags, interface))
    return unknown (ERROR_UNKNOWN_INTERFACE, dbus_error, error, "properties of", interface);
  if (get && !(g_str_equal (interface, INTERFACE_LISTENER) && g_str_equal (property, "Interfaces")))
    return unknown (ERROR_UNKNOWN_PROPERTY, dbus_error, error, "property", property);
  if (get)
    answer_get (event, flags);
  else
    answer_get_all (event, flags, interface);
  return true;
}

static void
append_methods (GString *xml, const char *interface)
{
  for (unsigned i = 0; i < event_n_methods (); i++) {
    if (!g_str_equal (event_method_interface (i), interface))
      continue;
    g_string_append_printf (xml, "<method name=\"%s\">", event_method_member (i));
    const char *type = event_method_signature (i);
    while (*type) {
      int length = (int) wire_type_length (type);

      g_string_append_printf (xml, "<arg type=\"%.*s\" direction=\"in\"/>", length, type);
      type += length;
    }
    g_string_append (xml, "</method>");
  }
}

static void
answer_introspect (struct event *event, QdmabufListenerFlags flags)
{
  g_autoptr (GString) xml = g_string_new ("<node>");

  g_string_append (xml, "<interface name=\"" INTERFACE_LISTENER "\">");
  append_methods (xml, INTERFACE_LISTENER);
  g_string_append (xml, "<property name=\"Interfaces\" type=\"as\" access=\"read\"/></interface>");
  for (unsigned i = 0; i < G_N_ELEMENTS (optional); i++) {
    if (!(flags & optional[i].flag))
      continue;
    g_string_append_printf (xml, "<interface name=\"%s\">", optional[i].name);
    append_methods (xml, optional[i].name);
    g_string_append (xml, "</interface>");
  }
  g_string_append (xml, "</node>");
  answer (event, "s");
  wire_put_string (event->answer, xml->str);
}

bool
standard_answer (const struct transport_call *call, QdmabufListenerFlags flags, struct event *event,
                 bool *handled, const char **dbus_error, GError **error)
{
  const char *interface = call->interface ? call->interface : "";
  bool good = true;

  *handled = true;
  if (g_str_equal (interface, INTERFACE_PROPERTIES))
    good = answer_properties (call, flags, event, dbus_error, error);
  else if (g_str_equal (interface, INTERFACE_INTROSPECTABLE) &&
           g_str_equal (call->member, "Introspect"))
    answer_introspect (event, flags);
  else if (g_str_equal (interface, INTERFACE_PEER) && g_str_equal (call->member, "Ping"))
    answer (event, "");
  else {
    *handled = false;
    return true;
  }
  return good;
}
