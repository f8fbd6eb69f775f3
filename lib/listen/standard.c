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

/* The one property: QEMU reads it once, when the listener is registered, and uses no interface that
 * is not in it. */
static GVariant *
interfaces_value (QdmabufListenerFlags flags)
{
  g_auto (GVariantBuilder) names = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_STRING_ARRAY);

  for (unsigned i = 0; i < G_N_ELEMENTS (optional); i++)
    if (flags & optional[i].flag)
      g_variant_builder_add (&names, "s", optional[i].name);
  return g_variant_builder_end (&names);
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

static GVariant *
get_all (QdmabufListenerFlags flags, const char *interface)
{
  g_auto (GVariantDict) properties = G_VARIANT_DICT_INIT (NULL);

  if (g_str_equal (interface, INTERFACE_LISTENER))
    g_variant_dict_insert_value (&properties, "Interfaces", interfaces_value (flags));
  return g_variant_new ("(@a{sv})", g_variant_dict_end (&properties));
}

static bool
answer_properties (const struct transport_call *call, QdmabufListenerFlags flags,
                   struct event *event, const char **dbus_error, GError **error)
{
  bool all = g_str_equal (call->member, "GetAll");
  bool get = g_str_equal (call->member, "Get");
  const char *interface = NULL;
  const char *property = "";

  if (all && g_variant_is_of_type (call->body, G_VARIANT_TYPE ("(s)")))
    g_variant_get (call->body, "(&s)", &interface);
  else if (get && g_variant_is_of_type (call->body, G_VARIANT_TYPE ("(ss)")))
    g_variant_get (call->body, "(&s&s)", &interface, &property);
  else if (g_str_equal (call->member, "Set"))
    return unknown (ERROR_PROPERTY_READ_ONLY, dbus_error, error, "change of a property by", "Set");
  else
    return unknown (ERROR_INVALID_ARGS, dbus_error, error, "properties with the arguments",
                    g_variant_get_type_string (call->body));

  if (!standard_has_interface (flags, interface))
    return unknown (ERROR_UNKNOWN_INTERFACE, dbus_error, error, "properties of", interface);
  if (get && !(g_str_equal (interface, INTERFACE_LISTENER) && g_str_equal (property, "Interfaces")))
    return unknown (ERROR_UNKNOWN_PROPERTY, dbus_error, error, "property", property);
  event->answer =
      get ? g_variant_new ("(v)", interfaces_value (flags)) : get_all (flags, interface);
  return true;
}

static void
append_methods (GString *xml, const char *interface)
{
  for (unsigned i = 0; i < event_n_methods (); i++) {
    if (!g_str_equal (event_method_interface (i), interface))
      continue;
    g_string_append_printf (xml, "<method name=\"%s\">", event_method_member (i));
    const GVariantType *type = g_variant_type_first (G_VARIANT_TYPE (event_method_signature (i)));
    for (; type; type = g_variant_type_next (type))
      g_string_append_printf (xml, "<arg type=\"%.*s\" direction=\"in\"/>",
                              (int) g_variant_type_get_string_length (type),
                              g_variant_type_peek_string (type));
    g_string_append (xml, "</method>");
  }
}

static GVariant *
introspect (QdmabufListenerFlags flags)
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
  return g_variant_new ("(s)", xml->str);
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
    event->answer = introspect (flags);
  else if (g_str_equal (interface, INTERFACE_PEER) && g_str_equal (call->member, "Ping"))
    event->answer = g_variant_new_tuple (NULL, 0);
  else {
    *handled = false;
    return true;
  }
  if (event->answer) {
    g_variant_ref_sink (event->answer);
    event->kind = EVENT_ANSWER;
  }
  return good;
}
