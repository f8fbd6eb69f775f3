/* SPDX-License-Identifier: MIT */
/* What each option of `pixels` means. */
#include "pixels/pixels-options.h"

#include "common/usage.h"
#include "pixels/cases.h"
#include "shared/options-text.h"

#define DEFAULT_PAIRS 200
#define QUICK_PAIRS 10
#define MAX_PAIRS 100000
#define MAX_SIDE 16384

/* As GOption delivers it. */
struct raw {
  char **sizes, **rest;
  char *filter, *json;
  int rounds;
  gboolean quick, bars;
};

static const char summary[] =
    "Measures the pixel engine on this machine: every conversion and every tiled layout, on one\n"
    "thread, from the call to the frame, each against a memcpy of as many bytes, in turn.";

static const char description[] =
    "Columns: median time of a call, GB/s of source and frame together, and that time divided by\n"
    "the memcpy's: median of all pairs, 10 % and 90 %. 'cold' sources are in no cache.\n"
    "\n"
    "Exit status: 0 done, 1 usage, 3 a bar was missed, 4 something could not be measured, 5 "
    "cannot\n"
    "write.\n"
    "\n"
    "Examples:\n"
    "  qdmabuf-bench pixels --filter 'XR24 NV12'\n"
    "  qdmabuf-bench pixels --size 1920x1080 --filter AMD --rounds 50\n"
    "  qdmabuf-bench pixels --bars --json bars.json\n";

static bool
parse_raw (struct raw *raw, int argc, char **argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "size", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->sizes,
      "A size of the picture; may be given again (default 1280x800, 1920x1080, 3840x2160)", "WxH" },
    { "filter", 0, 0, G_OPTION_ARG_STRING, &raw->filter,
      "Only lines with these words in this order ('XR24 NV12 cold')", "TEXT" },
    { "rounds", 0, 0, G_OPTION_ARG_INT, &raw->rounds, "Pairs of calls for each line (default 200)",
      "N" },
    { "quick", 0, 0, G_OPTION_ARG_NONE, &raw->quick,
      "10 pairs and 1280x800, where nothing else is said: to see that it works", NULL },
    { "bars", 0, 0, G_OPTION_ARG_NONE, &raw->bars,
      "Measure the ratios that this library promises, and say which are met", NULL },
    { "json", 0, 0, G_OPTION_ARG_FILENAME, &raw->json,
      "Write the figures to FILE too; - is stdout, without the table", "FILE" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->rest, NULL, NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = usage_context (NULL, summary, description, entries);

  return g_option_context_parse (context, &argc, &argv, error);
}

static void
raw_clear (struct raw *raw)
{
  g_strfreev (raw->sizes);
  g_strfreev (raw->rest);
  g_free (raw->filter);
  g_free (raw->json);
}

static bool
take_sizes (GArray *sizes, const struct raw *raw, GError **error)
{
  static const struct size defaults[] = { { 1280, 800 }, { 1920, 1080 }, { 3840, 2160 } };
  struct size size;

  for (char **text = raw->sizes; text && *text; text++) {
    if (!options_size (*text, 1, MAX_SIDE, &size.width, &size.height, error))
      return false;
    g_array_append_val (sizes, size);
  }
  if (sizes->len == 0)
    g_array_append_vals (sizes, defaults, raw->quick ? 1 : G_N_ELEMENTS (defaults));
  return true;
}

static bool
check (const struct raw *raw, GError **error)
{
  if (raw->rest)
    return usage_error (error, "'%s' is too much: pixels takes options only", raw->rest[0]);
  if (raw->rounds < 1 || raw->rounds > MAX_PAIRS)
    return usage_error (error, "--rounds must be from 1 to %d, not %d", MAX_PAIRS, raw->rounds);
  if (raw->bars && raw->sizes)
    return usage_error (error, "--bars has sizes of its own: it takes no --size");
  if (raw->json && *raw->json == '\0')
    return usage_error (error, "the name of the JSON file is empty");
  return true;
}

bool
pixels_options_parse (struct pixels_options *options, int argc, char **argv, GError **error)
{
  struct raw raw = { .rounds = 0 };

  *options = (struct pixels_options){ .sizes = g_array_new (FALSE, FALSE, sizeof (struct size)) };
  bool good = parse_raw (&raw, argc, argv, error);
  if (raw.rounds == 0)
    raw.rounds = raw.quick ? QUICK_PAIRS : DEFAULT_PAIRS;
  good = good && check (&raw, error) && take_sizes (options->sizes, &raw, error);
  options->filter = g_steal_pointer (&raw.filter);
  options->json = g_steal_pointer (&raw.json);
  options->pairs = (unsigned) raw.rounds;
  options->bars = raw.bars;
  raw_clear (&raw);
  return good;
}

void
pixels_options_clear (struct pixels_options *options)
{
  g_clear_pointer (&options->sizes, g_array_unref);
  g_free (options->filter);
  g_free (options->json);
}
