/* SPDX-License-Identifier: MIT */
/* Cycle after cycle: in each mode a VM is started, goes through all that can happen to it, and is
 * killed. Then it is counted what this process has. */
#include "soak.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "common/messages.h"
#include "common/usage.h"
#include "measure/process.h"
#include "report/setting.h"
#include "shared/eta.h"
#include "shared/interrupt.h"
#include "shared/output.h"
#include "soak/soak-steps.h"
#include "soak/soak-verdict.h"

#define DEFAULT_MINUTES 10.0
#define MAX_MINUTES 100000.0
/* What ends with a VM may take a moment: threads that close its sockets. */
#define SETTLE_US (5 * G_USEC_PER_SEC)
#define SETTLE_STEP_US (G_USEC_PER_SEC / 50)
#define MIB (1024.0 * 1024.0)

struct soak {
  struct vm_options vm;
  struct stream_options stream;
  double minutes;
  char **rest;

  struct output *output;
  const char *accel;
  GArray *samples; /* struct soak_sample; the first is the warm-up */
  GVariantBuilder errors;
  unsigned n_modes; /* that run here */
  gint64 start;
  struct soak_sample now; /* the cycle that is under way */
};

static const char summary[] =
    "Starts a testcard in each mode in turn, again and again, and lets everything happen to it:\n"
    "resizes, a screen turned off and on, a listener registered again, a consumer that is slow, a\n"
    "guest that is reset, a QEMU that is killed. After each cycle it counts what this process has.";

static const char description[] =
    "The first cycle is for warming up. After it, file descriptors and threads must stay as many,\n"
    "memory may rise by 2 MiB over the second half, and no step may fail.\n"
    "\n"
    "Exit status: 0 nothing grew, 1 usage, 3 something grew or failed, 4 nothing can run here, 5\n"
    "cannot write.\n";

static bool
parse (struct soak *soak, int argc, char **argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "minutes", 0, 0, G_OPTION_ARG_DOUBLE, &soak->minutes,
      "How long (default 10); 0: the warm-up and one cycle", "N" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &soak->rest, NULL, NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context =
      usage_context ("[-- QEMU ARGUMENT…]", summary, description, entries);

  vm_options_add (&soak->vm, context);
  stream_options_add (&soak->stream, context);
  soak->vm.extra = vm_options_cut (&argc, argv);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return false;
  if (soak->rest)
    return usage_error (error, "'%s' is too much: soak takes options only", soak->rest[0]);
  if (!isfinite (soak->minutes) || soak->minutes < 0 || soak->minutes > MAX_MINUTES)
    return usage_error (error, "--minutes must be from 0 to %.0f", MAX_MINUTES);
  if (!soak->vm.fps_name)
    soak->vm.fps_name = g_strdup ("60");
  if (!vm_options_check (&soak->vm, error) || !stream_options_check (&soak->stream, error))
    return false;
  return soak->vm.fps != 0 ||
         usage_error (error, "--fps 0 draws nothing that a soak could wait for");
}

/* ---- a cycle ---- */

static void
note_error (struct soak *soak, const char *mode, const char *step, const GError *error)
{
  if (interrupt_came ())
    return;
  message_error ("%s, %s: %s", mode, step, error->message);
  g_variant_builder_add_parsed (&soak->errors,
                                "{'cycle': <%u>, 'mode': <%s>, 'step': <%s>, 'error': <%s>}",
                                soak->samples->len, mode, step, error->message);
  soak->now.errors++;
}

/* After a step that failed the others have nothing to stand on. */
static void
run_steps (struct soak *soak, const char *mode, struct soak_vm *vm)
{
  g_autoptr (GError) error = NULL;

  for (const struct soak_step *step = soak_steps; step->name && !error; step++) {
    if (!step->run (vm, &error))
      note_error (soak, mode, step->name, error);
  }
}

