/* SPDX-License-Identifier: MIT */
/* A parser of the equation files in tests/golden. */
#include "support/fds.h"

#include "support/equation-file.h"

#include <glib.h>
#include <string.h>

/* What a section has been told of so far. */
struct section {
  char chip[64];
  unsigned bpp, pipes, banks, packers;
};

static char *
golden_file (const char *name)
{
  const char *source = g_getenv ("SOURCE_DIR");
  g_autofree char *path = g_build_filename (source ? source : ".", "tests", "golden", name, NULL);
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, &error))
    fail_msg ("%s", error->message);
  return text;
}

static unsigned
number_after (const char *line, const char *key, unsigned otherwise)
{
  const char *at = strstr (line, key);

  return at ? (unsigned) g_ascii_strtoull (at + strlen (key), NULL, 10) : otherwise;
}

/* "## navi22  gb_addr_config=0x00000343 pipes_log2=3 pkrs_log2=3" */
static void
read_section (struct section *section, const char *line)
{
  const char *end = strstr (line + 3, "  gb_");

  assert_non_null (end);
  g_strlcpy (section->chip, line + 3, MIN (sizeof section->chip, (size_t) (end - line - 3) + 1));
  section->pipes = number_after (line, "PIPE_XOR_BITS=", number_after (line, "pipes_log2=", 0));
  section->banks = number_after (line, "BANK_XOR_BITS=", 0);
  section->packers = number_after (line, "pkrs_log2=", 0);
}

/* "x5^y4^y5" */
static void
read_terms (struct file_equation *equation, unsigned bit, const char *terms)
{
  g_auto (GStrv) all = g_strsplit (terms, "^", -1);

  assert_true (bit < EQUATION_FILE_BITS);
  for (unsigned i = 0; all[i]; i++) {
    uint32_t mask = 1u << g_ascii_strtoull (all[i] + 1, NULL, 10);

    if (all[i][0] == 'x')
      equation->x[bit] ^= mask;
    else
      equation->y[bit] ^= mask;
  }
}

/* "OK b2=x0 b3=x1 …  [block …" */
static void
read_bits (struct file_equation *equation, const char *text)
{
  g_autofree char *upto = g_strndup (text, strcspn (text, "["));
  g_auto (GStrv) words = g_strsplit_set (upto, " ", -1);

  for (unsigned i = 0; words[i]; i++) {
    const char *terms = strchr (words[i], '=');
    unsigned bit = 0;

    if (words[i][0] != 'b' || !terms)
      continue;
    bit = (unsigned) g_ascii_strtoull (words[i] + 1, NULL, 10);
    read_terms (equation, bit, terms + 1);
    equation->bits = MAX (equation->bits, bit + 1);
  }
}

const struct file_equation *
equation_file_find (const struct equation_file *file, unsigned bpp, const char *chip,
                    const char *mode)
{
  for (unsigned i = 0; i < file->n; i++) {
    const struct file_equation *equation = &file->all[i];

    if (equation->bpp == bpp && strcmp (equation->chip, chip) == 0 &&
        strcmp (equation->mode, mode) == 0)
      return equation;
  }
  return NULL;
}

static void
copy_bits (struct file_equation *to, const struct equation_file *file, const char *chip,
           const char *mode)
{
  const struct file_equation *from = equation_file_find (file, to->bpp, chip, mode);

  if (!from)
    fail_msg ("%u bpp: %s %s is not there to be the same as", to->bpp, chip, mode);
  to->bits = from->bits;
  memcpy (to->x, from->x, sizeof to->x);
  memcpy (to->y, from->y, sizeof to->y);
}

/* "navi21 pkr4 pipe4 64K_D": the mode is the last word. */
static void
read_same (struct file_equation *equation, const struct equation_file *file, const char *text)
{
  g_autofree char *chip = g_strdup (text);
  char *mode = strrchr (chip, ' ');

  assert_non_null (mode);
  *mode++ = 0;
  copy_bits (equation, file, chip, mode);
}

