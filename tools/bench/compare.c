/* SPDX-License-Identifier: MIT */
/* Runs each mode in turn, A B A B, so that what else the machine does meets all of them. */
#include "compare.h"

#include "common/messages.h"
#include "common/usage.h"
#include "measure/measure.h"
#include "report/columns.h"
#include "report/plot.h"
#include "report/run-json.h"
#include "report/setting.h"
#include "shared/eta.h"
#include "shared/interrupt.h"
#include "shared/output.h"

#define DEFAULT_REPEAT 3
#define MAX_REPEAT 1000
/* What starting and ending a VM takes, about. */
#define AROUND_S 4

struct compare {
  struct vm_options vm;
  struct stream_options stream;
  int repeat;
  char **rest;

  struct output *output;
  const char *accel;
  GPtrArray *rigs; /* struct rig, of the modes that can run here */
  GPtrArray *runs; /* struct run, in the order of time */
  GVariantBuilder refused;
  bool failed;
};

static const char summary[] =
    "Boots the testcard in a QEMU with gl=off and with gl=on in turn, takes its frames as fast as\n"
    "they come, and compares: how many frames arrive, how long they take from QEMU's call to this\n"
    "program, and what they cost. Arguments behind -- go to QEMU.";

static const char description[] =
    "Which picture a frame shows is read from the counter that the testcard paints into it.\n"
    "\n"
    "Exit status: 0 done, 1 usage, 4 a mode could not be measured, 5 cannot write.\n"
    "\n"
    "Examples:\n"
    "  qdmabuf-bench compare --seconds 5 --plot latency.svg\n"
    "  qdmabuf-bench compare --software-gl --size 1920x1080 --damage box --json figures.json\n"
    "  qdmabuf-bench compare --gl off --listener inline --fps 60\n";

static bool
parse (struct compare *compare, int argc, char **argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "repeat", 0, 0, G_OPTION_ARG_INT, &compare->repeat,
      "How often each mode is measured (default 3)", "N" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &compare->rest, NULL, NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context =
      usage_context ("[-- QEMU ARGUMENT…]", summary, description, entries);

  vm_options_add (&compare->vm, context);
  stream_options_add (&compare->stream, context);
  stream_options_add_measuring (&compare->stream, context);
  compare->vm.extra = vm_options_cut (&argc, argv);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return false;
  if (compare->rest)
    return usage_error (error, "'%s' is too much: compare takes options only", compare->rest[0]);
  if (compare->repeat < 1 || compare->repeat > MAX_REPEAT)
    return usage_error (error, "--repeat must be from 1 to %d, not %d", MAX_REPEAT,
                        compare->repeat);
  return vm_options_check (&compare->vm, error) && stream_options_check (&compare->stream, error);
}

/* A mode that cannot run here does not keep the others from it. */
static void
refuse (struct compare *compare, const char *label, const GError *error)
{
  message_error ("%s is not measured: %s", label, error->message);
  g_variant_builder_add_parsed (&compare->refused, "{'mode': <%s>, 'not-measured': <%s>}", label,
                                error->message);
  compare->failed = true;
}

static void
rig_free (void *data)
{
  rig_clear (data);
  g_free (data);
}

static void
prepare (struct compare *compare)
{
  for (char **gl = compare->vm.gl_modes; *gl; gl++) {
    g_autoptr (GError) error = NULL;
    struct rig *rig = g_new (struct rig, 1);
    bool good =
        rig_init (rig, &compare->vm, compare->stream.render_node, *gl, compare->accel, &error);

    if (good) {
      g_ptr_array_add (compare->rigs, rig);
      continue;
    }
    refuse (compare, rig->label, error);
    rig_free (rig);
  }
}

static void
run_one (struct compare *compare, const struct rig *rig, unsigned number)
{
  struct run *run = run_new (rig->label, number);

  eta_show (rig->label);
  measure_rig (run, rig, &compare->vm, &compare->stream);
  eta_add (AROUND_S);
  /* What a signal cut off before it began is no failure. */
  if (run->failure && interrupt_came ()) {
    run_free (run);
    return;
  }
  compare->failed = compare->failed || run->failure;
  g_ptr_array_add (compare->runs, run);
  if (output_has_table (compare->output))
    columns_run (run);
}

static void
run_all (struct compare *compare)
{
  unsigned n = (unsigned) compare->repeat;

  eta_begin ((compare->stream.seconds + MEASURE_WARM_UP_S + AROUND_S) * n * compare->rigs->len);
  for (unsigned i = 0; i < n; i++) {
    for (unsigned k = 0; k < compare->rigs->len && !output_is_over (compare->output); k++)
      run_one (compare, compare->rigs->pdata[k], i + 1);
  }
  eta_end ();
}

static GPtrArray *
summarize (const struct compare *compare)
{
  GPtrArray *summaries = g_ptr_array_new_with_free_func ((GDestroyNotify) summary_free);

  for (unsigned i = 0; i < compare->rigs->len; i++) {
    const struct rig *rig = compare->rigs->pdata[i];

    g_ptr_array_add (summaries, summary_new (rig->label, compare->runs));
  }
  return summaries;
}