static void
run_mode (struct soak *soak, const struct rig *rig)
{
  struct soak_vm vm = { .options = &soak->vm };
  g_autoptr (GError) error = NULL;

  vm.vm = rig_start (rig, &soak->vm, NULL, &error);
  if (vm.vm &&
      watch_open (&vm.watch, vm_address (vm.vm), NULL, 0, &soak->stream, soak->vm.damage, &error) &&
      watch_start (&vm.watch, &error))
    run_steps (soak, rig->label, &vm);
  if (error)
    note_error (soak, rig->label, "start", error);
  soak->now.frames += vm.watch.delivered;
  watch_close (&vm.watch);
  if (vm.vm)
    vm_free (vm.vm);
}

static void
run_modes (struct soak *soak)
{
  soak->n_modes = 0;
  for (char **gl = soak->vm.gl_modes; *gl && !interrupt_came (); gl++) {
    g_autoptr (GError) error = NULL;
    struct rig rig;
    bool good = rig_init (&rig, &soak->vm, soak->stream.render_node, *gl, soak->accel, &error);

    if (good) {
      eta_show (rig.label);
      run_mode (soak, &rig);
      soak->n_modes++;
    } else if (soak->samples->len == 0) {
      message_error ("%s is left out: %s", rig.label, error->message);
    }
    rig_clear (&rig);
  }
}

/* ---- what is counted ---- */

static bool
is_settled (const struct soak *soak, const struct process *process)
{
  const struct soak_sample *first = &g_array_index (soak->samples, struct soak_sample, 0);

  return soak->samples->len > 0 && process->fds == first->fds && process->threads == first->threads;
}

static void
sample (struct soak *soak)
{
  gint64 deadline = g_get_monotonic_time () + SETTLE_US;
  struct process process;

  for (;;) {
    while (g_main_context_iteration (NULL, FALSE))
      ;
    process_read (getpid (), &process);
    if (is_settled (soak, &process) || g_get_monotonic_time () >= deadline || interrupt_came ())
      break;
    g_usleep (SETTLE_STEP_US);
  }
  soak->now.seconds = (double) (g_get_monotonic_time () - soak->start) / G_USEC_PER_SEC;
  soak->now.fds = process.fds;
  soak->now.threads = process.threads;
  soak->now.rss = process.rss;
}

static void
print_sample (const struct soak *soak)
{
  const struct soak_sample *now = &soak->now;

  eta_hide ();
  if (soak->samples->len == 0)
    printf ("%8s%8s%8s%8s%10s%10s%8s\n", "cycle", "s", "fds", "threads", "MiB", "frames", "errors");
  printf ("%8s%8.0f%8u%8u%10.1f%10" G_GUINT64_FORMAT "%8u\n",
          soak->samples->len == 0 ? "warm-up" : "", now->seconds, now->fds, now->threads,
          (double) now->rss / MIB, now->frames, now->errors);
  fflush (stdout);
}

/* False: it is over. What a signal cut short is not counted. */
static bool
run_cycle (struct soak *soak)
{
  gint64 begun = g_get_monotonic_time ();

  soak->now = (struct soak_sample){ .seconds = 0 };
  run_modes (soak);
  if (interrupt_came () || soak->n_modes == 0)
    return false;
  sample (soak);
  eta_add ((double) (g_get_monotonic_time () - begun) / G_USEC_PER_SEC);
  if (output_has_table (soak->output))
    print_sample (soak);
  g_array_append_val (soak->samples, soak->now);
  if (output_is_lost (soak->output))
    return false;
  return soak->samples->len < 2 || soak->now.seconds < soak->minutes * 60;
}

/* ---- what comes out ---- */

static GVariant *
describe_samples (const struct soak *soak)
{
  GVariantBuilder all;

  g_variant_builder_init (&all, G_VARIANT_TYPE ("aa{sv}"));
  for (unsigned i = 0; i < soak->samples->len; i++) {
    const struct soak_sample *now = &g_array_index (soak->samples, struct soak_sample, i);

    g_variant_builder_add_parsed (&all,
                                  "{'seconds': <%d>, 'fds': <%u>, 'threads': <%u>, 'rss': <%t>, "
                                  "'frames': <%t>, 'errors': <%u>}",
                                  now->seconds, now->fds, now->threads, now->rss, now->frames,
                                  now->errors);
  }
  return g_variant_builder_end (&all);
}

