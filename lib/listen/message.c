/* SPDX-License-Identifier: MIT */
/* What each field of a header must be, and the header of our own answers. */
#include "listen/message.h"

#include <qemu-dmabuf/qdmabuf-error.h>

#define VERSION 1
#define MAX_MESSAGE (128u << 20) /* bytes: D-Bus's own limit */

struct field {
  const char *name;
  const char *type;
  bool (*is_valid) (const char *text); /* nullable */
};

static bool
is_path (const char *text)
{
  return g_variant_is_object_path (text);
}

static bool
is_interface (const char *text)
{
  return g_dbus_is_interface_name (text);
}

static bool
is_member (const char *text)
{
  return g_dbus_is_member_name (text);
}

/* By number; [0] is none. */
static const struct field known[] = {
  [FIELD_PATH] = { "object", "o", is_path },
  [FIELD_INTERFACE] = { "interface", "s", is_interface },
  [FIELD_MEMBER] = { "member", "s", is_member },
  [FIELD_ERROR_NAME] = { "error's name", "s", NULL },
  [FIELD_REPLY_SERIAL] = { "reply's serial", "u", NULL },
  [FIELD_DESTINATION] = { "destination", "s", NULL },
  [FIELD_SENDER] = { "sender", "s", NULL },
  [FIELD_SIGNATURE] = { "signature", "g", NULL },
  [FIELD_UNIX_FDS] = { "number of file descriptors", "u", NULL },
};

static bool
check_sizes (const struct message *message, GError **error)
{
  uint64_t all = (uint64_t) MESSAGE_FIXED + message->fields_size + message->body_size;

  if (all > MAX_MESSAGE || message->fields_used > WIRE_MAX_ARRAY) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL,
                 "QEMU sent a broken message: one of %" G_GUINT64_FORMAT " bytes", all);
    return false;
  }
  if (message->fields_size <= MESSAGE_MAX_FIELDS && message->body_size <= MESSAGE_MAX_BODY)
    return true;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT,
               "QEMU announced a message of %" G_GUINT64_FORMAT
               " bytes, %u of them names: at most %u, and %u names, are possible",
               all, message->fields_used, MESSAGE_MAX_BODY, MESSAGE_MAX_FIELDS);
  return false;
}

bool
message_start (struct message *message, const uint8_t *fixed, GError **error)
{
  const bool is_big = fixed[0] == 'B';
  struct wire wire = {
    .data = fixed, .size = MESSAGE_FIXED, .at = 4, .swap = is_big != (G_BYTE_ORDER == G_BIG_ENDIAN)
  };

  *message = (struct message){ .type = fixed[1], .flags = fixed[2], .swap = wire.swap };
  message->body_size = wire_u32 (&wire);
  message->serial = wire_u32 (&wire);
  message->fields_used = wire_u32 (&wire);
  message->fields_size = (MIN (message->fields_used, UINT32_MAX - 7) + 7) & ~7u;
  if ((is_big || fixed[0] == 'l') && fixed[1] != 0 && fixed[3] == VERSION)
    return check_sizes (message, error);
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL,
               "QEMU sent a broken message: it begins with %02x %02x %02x %02x", fixed[0], fixed[1],
               fixed[2], fixed[3]);
  return false;
}

static bool
refuse_field (unsigned code, const char *why, GError **error)
{
  const char *name = code < G_N_ELEMENTS (known) ? known[code].name : NULL;

  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL,
               "a call with a broken header: field %u%s%s%s %s", code, name ? " (the " : "",
               name ? name : "", name ? ")" : "", why);
  return false;
}

/* The place of a field that we keep, NULL for the others. */
static const char **
text_of (struct message *message, unsigned code)
{
  switch (code) {
  case FIELD_PATH:
    return &message->path;
  case FIELD_INTERFACE:
    return &message->interface;
  case FIELD_MEMBER:
    return &message->member;
  case FIELD_SIGNATURE:
    return &message->signature;
  default:
    return NULL;
  }
}

static bool
read_known (struct message *message, struct wire *wire, unsigned code, GError **error)
{
  const struct field *field = &known[code];
  const char **place = text_of (message, code);
  const char *text = "";
  uint32_t number = 0;

  if (*field->type == 'u')
    number = wire_u32 (wire);
  else
    text = *field->type == 'g' ? wire_signature (wire) : wire_string (wire);
  if (wire->bad || (field->is_valid && !field->is_valid (text)))
    return refuse_field (code, "is not valid", error);
  if (place)
    *place = text;
  else if (code == FIELD_UNIX_FDS)
    message->n_fds = number;
  return true;
}

/* Fields that we do not know are to be passed over, of whatever type they are. */
static bool
read_field (struct message *message, struct wire *wire, unsigned *seen, GError **error)
{
  wire_align (wire, 8);
  unsigned code = wire_u8 (wire);
  const char *type = wire_signature (wire);

  if (!type)
    return refuse_field (code, "ends early", error);
  if (code == 0)
    return refuse_field (code, "does not exist", error);
  if (code >= G_N_ELEMENTS (known)) {
    if (*type)
      wire_skip (wire, &type);
    else
      wire->bad = true;
    return !wire->bad && *type == 0 ? true : refuse_field (code, "is not valid", error);
  }
  if (!g_str_equal (type, known[code].type))
    return refuse_field (code, "is of the wrong type", error);
  if (*seen & 1u << code)
    return refuse_field (code, "is there twice", error);
  *seen |= 1u << code;
  return read_known (message, wire, code, error);
}

static bool
check_call (const struct message *message, GError **error)
{
  const char *missing = !message->path     ? "an object"
                        : !message->member ? "a member"
                        : !message->serial ? "a serial"
                                           : NULL;

  if (message->body_size > 0 && !*message->signature)
    missing = "a signature";
  if (!missing)
    return true;
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL, "a call without %s", missing);
  return false;
}

bool
message_fields (struct message *message, const uint8_t *fields, GError **error)
{
  struct wire wire = { .data = fields, .size = message->fields_used, .swap = message->swap };
  unsigned seen = 0;

  message->signature = "";
  while (wire.at < wire.size)
    if (!read_field (message, &wire, &seen, error))
      return false;
  return check_call (message, error);
}

static void
put_field (GByteArray *bytes, enum message_field code)
{
  const uint8_t number = (uint8_t) code;

  wire_put_align (bytes, 8);
  g_byte_array_append (bytes, &number, 1);
  wire_put_signature (bytes, known[code].type);
}

void
message_put_answer (GByteArray *bytes, uint32_t serial, uint32_t reply_serial,
                    const char *error_name, const char *signature, uint32_t body_size)
{
  const uint8_t start[] = { 'l', error_name ? MESSAGE_ERROR : MESSAGE_RETURN,
                            MESSAGE_NO_REPLY_EXPECTED, VERSION };

  g_byte_array_append (bytes, start, sizeof start);
  wire_put_u32 (bytes, body_size);
  wire_put_u32 (bytes, serial);
  unsigned place = bytes->len;
  wire_put_u32 (bytes, 0);
  put_field (bytes, FIELD_REPLY_SERIAL);
  wire_put_u32 (bytes, reply_serial);
  if (error_name) {
    put_field (bytes, FIELD_ERROR_NAME);
    wire_put_string (bytes, error_name);
  }
  if (*signature) {
    put_field (bytes, FIELD_SIGNATURE);
    wire_put_signature (bytes, signature);
  }
  wire_set_u32 (bytes, place, bytes->len - place - 4);
  wire_put_align (bytes, 8);
}
