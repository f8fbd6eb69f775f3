/* SPDX-License-Identifier: MIT */
/* The driver's own list; that a modifier stands in it is no promise that every size and stride of
 * it imports. */
#include "import/egl/formats.h"

#include <drm_fourcc.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "buffer/fourcc.h"

struct modifiers {
  EGLint n;
  EGLuint64KHR *modifiers;
  EGLBoolean *external_only;
};

static void
modifiers_clear (struct modifiers *list)
{
  g_free (list->modifiers);
  g_free (list->external_only);
}

/* Some drivers list formats that they then know no modifiers of; an error counts as an empty list.
 */
static struct modifiers
query_modifiers (const struct egl_device *device, uint32_t fourcc)
{
  struct modifiers list = { 0 };
  EGLint n = 0;

  if (!device->query_modifiers (device->display, (EGLint) fourcc, 0, NULL, NULL, &n) || n <= 0)
    return list;
  list.modifiers = g_new0 (EGLuint64KHR, (gsize) n);
  list.external_only = g_new0 (EGLBoolean, (gsize) n);
  if (!device->query_modifiers (device->display, (EGLint) fourcc, n, list.modifiers,
                                list.external_only, &list.n))
    list.n = 0;
  list.n = MIN (list.n, n);
  return list;
}

/* Of EGLint fourccs. Full transfer. */
static GArray *
query_formats (const struct egl_device *device)
{
  GArray *formats = g_array_new (FALSE, TRUE, sizeof (EGLint));
  EGLint n = 0;

  if (!device->query_formats (device->display, 0, NULL, &n) || n <= 0)
    return formats;
  g_array_set_size (formats, (guint) n);
  if (!device->query_formats (device->display, n, (EGLint *) (void *) formats->data, &n))
    n = 0;
  g_array_set_size (formats, (guint) CLAMP (n, 0, (EGLint) formats->len));
  return formats;
}

static bool
knows_format (const struct egl_device *device, uint32_t fourcc)
{
  g_autoptr (GArray) formats = query_formats (device);

  for (unsigned i = 0; i < formats->len; i++) {
    if ((uint32_t) g_array_index (formats, EGLint, i) == fourcc)
      return true;
  }
  return false;
}

static bool
refuse_format (uint32_t fourcc, GError **error)
{
  g_autofree char *name = fourcc_name (fourcc);

  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_FORMAT,
               "the driver does not import %s", name);
  return false;
}

static bool
refuse_modifier (uint32_t fourcc, uint64_t modifier, const char *why, GError **error)
{
  g_autofree char *format = fourcc_name (fourcc);
  g_autofree char *name = modifier_name (modifier);

  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_MODIFIER,
               "the driver does not import %s with modifier %s%s", format, name, why);
  return false;
}

bool
egl_formats_find (const struct egl_device *device, uint32_t fourcc, uint64_t modifier,
                  bool *external_only, GError **error)
{
  *external_only = false;
  if (!device->query_modifiers)
    return modifier == DRM_FORMAT_MOD_INVALID ||
           refuse_modifier (fourcc, modifier,
                            ": it knows none (EGL_EXT_image_dma_buf_import_modifiers)", error);
  if (!knows_format (device, fourcc))
    return refuse_format (fourcc, error);
  if (modifier == DRM_FORMAT_MOD_INVALID)
    return true;

  struct modifiers list = query_modifiers (device, fourcc);
  bool found = false;
  for (EGLint i = 0; i < list.n && !found; i++) {
    found = list.modifiers[i] == modifier;
    *external_only = found && list.external_only[i];
  }
  modifiers_clear (&list);
  return found || refuse_modifier (fourcc, modifier, "", error);
}

/* Where red, green and blue are among the four bytes of a pixel; NULL: in no order of its own. */
static const uint8_t *
bytes_of (uint32_t fourcc)
{
  static const uint8_t rgbx[] = { 3, 2, 1 };
  static const uint8_t bgrx[] = { 1, 2, 3 };

  switch (pixel_format_find (fourcc)->opaque) {
  case DRM_FORMAT_RGBX8888:
    return rgbx;
  case DRM_FORMAT_BGRX8888:
    return bgrx;
  default:
    return NULL;
  }
}

/* Which channel of a texel each byte of an AR24 or AB24 pixel becomes. */
static bool
choose_substitute (const struct egl_device *device, uint32_t substitute, uint64_t modifier,
                   const uint8_t *bytes, struct egl_format *format)
{
  static const uint8_t argb[] = { 2, 1, 0, 3 };
  static const uint8_t abgr[] = { 0, 1, 2, 3 };
  const uint8_t *channels = substitute == DRM_FORMAT_ARGB8888 ? argb : abgr;

  if (!egl_formats_find (device, substitute, modifier, &format->external_only, NULL))
    return false;
  format->fourcc = substitute;
  for (unsigned i = 0; i < 3; i++)
    format->channel[i] = channels[bytes[i]];
  return true;
}

bool
egl_formats_choose (const struct egl_device *device, uint32_t fourcc, uint64_t modifier,
                    struct egl_format *format, GError **error)
{
  const uint8_t *bytes = bytes_of (fourcc);
  bool own = !bytes || (device->query_formats && knows_format (device, fourcc));

  *format = (struct egl_format){ .fourcc = fourcc, .channel = { 0, 1, 2 } };
  if (!own && (choose_substitute (device, DRM_FORMAT_ARGB8888, modifier, bytes, format) ||
               choose_substitute (device, DRM_FORMAT_ABGR8888, modifier, bytes, format)))
    return true;
  return egl_formats_find (device, fourcc, modifier, &format->external_only, error);
}

static GVariant *
list_modifiers (const struct egl_device *device, uint32_t fourcc)
{
  struct modifiers list = query_modifiers (device, fourcc);
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(tb)"));

  for (EGLint i = 0; i < list.n; i++)
    g_variant_builder_add (&builder, "(tb)", (guint64) list.modifiers[i],
                           (gboolean) list.external_only[i]);
  modifiers_clear (&list);
  return g_variant_builder_end (&builder);
}

GVariant *
egl_formats_list (const struct egl_device *device)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ua(tb))"));

  if (!device->query_modifiers)
    return g_variant_builder_end (&builder);
  g_autoptr (GArray) formats = query_formats (device);
  for (unsigned i = 0; i < formats->len; i++) {
    uint32_t fourcc = (uint32_t) g_array_index (formats, EGLint, i);

    g_variant_builder_add (&builder, "(u@a(tb))", fourcc, list_modifiers (device, fourcc));
  }
  return g_variant_builder_end (&builder);
}
