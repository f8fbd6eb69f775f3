/* SPDX-License-Identifier: MIT */
/* Names of modifiers, both ways: libdrm's tables say what a value is called; reading a name back is
 * a guess at the value, taken only if libdrm then prints that very name. */
#include "buffer/fourcc.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xf86drm.h>

#define INTEL_PREFIX "I915_FORMAT_MOD_"
#define DRM_PREFIX "DRM_FORMAT_MOD_"

/* Malloc'ed by libdrm, or NULL. */
static char *
libdrm_name (uint64_t modifier)
{
  char *name = drmGetFormatModifierName (modifier);

  /* Some vendors' values that libdrm does not know are called so. */
  if (name && g_str_equal (name, "UNKNOWN"))
    g_clear_pointer (&name, free);
  return name;
}

/* The name alone, as drm_fourcc.h has it where there is one macro for the value. Full transfer;
 * NULL: not known. */
static char *
bare_name (uint64_t modifier)
{
  char *name = libdrm_name (modifier);
  char *vendor = drmGetFormatModifierVendor (modifier);
  char *text = NULL;

  if (name && modifier >> 56 == DRM_FORMAT_MOD_VENDOR_INTEL)
    text = g_strconcat (INTEL_PREFIX, name, NULL);
  else if (name && modifier >> 56 == DRM_FORMAT_MOD_VENDOR_NONE)
    text = g_strdup (name);
  else if (name && vendor)
    text = g_strconcat (vendor, "_", name, NULL);
  free (name);
  free (vendor);
  return text;
}

char *
modifier_name (uint64_t modifier)
{
  char *name = bare_name (modifier);
  char *vendor = NULL;
  char *text = NULL;

  if (name) {
    text = g_strdup_printf ("%s (0x%016" G_GINT64_MODIFIER "x)", name, modifier);
    g_free (name);
    return text;
  }
  vendor = drmGetFormatModifierVendor (modifier);
  if (vendor)
    text = g_strdup_printf ("unknown to libdrm, of %s (0x%016" G_GINT64_MODIFIER "x)", vendor,
                            modifier);
  else
    text = g_strdup_printf ("0x%016" G_GINT64_MODIFIER "x", modifier);
  free (vendor);
  return text;
}

static bool
is_called (uint64_t modifier, const char *name)
{
  char *real = libdrm_name (modifier);
  bool same = real && g_ascii_strcasecmp (real, name) == 0;

  free (real);
  return same;
}

/* Values of most vendors are small numbers, or small sets of flags. */
static bool
parse_small (uint64_t vendor, const char *name, uint64_t *modifier)
{
  for (uint64_t value = 0; value < 1u << 14; value++) {
    uint64_t guess = vendor << 56 | value;
    if (is_called (guess, name)) {
      *modifier = guess;
      return true;
    }
  }
  return false;
}

/* Arm puts a type into bits 52 to 55: AFBC, the one named layout of MISC, AFRC. */
static bool
parse_arm (const char *name, uint64_t *modifier)
{
  if (is_called (DRM_FORMAT_MOD_ARM_16X16_BLOCK_U_INTERLEAVED, name)) {
    *modifier = DRM_FORMAT_MOD_ARM_16X16_BLOCK_U_INTERLEAVED;
    return true;
  }
  return parse_small (DRM_FORMAT_MOD_VENDOR_ARM, name, modifier);
}

static bool
parse_nvidia (const char *name, uint64_t *modifier)
{
  unsigned height = 0, kind = 0, generation = 0, sector = 0, compression = 0;
  uint64_t guess = 0;

  if (sscanf (name, "BLOCK_LINEAR_2D,HEIGHT=%3u,KIND=%3u,GEN=%3u,SECTOR=%3u,COMPRESSION=%3u",
              &height, &kind, &generation, &sector, &compression) != 5)
    return parse_small (DRM_FORMAT_MOD_VENDOR_NVIDIA, name, modifier);
  guess = DRM_FORMAT_MOD_NVIDIA_BLOCK_LINEAR_2D (compression, sector, generation, kind, height);
  if (!is_called (guess, name))
    return false;
  *modifier = guess;
  return true;
}

struct amd_field {
  const char *name;
  unsigned shift;
};

static const struct amd_field amd_flags[] = {
  { "DCC", AMD_FMT_MOD_DCC_SHIFT },
  { "DCC_RETILE", AMD_FMT_MOD_DCC_RETILE_SHIFT },
  { "DCC_PIPE_ALIGN", AMD_FMT_MOD_DCC_PIPE_ALIGN_SHIFT },
  { "DCC_INDEPENDENT_64B", AMD_FMT_MOD_DCC_INDEPENDENT_64B_SHIFT },
  { "DCC_INDEPENDENT_128B", AMD_FMT_MOD_DCC_INDEPENDENT_128B_SHIFT },
  { "DCC_CONSTANT_ENCODE", AMD_FMT_MOD_DCC_CONSTANT_ENCODE_SHIFT },
};

static const struct amd_field amd_numbers[] = {
  { "PIPE_XOR_BITS=", AMD_FMT_MOD_PIPE_XOR_BITS_SHIFT },
  { "BANK_XOR_BITS=", AMD_FMT_MOD_BANK_XOR_BITS_SHIFT },
  { "PACKERS=", AMD_FMT_MOD_PACKERS_SHIFT },
  { "RB=", AMD_FMT_MOD_RB_SHIFT },
  { "PIPE=", AMD_FMT_MOD_PIPE_SHIFT },
  { "PIPE_", AMD_FMT_MOD_PIPE_SHIFT }, /* libdrm before 2.4.124; after PIPE_XOR_BITS= */
};

