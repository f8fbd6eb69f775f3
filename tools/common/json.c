/* SPDX-License-Identifier: MIT */
/* JSON output: walks a GVariant, which is all the structure that the programs' reports need. */
#include "json.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void append_value (GString *out, GVariant *value, unsigned depth);

static void
append_string (GString *out, const char *text)
{
  g_string_append_c (out, '"');
  for (const char *p = text; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (c == '"' || c == '\\')
      g_string_append_printf (out, "\\%c", (char) c);
    else if (c == '\n')
      g_string_append (out, "\\n");
    else if (g_unichar_iscntrl (c))
      g_string_append_printf (out, "\\u%04x", c);
    else
      g_string_append_unichar (out, c);
  }
  g_string_append_c (out, '"');
}

static void
append_double (GString *out, double number)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append (out, isfinite (number) ? g_ascii_dtostr (text, sizeof text, number) : "null");
}

static void
append_line (GString *out, unsigned depth)
{
  g_string_append_printf (out, "\n%*s", (int) (2 * depth), "");
}

static int
by_key (gconstpointer a, gconstpointer b)
{
  g_autoptr (GVariant) first = g_variant_get_child_value (*(GVariant *const *) a, 0);
  g_autoptr (GVariant) second = g_variant_get_child_value (*(GVariant *const *) b, 0);

  return strcmp (g_variant_get_string (first, NULL), g_variant_get_string (second, NULL));
}

/* The elements of an array, a tuple or a dictionary. A GVariantDict has no order: keys are sorted,
 * so that equal things look equal. */
static void
append_container (GString *out, GVariant *value, unsigned depth)
{
  bool object = g_variant_is_of_type (value, G_VARIANT_TYPE ("a{s*}"));
  g_autoptr (GPtrArray) children =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);

  for (gsize i = 0; i < g_variant_n_children (value); i++)
    g_ptr_array_add (children, g_variant_get_child_value (value, i));
  if (object)
    g_ptr_array_sort (children, by_key);
  g_string_append_c (out, object ? '{' : '[');
  for (guint i = 0; i < children->len; i++) {
    if (i > 0)
      g_string_append_c (out, ',');
    append_line (out, depth + 1);
    append_value (out, children->pdata[i], depth + 1);
  }
  if (children->len > 0)
    append_line (out, depth);
  g_string_append_c (out, object ? '}' : ']');
}

static void
append_member (GString *out, GVariant *entry, unsigned depth)
{
  g_autoptr (GVariant) key = g_variant_get_child_value (entry, 0);
  g_autoptr (GVariant) value = g_variant_get_child_value (entry, 1);

  append_value (out, key, depth);
  g_string_append (out, ": ");
  append_value (out, value, depth);
}

static void
append_variant (GString *out, GVariant *value, unsigned depth)
{
  g_autoptr (GVariant) inner = g_variant_get_variant (value);

  append_value (out, inner, depth);
}

static void
append_maybe (GString *out, GVariant *value, unsigned depth)
{
  g_autoptr (GVariant) inner = g_variant_get_maybe (value);

  if (inner)
    append_value (out, inner, depth);
  else
    g_string_append (out, "null");
}

/* GVariant's own text of an integer is JSON's, except for the hexadecimal of a byte. */
static void
append_integer (GString *out, GVariant *value)
{
  g_autofree char *text = NULL;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BYTE))
    text = g_strdup_printf ("%u", g_variant_get_byte (value));
  else
    text = g_variant_print (value, FALSE);
  g_string_append (out, text);
}

static void
append_value (GString *out, GVariant *value, unsigned depth)
{
  switch (g_variant_classify (value)) {
  case G_VARIANT_CLASS_BOOLEAN:
    g_string_append (out, g_variant_get_boolean (value) ? "true" : "false");
    break;
  case G_VARIANT_CLASS_DOUBLE:
    append_double (out, g_variant_get_double (value));
    break;
  case G_VARIANT_CLASS_STRING:
  case G_VARIANT_CLASS_OBJECT_PATH:
  case G_VARIANT_CLASS_SIGNATURE:
    append_string (out, g_variant_get_string (value, NULL));
    break;
  case G_VARIANT_CLASS_VARIANT:
    append_variant (out, value, depth);
    break;
  case G_VARIANT_CLASS_DICT_ENTRY:
    append_member (out, value, depth);
    break;
  case G_VARIANT_CLASS_ARRAY:
  case G_VARIANT_CLASS_TUPLE:
    append_container (out, value, depth);
    break;
  case G_VARIANT_CLASS_MAYBE:
    append_maybe (out, value, depth);
    break;
  case G_VARIANT_CLASS_BYTE:
  case G_VARIANT_CLASS_INT16:
  case G_VARIANT_CLASS_UINT16:
  case G_VARIANT_CLASS_INT32:
  case G_VARIANT_CLASS_UINT32:
  case G_VARIANT_CLASS_INT64:
  case G_VARIANT_CLASS_UINT64:
  case G_VARIANT_CLASS_HANDLE:
  default:
    append_integer (out, value);
    break;
  }
}

char *
json_from_variant (GVariant *value)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (value);
  GString *out = g_string_new (NULL);

  append_value (out, owned, 0);
  return g_string_free (out, FALSE);
}

void
json_print (GVariant *value)
{
  g_autofree char *text = json_from_variant (value);

  /* JSON is UTF-8, whatever the terminal's encoding. */
  puts (text);
}