/* ---- what comes out ---- */

static GVariant *
describe_mode (const struct rig *rig, const struct summary *summary_of_rig)
{
  g_autoptr (GVariant) figures = g_variant_ref_sink (summary_describe (summary_of_rig));
  GVariantDict dict;

  g_variant_dict_init (&dict, figures);
  g_variant_dict_insert (&dict, "gl", "s", rig->gl);
  g_variant_dict_insert (&dict, "software", "b", (gboolean) rig->software);
  g_variant_dict_insert (&dict, "rendernode", "s", rig->node ? rig->node : "");
  g_variant_dict_insert (&dict, "preload", "b", (gboolean) (rig->preload != NULL));
  return g_variant_dict_end (&dict);
}

static GVariant *
describe_modes (struct compare *compare, const GPtrArray *summaries)
{
  GVariantBuilder modes;
  g_autoptr (GVariant) refused = g_variant_ref_sink (g_variant_builder_end (&compare->refused));

  g_variant_builder_init (&modes, G_VARIANT_TYPE ("aa{sv}"));
  for (unsigned i = 0; i < summaries->len; i++)
    g_variant_builder_add_value (&modes,
                                 describe_mode (compare->rigs->pdata[i], summaries->pdata[i]));
  for (gsize i = 0; i < g_variant_n_children (refused); i++) {
    g_autoptr (GVariant) mode = g_variant_get_child_value (refused, i);

    g_variant_builder_add_value (&modes, mode);
  }
  return g_variant_builder_end (&modes);
}

static bool
finish (struct compare *compare, const GPtrArray *summaries, GError **error)
{
  g_autoptr (GVariant) qemu = g_variant_ref_sink (setting_qemu (compare->vm.qemu, compare->accel));
  g_autoptr (GVariant) gl = g_variant_ref_sink (setting_gl (compare->stream.render_node));
  g_autoptr (GVariant) guest = g_variant_ref_sink (setting_guest (&compare->vm));
  g_autoptr (GVariant) stream = g_variant_ref_sink (setting_stream (&compare->stream));
  GVariantDict dict;

  if (output_has_table (compare->output) && summaries->len > 0) {
    columns_print (summaries);
    setting_print (qemu, gl, guest, stream);
  }
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "command", "s", "compare");
  g_variant_dict_insert (&dict, "complete", "b", (gboolean) !output_is_over (compare->output));
  g_variant_dict_insert_value (&dict, "qemu", qemu);
  g_variant_dict_insert_value (&dict, "opengl", gl);
  g_variant_dict_insert_value (&dict, "guest", guest);
  g_variant_dict_insert_value (&dict, "stream", stream);
  g_variant_dict_insert (&dict, "repeat", "u", (guint) compare->repeat);
  g_variant_dict_insert_value (&dict, "modes", describe_modes (compare, summaries));
  g_variant_dict_insert_value (&dict, "runs", runs_describe (compare->runs));
  return output_finish (g_steal_pointer (&compare->output), compare->runs->len > 0,
                        g_variant_dict_end (&dict), error);
}

static bool
report (struct compare *compare)
{
  g_autoptr (GPtrArray) summaries = summarize (compare);
  g_autofree char *caption = setting_caption (&compare->vm, compare->accel, &compare->stream);
  g_autoptr (GError) error = NULL;
  bool good = true;

  if (interrupt_came ())
    message_note ("stopped: this is what was measured so far");
  if (compare->stream.plot)
    good = plot_write (compare->stream.plot, caption, summaries, &error);
  if (!good) {
    message_error ("%s", error->message);
    g_clear_error (&error);
  }
  if (finish (compare, summaries, &error))
    return good;
  message_error ("%s", error->message);
  return false;
}

static enum status
run_with (struct compare *compare)
{
  g_autoptr (GError) error = NULL;

  compare->output = output_new (compare->stream.json, &error);
  if (!compare->output) {
    message_error ("%s", error->message);
    return STATUS_WRITE;
  }
  compare->accel = rig_choose_accel (&compare->vm);
  prepare (compare);
  run_all (compare);
  if (!report (compare))
    return STATUS_WRITE;
  return compare->failed ? STATUS_FAILED : STATUS_OK;
}

enum status
compare_run (int argc, char **argv)
{
  struct compare compare = { .repeat = DEFAULT_REPEAT };
  g_autoptr (GError) error = NULL;
  enum status status = STATUS_USAGE;

  compare.rigs = g_ptr_array_new_with_free_func (rig_free);
  compare.runs = g_ptr_array_new_with_free_func ((GDestroyNotify) run_free);
  g_variant_builder_init (&compare.refused, G_VARIANT_TYPE ("aa{sv}"));
  if (parse (&compare, argc, argv, &error))
    status = run_with (&compare);
  else
    message_error ("%s (compare --help lists the options)", error->message);
  g_variant_builder_clear (&compare.refused);
  g_ptr_array_unref (compare.runs);
  g_ptr_array_unref (compare.rigs);
  vm_options_clear (&compare.vm);
  stream_options_clear (&compare.stream);
  g_strfreev (compare.rest);
  return status;
}
