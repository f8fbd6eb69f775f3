/* SPDX-License-Identifier: MIT */
/* --doctor: puts its parts together. */
#include "doctor.h"

#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdio.h>

#include "common/json.h"
#include "doctor-parts.h"

static GVariant *
gather (const struct options *options)
{
  g_autoptr (GVariant) backends = g_variant_ref_sink (doctor_backends (options));
  g_autoptr (GVariant) kernel = g_variant_ref_sink (doctor_kernel ());
  g_autoptr (GVariant) qemu = g_variant_ref_sink (doctor_qemu (options, backends, kernel));
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "version", "s", qdmabuf_get_version ());
  g_variant_dict_insert_value (&dict, "backends", backends);
  g_variant_dict_insert_value (&dict, "kernel", kernel);
  g_variant_dict_insert_value (&dict, "qemu", qemu);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

enum status
doctor_run (const struct options *options)
{
  g_autoptr (GVariant) report = gather (options);
  g_autofree char *text = options->json ? NULL : doctor_text (report);

  if (text)
    fputs (text, stdout);
  else
    json_print (report);
  return STATUS_OK;
}
