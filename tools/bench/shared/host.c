/* SPDX-License-Identifier: MIT */
/* The processor, its caches, the kernel, and the libraries that do the work. */
#include "shared/host.h"

#include <gnu/libc-version.h>
#include <libyuv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define CACHES "/sys/devices/system/cpu/cpu0/cache"
#define GOVERNOR "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"

/* The text of a small file without its line feed; NULL: not there. Full transfer. */
static char *
read_line (const char *path)
{
  char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return NULL;
  return g_strchomp (text);
}

/* Full transfer. */
static char *
cpu_name (const struct utsname *system)
{
  g_autofree char *text = read_line ("/proc/cpuinfo");
  g_auto (GStrv) lines = g_strsplit (text ? text : "", "\n", -1);

  for (char **line = lines; *line; line++) {
    const char *value = strchr (*line, ':');

    if (value && g_str_has_prefix (*line, "model name"))
      return g_strstrip (g_strdup (value + 1));
  }
  return g_strdup (system->machine);
}

static GVariant *
describe_cache (const char *folder)
{
  g_autofree char *level_path = g_build_filename (folder, "level", NULL);
  g_autofree char *type_path = g_build_filename (folder, "type", NULL);
  g_autofree char *size_path = g_build_filename (folder, "size", NULL);
  g_autofree char *level = read_line (level_path);
  g_autofree char *type = read_line (type_path);
  g_autofree char *size = read_line (size_path);
  GVariantDict dict;
  char *unit = NULL;

  if (!level || !type || !size)
    return NULL;
  guint64 bytes = g_ascii_strtoull (size, &unit, 10);
  bytes <<= *unit == 'K' ? 10 : *unit == 'M' ? 20 : 0;
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "level", "u", (guint32) g_ascii_strtoull (level, NULL, 10));
  g_variant_dict_insert (&dict, "type", "s", type);
  g_variant_dict_insert (&dict, "bytes", "t", bytes);
  return g_variant_dict_end (&dict);
}

static GVariant *
describe_caches (void)
{
  GVariantBuilder caches;

  g_variant_builder_init (&caches, G_VARIANT_TYPE ("aa{sv}"));
  for (unsigned i = 0;; i++) {
    g_autofree char *folder = g_strdup_printf ("%s/index%u", CACHES, i);
    GVariant *cache = describe_cache (folder);

    if (!cache)
      return g_variant_builder_end (&caches);
    g_variant_builder_add_value (&caches, cache);
  }
}

GVariant *
host_describe (void)
{
  g_autofree char *governor = read_line (GOVERNOR);
  const char *forced = g_getenv ("QDMABUF_CPU");
  struct utsname system = { 0 };
  double load = 0;
  GVariantDict dict;

  uname (&system);
  getloadavg (&load, 1);
  g_autofree char *cpu = cpu_name (&system);
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "cpu", "s", cpu);
  g_variant_dict_insert (&dict, "cpus", "u", g_get_num_processors ());
  g_variant_dict_insert_value (&dict, "caches", describe_caches ());
  g_variant_dict_insert (&dict, "kernel", "s", system.release);
  g_variant_dict_insert (&dict, "architecture", "s", system.machine);
  g_variant_dict_insert (&dict, "libyuv", "u", (guint32) LIBYUV_VERSION);
  g_variant_dict_insert (&dict, "libc", "s", gnu_get_libc_version ());
  g_variant_dict_insert (&dict, "load", "d", load);
  if (governor)
    g_variant_dict_insert (&dict, "governor", "s", governor);
  if (forced && *forced)
    g_variant_dict_insert (&dict, "forced-cpu", "s", forced);
  return g_variant_dict_end (&dict);
}

static const char *
text_of (GVariant *host, const char *key, const char *otherwise)
{
  const char *text = otherwise;

  g_variant_lookup (host, key, "&s", &text);
  return text;
}

static void
print_caches (GVariant *host)
{
  g_autoptr (GVariant) caches = g_variant_lookup_value (host, "caches", NULL);

  printf ("caches  ");
  for (gsize i = 0; i < g_variant_n_children (caches); i++) {
    g_autoptr (GVariant) cache = g_variant_get_child_value (caches, i);
    guint32 level = 0;
    guint64 bytes = 0;

    g_variant_lookup (cache, "level", "u", &level);
    g_variant_lookup (cache, "bytes", "t", &bytes);
    printf ("%sL%u %s %" G_GUINT64_FORMAT " KiB", i > 0 ? ", " : "", level,
            text_of (cache, "type", ""), bytes >> 10);
  }
  printf ("%s\n", g_variant_n_children (caches) == 0 ? "not known" : "");
}

void
host_print (GVariant *host)
{
  guint32 cpus = 0;
  guint32 libyuv = 0;
  double load = 0;

  g_variant_lookup (host, "cpus", "u", &cpus);
  g_variant_lookup (host, "libyuv", "u", &libyuv);
  g_variant_lookup (host, "load", "d", &load);
  printf ("cpu     %s (%s), %u of them, load %.1f, governor %s\n", text_of (host, "cpu", ""),
          text_of (host, "architecture", ""), cpus, load, text_of (host, "governor", "not known"));
  print_caches (host);
  printf ("system  Linux %s, glibc %s, libyuv %u\n", text_of (host, "kernel", ""),
          text_of (host, "libc", ""), libyuv);
  if (*text_of (host, "forced-cpu", ""))
    printf ("forced  QDMABUF_CPU=%s\n", text_of (host, "forced-cpu", ""));
}
