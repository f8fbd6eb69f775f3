/* SPDX-License-Identifier: MIT */
/* What EGL offers on this machine, asked on a thread of its own so that the caller's GL does not
 * notice. */
#include <epoxy/egl.h>
#include <epoxy/gl.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "import/backend.h"
#include "import/egl/choice.h"
#include "import/egl/device.h"
#include "import/egl/formats.h"

static void
add (GVariantBuilder *builder, const char *name, GVariant *value)
{
  g_variant_builder_add (builder, "{sv}", name, value);
}

static void
add_string (GVariantBuilder *builder, const char *name, const char *value)
{
  add (builder, name, g_variant_new_string (value ? value : ""));
}

static void
add_gl_string (GVariantBuilder *builder, const char *name, GLenum what)
{
  add_string (builder, name, (const char *) glGetString (what));
}

static void
describe_device (GVariantBuilder *builder, const struct egl_device *device)
{
  add_string (builder, "driver", device->driver);
  add_gl_string (builder, "renderer", GL_RENDERER);
  add_gl_string (builder, "vendor", GL_VENDOR);
  add_gl_string (builder, "version", GL_VERSION);
  add (builder, "software", g_variant_new_boolean (device->software));
  add (builder, "formats", egl_formats_list (device));
}

static GVariant *
describe_choice (const struct egl_choice *choice)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  g_autoptr (GError) error = NULL;
  struct egl_device *device = egl_device_open_choice (choice, &error);

  add_string (&builder, "backend", "egl");
  add_string (&builder, "render-node", choice->node);
  add_string (&builder, "platform", egl_platform_name (choice->platform));
  if (device)
    describe_device (&builder, device);
  else
    add_string (&builder, "error", error->message);
  g_clear_pointer (&device, egl_device_close);
  return g_variant_builder_end (&builder);
}

static GVariant *
describe_absence (const GError *error)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  add_string (&builder, "backend", "egl");
  add_string (&builder, "error", error->message);
  return g_variant_builder_end (&builder);
}

static void *
query_main (void *data)
{
  const char *node = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) choices = egl_choices (node && *node ? node : NULL, &error);
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  if (!choices)
    g_variant_builder_add_value (&builder, describe_absence (error));
  for (unsigned i = 0; choices && i < choices->len; i++) {
    const struct egl_choice *choice = &g_array_index (choices, struct egl_choice, i);

    if (!choice->second_way)
      g_variant_builder_add_value (&builder, describe_choice (choice));
  }
  if (choices && choices->len == 0) {
    g_set_error (&error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND, "EGL has no device%s%s",
                 node ? " at " : "", node ? node : "");
    g_variant_builder_add_value (&builder, describe_absence (error));
  }
  if (choices)
    eglReleaseThread ();
  return g_variant_builder_end (&builder);
}

GVariant *
egl_query_devices (const char *render_node)
{
  g_autofree char *node = g_strdup (render_node);

  return g_thread_join (g_thread_new ("qdmabuf-query", query_main, node));
}
