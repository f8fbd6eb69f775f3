/* SPDX-License-Identifier: MIT */
/* The header of a D-Bus message. Its first bytes say where the message ends, so a call whose fields
 * cannot be believed is refused and the next one is read all the same. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>

#include "listen/wire.h"

#define MESSAGE_FIXED 16u /* bytes of the part that every message begins with */
/* Bytes of the fields. QEMU's calls have some 150. */
#define MESSAGE_MAX_FIELDS (64u << 10)
/* Bytes of the body: the largest array that D-Bus has, and what a call has besides it. */
#define MESSAGE_MAX_BODY (WIRE_MAX_ARRAY + 4096u)

enum message_type { MESSAGE_CALL = 1, MESSAGE_RETURN, MESSAGE_ERROR, MESSAGE_SIGNAL };

enum message_field {
  FIELD_PATH = 1,
  FIELD_INTERFACE,
  FIELD_MEMBER,
  FIELD_ERROR_NAME,
  FIELD_REPLY_SERIAL,
  FIELD_DESTINATION,
  FIELD_SENDER,
  FIELD_SIGNATURE,
  FIELD_UNIX_FDS,
};

#define MESSAGE_NO_REPLY_EXPECTED 1u /* of flags */

struct message {
  uint8_t type, flags;
  bool swap; /* the numbers are of the other byte order than ours */
  uint32_t serial;
  uint32_t fields_size; /* bytes, as the fields are read: with the padding behind them */
  uint32_t fields_used; /* without it */
  uint32_t body_size;   /* bytes */
  /* Of a call whose fields were read: valid names, or NULL where there is none. Lent from the
   * fields. */
  const char *path, *interface, *member;
  const char *signature; /* never NULL then */
  uint32_t n_fds;        /* as the header has it */
};

/* fixed: MESSAGE_FIXED bytes. Sets what does not come from the fields. Errors, after which nobody
 * knows where the next message begins: PROTOCOL (no D-Bus message), LIMIT (larger than any call of
 * QEMU). */
bool message_start (struct message *message, const uint8_t *fixed, GError **error);
/* fields: fields_size bytes, for a message that message_start has begun; of a call only, as
 * nobody reads those of others. Errors: PROTOCOL. */
bool message_fields (struct message *message, const uint8_t *fields, GError **error);
/* Appends the header of an answer in little endian; its body must follow. error_name: nullable, a
 * good answer. signature: of the body. */
void message_put_answer (GByteArray *bytes, uint32_t serial, uint32_t reply_serial,
                         const char *error_name, const char *signature, uint32_t body_size);