static GVariant *
describe (struct soak *soak, const struct soak_verdict *verdict)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "command", "s", "soak");
  g_variant_dict_insert (&dict, "complete", "b", (gboolean) !output_is_over (soak->output));
  g_variant_dict_insert_value (&dict, "qemu", setting_qemu (soak->vm.qemu, soak->accel));
  g_variant_dict_insert_value (&dict, "guest", setting_guest (&soak->vm));
  g_variant_dict_insert_value (&dict, "stream", setting_stream (&soak->stream));
  g_variant_dict_insert (&dict, "minutes", "d", soak->minutes);
  g_variant_dict_insert_value (&dict, "cycles", describe_samples (soak));
  g_variant_dict_insert_value (&dict, "failures", g_variant_builder_end (&soak->errors));
  g_variant_dict_insert (&dict, "good", "b", (gboolean) soak_verdict_is_good (verdict));
  g_variant_dict_insert (&dict, "fds-differ", "b", (gboolean) verdict->fds_grew);
  g_variant_dict_insert (&dict, "threads-differ", "b", (gboolean) verdict->threads_grew);
  if (verdict->rss_judged)
    g_variant_dict_insert (&dict, "rss-rise", "x", verdict->rss_rise);
  return g_variant_dict_end (&dict);
}

static void
print_verdict (const struct soak_verdict *verdict)
{
  printf ("file descriptors: %s\nthreads:          %s\n",
          verdict->fds_grew ? "DIFFER from the warm-up's" : "as after the warm-up",
          verdict->threads_grew ? "DIFFER from the warm-up's" : "as after the warm-up");
  if (verdict->rss_judged)
    printf ("memory:           %+.2f MiB over the second half%s\n",
            (double) verdict->rss_rise / MIB, verdict->rss_grew ? ", which is TOO MUCH" : "");
  else
    printf ("memory:           not judged: that takes more cycles\n");
  printf ("steps:            %s\n", verdict->failed ? "some FAILED" : "none failed");
}

static enum status
finish (struct soak *soak)
{
  g_autoptr (GError) error = NULL;
  struct soak_verdict verdict = { .failed = true };

  if (soak->samples->len > 0)
    verdict = soak_judge (soak->samples);
  if (interrupt_came ())
    message_note ("stopped: this is what was counted so far");
  if (output_has_table (soak->output) && soak->samples->len > 0)
    print_verdict (&verdict);
  bool any = soak->samples->len > 0;
  GVariant *all = describe (soak, &verdict);
  if (!output_finish (g_steal_pointer (&soak->output), any, all, &error)) {
    message_error ("%s", error->message);
    return STATUS_WRITE;
  }
  if (soak->samples->len == 0)
    return STATUS_FAILED;
  return soak_verdict_is_good (&verdict) ? STATUS_OK : STATUS_MISSED;
}

static enum status
run_with (struct soak *soak)
{
  g_autoptr (GError) error = NULL;

  soak->output = output_new (soak->stream.json, &error);
  if (!soak->output) {
    message_error ("%s", error->message);
    return STATUS_WRITE;
  }
  soak->accel = rig_choose_accel (&soak->vm);
  soak->start = g_get_monotonic_time ();
  eta_begin (soak->minutes * 60);
  while (run_cycle (soak))
    ;
  eta_end ();
  return finish (soak);
}

enum status
soak_run (int argc, char **argv)
{
  struct soak soak = { .minutes = DEFAULT_MINUTES };
  g_autoptr (GError) error = NULL;
  enum status status = STATUS_USAGE;

  soak.samples = g_array_new (FALSE, FALSE, sizeof (struct soak_sample));
  g_variant_builder_init (&soak.errors, G_VARIANT_TYPE ("aa{sv}"));
  if (parse (&soak, argc, argv, &error))
    status = run_with (&soak);
  else
    message_error ("%s (soak --help lists the options)", error->message);
  g_variant_builder_clear (&soak.errors);
  g_array_unref (soak.samples);
  vm_options_clear (&soak.vm);
  stream_options_clear (&soak.stream);
  g_strfreev (soak.rest);
  return status;
}