static struct file_equation *
add (struct equation_file *file, const struct section *section, const char *mode)
{
  struct file_equation *equation = &file->all[file->n];

  assert_true (file->n < G_N_ELEMENTS (file->all));
  *equation = (struct file_equation){ .bpp = section->bpp,
                                      .pipes = section->pipes,
                                      .banks = section->banks,
                                      .packers = section->packers };
  g_strlcpy (equation->chip, section->chip, sizeof equation->chip);
  g_strlcpy (equation->mode, mode, sizeof equation->mode);
  return equation;
}

/* "  64K_S     OK b2=…", "  64K_D     = same as …" or "  64K_S     -- …" */
static void
read_line (struct equation_file *file, const struct section *section, const char *line)
{
  static const char same[] = "= same as ";
  g_autofree char *mode = g_strndup (line + 2, strcspn (line + 2, " "));
  const char *rest = line + 2 + strlen (mode);

  rest += strspn (rest, " ");
  struct file_equation *equation = add (file, section, mode);
  if (g_str_has_prefix (rest, "OK "))
    read_bits (equation, rest);
  else if (g_str_has_prefix (rest, same))
    read_same (equation, file, rest + strlen (same));
  file->n++;
}

static void
read_equations (struct equation_file *file, const char *name, unsigned bpp)
{
  g_autofree char *text = golden_file (name);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  struct section section = { .bpp = bpp };

  for (unsigned i = 0; lines[i]; i++) {
    if (g_str_has_prefix (lines[i], "#### "))
      section.bpp = number_after (lines[i], "bpp ", 0);
    else if (g_str_has_prefix (lines[i], "## "))
      read_section (&section, lines[i]);
    else if (g_str_has_prefix (lines[i], "  "))
      read_line (file, &section, lines[i]);
  }
}

/* The chip's pipes and so on stand in the sections of the other files. */
static void
read_sames (struct equation_file *file)
{
  g_autofree char *text = golden_file ("amd-equations-same.txt");
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (unsigned i = 0; lines[i] && *lines[i]; i++) {
    g_auto (GStrv) words = g_strsplit (lines[i], ",", -1);

    assert_int_equal (g_strv_length (words), 5);
    unsigned bpp = (unsigned) g_ascii_strtoull (words[0], NULL, 10);
    const struct file_equation *like = equation_file_find (file, 32, words[1], "64K_D");
    if (!like)
      like = equation_file_find (file, 32, words[1], "64K_2D");
    assert_non_null (like);
    struct section section = {
      .bpp = bpp, .pipes = like->pipes, .banks = like->banks, .packers = like->packers
    };
    g_strlcpy (section.chip, words[1], sizeof section.chip);
    copy_bits (add (file, &section, words[2]), file, words[3], words[4]);
    file->n++;
  }
}

struct equation_file *
equation_file_load (void)
{
  struct equation_file *file = g_new0 (struct equation_file, 1);

  read_equations (file, "amd-equations-32bpp.txt", 32);
  read_equations (file, "amd-equations-other.txt", 0);
  read_sames (file);
  return file;
}

unsigned
file_equation_width (const struct file_equation *equation)
{
  unsigned pixels = equation->bits - (unsigned) __builtin_ctz (equation->bpp / 8);

  return (pixels + 1) / 2;
}

unsigned
file_equation_height (const struct file_equation *equation)
{
  return equation->bits - (unsigned) __builtin_ctz (equation->bpp / 8) -
         file_equation_width (equation);
}

uint64_t
file_equation_address (const struct file_equation *equation, uint32_t pitch, uint32_t x, uint32_t y)
{
  unsigned w = file_equation_width (equation);
  uint64_t block = (uint64_t) (y >> file_equation_height (equation)) * (pitch >> w) + (x >> w);
  uint64_t inside = 0;

  for (unsigned i = 0; i < equation->bits; i++)
    inside |=
        (uint64_t) (__builtin_parity (equation->x[i] & x) ^ __builtin_parity (equation->y[i] & y))
        << i;
  return (block << equation->bits) + inside;
}
