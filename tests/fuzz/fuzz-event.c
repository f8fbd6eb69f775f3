/* SPDX-License-Identifier: MIT */
/* Hostile calls into the decoder: as messages off the wire, and as right signatures with wrong
 * numbers. */
#define _GNU_SOURCE 1 /* memfd_create */

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "listen/event.h"
#include "listen/names.h"

#define MAX_FDS 5u

/* What is left of the input; behind its end everything is 0. */
struct input {
  const uint8_t *data;
  size_t size;
};

static uint32_t
take_number (struct input *input, size_t bytes)
{
  uint32_t number = 0;
  size_t n = MIN (bytes, input->size);

  memcpy (&number, input->data, n);
  input->data += n;
  input->size -= n;
  return number;
}

static GVariant *
take_value (struct input *input, const GVariantType *type)
{
  g_autoptr (GPtrArray) children = NULL;
  GVariant *value = NULL;
  size_t n = 0;

  switch (*g_variant_type_peek_string (type)) {
  case 'u':
    return g_variant_new_uint32 (take_number (input, 4));
  case 'i':
    return g_variant_new_int32 ((int32_t) take_number (input, 4));
  case 'h':
    return g_variant_new_handle ((int8_t) take_number (input, 1));
  case 'b':
    return g_variant_new_boolean (take_number (input, 1) & 1);
  case 't':
    return g_variant_new_uint64 ((uint64_t) take_number (input, 4) << 32 | take_number (input, 4));
  case 'a':
    n = take_number (input, 2) & 0xfff;
    type = g_variant_type_element (type);
    if (g_variant_type_equal (type, G_VARIANT_TYPE_BYTE)) {
      g_autofree uint8_t *bytes = g_malloc0 (n + 1);
      return g_variant_new_fixed_array (type, bytes, n, 1);
    }
    children = g_ptr_array_new ();
    for (size_t i = 0; i < n % 8; i++)
      g_ptr_array_add (children, take_value (input, type));
    return g_variant_new_array (type, (GVariant **) children->pdata, children->len);
  default:
    value = g_variant_new_byte (0);
    return value;
  }
}

static GVariant *
take_body (struct input *input, const char *signature)
{
  g_autoptr (GPtrArray) values = g_ptr_array_new ();
  const GVariantType *type = g_variant_type_first (G_VARIANT_TYPE (signature));

  for (; type; type = g_variant_type_next (type))
    g_ptr_array_add (values, take_value (input, type));
  return g_variant_new_tuple ((GVariant **) values->pdata, values->len);
}

/* Each of one page; the first three may be sealed, cut or no memory at all. */
static GUnixFDList *
make_fds (unsigned n, unsigned what)
{
  GUnixFDList *list = g_unix_fd_list_new ();

  for (unsigned i = 0; i < n; i++) {
    int fd = what & 8 ? open ("/dev/null", O_RDONLY | O_CLOEXEC)
                      : memfd_create ("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (ftruncate (fd, what & 1 ? 0 : 4096) == 0 && what & 2)
      fcntl (fd, F_ADD_SEALS, F_SEAL_SHRINK);
    g_unix_fd_list_append (list, fd, NULL);
    close (fd);
  }
  return list;
}

static void
decode (struct transport_call *call, unsigned flags)
{
  g_autoptr (GError) error = NULL;
  const char *dbus_error = NULL;
  struct event event;
  unsigned method = 0;
  bool good = event_decode (call, flags, &event, &method, &dbus_error, &error);

  if (good != !error || (!good && (!dbus_error || strlen (error->message) > 4096)) ||
      (!good && event.kind != EVENT_NONE))
    abort ();
  /* Every byte that was promised is there. */
  if (good && event.kind == EVENT_UPDATE_PIXELS) {
    size_t size = 0;
    const uint8_t *data = g_bytes_get_data (event.pixels, &size);
    volatile uint8_t last = data[(size_t) (event.rect.height - 1) * event.stride];
    (void) last;
  }
  if (good && event.kind == EVENT_SCANOUT && event.buffer->kind == BUFFER_BYTES)
    event.buffer->bytes[layout_linear_size (&event.buffer->layout, 0) - 1] = 1;
  event_clear (&event);
}

static void
decode_blob (struct input input, GUnixFDList *fds, unsigned flags)
{
  g_autofree guchar *copy = g_memdup2 (input.data, input.size);
  g_autoptr (GDBusMessage) message =
      input.size < 16 ? NULL
                      : g_dbus_message_new_from_blob (
                            copy, input.size, G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING, NULL);

  if (!message || g_dbus_message_get_message_type (message) != G_DBUS_MESSAGE_TYPE_METHOD_CALL)
    return;
  GVariant *body = g_dbus_message_get_body (message);
  g_autoptr (GVariant) own =
      body ? g_variant_ref (body) : g_variant_ref_sink (g_variant_new_tuple (NULL, 0));
  struct transport_call call = { .path = g_dbus_message_get_path (message),
                                 .interface = g_dbus_message_get_interface (message),
                                 .member = g_dbus_message_get_member (message),
                                 .body = own,
                                 .fds = fds,
                                 .n_fds = (unsigned) g_unix_fd_list_get_length (fds) };

  decode (&call, flags);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct input input = { data, size };
  unsigned what = take_number (&input, 1);
  unsigned method = take_number (&input, 1) % (event_n_methods () + 4);
  unsigned flags = what >> 4 & QDMABUF_LISTENER_ALL;
  g_autoptr (GUnixFDList) fds = make_fds (take_number (&input, 1) % MAX_FDS, what);

  if (method >= event_n_methods ()) {
    decode_blob (input, fds, flags);
    return 0;
  }
  g_autoptr (GVariant) body =
      g_variant_ref_sink (take_body (&input, event_method_signature (method)));
  struct transport_call call = { .path = PATH_LISTENER,
                                 .interface = event_method_interface (method),
                                 .member = event_method_member (method),
                                 .body = body,
                                 .fds = fds,
                                 .n_fds = (unsigned) g_unix_fd_list_get_length (fds) };
  decode (&call, QDMABUF_LISTENER_ALL);
  return 0;
}