/* The bits of one of the words that follow the version and the tile; false: no such word. */
static bool
amd_word (const char *word, uint64_t *bits)
{
  static const char *const blocks[] = { "64B", "128B", "256B" };

  for (size_t i = 0; i < G_N_ELEMENTS (amd_flags); i++) {
    if (g_ascii_strcasecmp (word, amd_flags[i].name) == 0) {
      *bits = (uint64_t) 1 << amd_flags[i].shift;
      return true;
    }
  }
  for (size_t i = 0; i < G_N_ELEMENTS (amd_numbers); i++) {
    size_t length = strlen (amd_numbers[i].name);
    if (g_ascii_strncasecmp (word, amd_numbers[i].name, length) == 0 && word[length] >= '0' &&
        word[length] <= '7' && word[length + 1] == 0) {
      *bits = (uint64_t) (word[length] - '0') << amd_numbers[i].shift;
      return true;
    }
  }
  for (uint64_t i = 0; i < G_N_ELEMENTS (blocks); i++) {
    char *text = g_strconcat ("DCC_MAX_COMPRESSED_BLOCK=", blocks[i], NULL);
    bool same = g_ascii_strcasecmp (word, text) == 0;
    g_free (text);
    if (same) {
      *bits = i << AMD_FMT_MOD_DCC_MAX_COMPRESSED_BLOCK_SHIFT;
      return true;
    }
  }
  return false;
}

/* Whether libdrm's name begins with these words. */
static bool
begins_with (uint64_t modifier, const char *words)
{
  size_t length = strlen (words);
  char *real = libdrm_name (modifier);
  bool same = real && g_ascii_strncasecmp (real, words, length) == 0 &&
              (real[length] == 0 || real[length] == ',');

  free (real);
  return same;
}

/* "GFX9,GFX9_64K_S,…": the version and the tile, by what libdrm calls each pair. */
static bool
amd_tile (const char *version, const char *tile, uint64_t *modifier)
{
  char *name = g_strconcat (version, ",", tile, NULL);
  bool found = false;

  for (uint64_t v = 1; v < 16 && !found; v++) {
    for (uint64_t t = 0; t <= AMD_FMT_MOD_TILE_MASK && !found; t++) {
      *modifier = AMD_FMT_MOD | AMD_FMT_MOD_SET (TILE_VERSION, v) | AMD_FMT_MOD_SET (TILE, t);
      found = begins_with (*modifier, name);
    }
  }
  g_free (name);
  return found;
}

static bool
parse_amd (const char *name, uint64_t *modifier)
{
  char **words = g_strsplit (name, ",", 32);
  uint64_t guess = 0;
  bool ok = words[0] && words[1] && amd_tile (words[0], words[1], &guess);

  for (unsigned i = 2; ok && words[i]; i++) {
    uint64_t bits = 0;
    ok = amd_word (words[i], &bits);
    guess |= bits;
  }
  g_strfreev (words);
  if (!ok || !is_called (guess, name))
    return false;
  *modifier = guess;
  return true;
}

static bool
parse_of_vendor (uint64_t vendor, const char *name, uint64_t *modifier)
{
  switch (vendor) {
  case DRM_FORMAT_MOD_VENDOR_NVIDIA:
    return parse_nvidia (name, modifier);
  case DRM_FORMAT_MOD_VENDOR_AMD:
    return parse_amd (name, modifier);
  case DRM_FORMAT_MOD_VENDOR_ARM:
    return parse_arm (name, modifier);
  default:
    return parse_small (vendor, name, modifier);
  }
}

/* The number in "0x…" or "123", or at the end of "NAME (0x…)". */
static bool
parse_number (const char *text, uint64_t *modifier)
{
  const char *paren = strrchr (text, '(');
  const char *start = paren ? paren + 1 : text;
  bool hex = g_str_has_prefix (start, "0x") || g_str_has_prefix (start, "0X");
  char *end = NULL;

  if (!g_ascii_isdigit (*start))
    return false;
  errno = 0;
  *modifier = g_ascii_strtoull (start, &end, hex ? 16 : 10);
  return errno == 0 && end != start && g_str_equal (end, paren ? ")" : "");
}

/* What follows prefix in text, in any case of letters; NULL: it does not begin so. */
static const char *
after_prefix (const char *text, const char *prefix)
{
  size_t length = strlen (prefix);

  return g_ascii_strncasecmp (text, prefix, length) == 0 ? text + length : NULL;
}

static bool
parse_with_vendor_prefix (const char *text, uint64_t *modifier)
{
  bool found = false;

  for (uint64_t vendor = 1; vendor < 256 && !found; vendor++) {
    char *name = drmGetFormatModifierVendor (vendor << 56);
    const char *rest = name ? after_prefix (text, name) : NULL;

    if (rest && *rest == '_')
      found = parse_of_vendor (vendor, rest + 1, modifier);
    free (name);
  }
  return found;
}

bool
modifier_parse (const char *text, uint64_t *modifier)
{
  const char *rest = NULL;
  uint64_t value = 0;
  bool found = false;

  if (parse_number (text, &value)) {
    *modifier = value;
    return true;
  }
  rest = after_prefix (text, INTEL_PREFIX);
  if (rest) {
    found = parse_small (DRM_FORMAT_MOD_VENDOR_INTEL, rest, &value);
  } else {
    rest = after_prefix (text, DRM_PREFIX);
    if (!rest)
      rest = text;
    if (is_called (DRM_FORMAT_MOD_LINEAR, rest) || g_ascii_strcasecmp (rest, "NONE") == 0) {
      found = true;
    } else if (is_called (DRM_FORMAT_MOD_INVALID, rest)) {
      value = DRM_FORMAT_MOD_INVALID;
      found = true;
    } else {
      found = parse_with_vendor_prefix (rest, &value);
    }
  }
  if (found)
    *modifier = value;
  return found;
}
