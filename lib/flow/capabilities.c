/* SPDX-License-Identifier: MIT */
/* Asking every device what it can, once, for people and doctors. */
#include "flow/capabilities.h"

#include "buffer/fourcc.h"
#include "import/backend.h"

static GVariant *
formats_of_cpu (void)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("au"));
  for (size_t i = 0; i < pixel_format_count (); i++)
    g_variant_builder_add (&builder, "u", pixel_format_at (i)->fourcc);
  return g_variant_builder_end (&builder);
}

static void *
query_devices (void *render_node)
{
  return g_variant_ref_sink (egl_query_devices (render_node));
}

GVariant *
capabilities_query (const char *render_node)
{
  GVariantBuilder builder;
  GThread *thread = g_thread_new ("qdmabuf-query", query_devices, (void *) render_node);
  g_autoptr (GVariant) devices = g_thread_join (thread);

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "egl", g_variant_new_boolean (HAVE_EGL));
  g_variant_builder_add (&builder, "{sv}", "gbm", g_variant_new_boolean (HAVE_GBM));
  g_variant_builder_add (&builder, "{sv}", "cpu-formats", formats_of_cpu ());
  g_variant_builder_add (&builder, "{sv}", "devices", devices);
  return g_variant_builder_end (&builder);
}
