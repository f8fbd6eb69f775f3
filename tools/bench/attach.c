/* SPDX-License-Identifier: MIT */
/* Measures somebody else's VM, and says beforehand what that does to it. */
#include "attach.h"

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

struct attach {
  struct stream_options stream;
  char *vm;
  int console, pid;
  char **rest;
  const char *address; /* NULL: the session bus */
  struct output *output;
  GPtrArray *runs; /* struct run: the one */
};

static const char summary[] =
    "Takes the frames of a VM that runs already, as fast as they come, and measures that. ADDRESS\n"
    "is as for qdmabuf-dump: a D-Bus address, 'session' (the default), 'system', 'qmp:PATH' or\n"
    "'fd:N'.\n"
    "\n"
    "QEMU has one listener more meanwhile, which costs it time. On a private connection (qmp:, "
    "fd:)\n"
    "it has a new client, which takes the place of the one before.";

static const char description[] =
    "If the guest is the testcard, frames are told apart by the counter in the picture.\n"
    "\n"
    "Exit status: 0 done, 1 usage, 2 cannot connect, 4 could not be measured, 5 cannot write.\n";

static bool
check (struct attach *attach, GError **error)
{
  if (attach->rest && attach->rest[0] && attach->rest[1])
    return usage_error (error, "one ADDRESS only: '%s' is too much", attach->rest[1]);
  if (attach->console < 0)
    return usage_error (error, "--console cannot be %d: consoles count from 0", attach->console);
  if (attach->pid < 0)
    return usage_error (error, "--pid cannot be %d", attach->pid);
  attach->address = attach->rest ? attach->rest[0] : NULL;
  return stream_options_check (&attach->stream, error);
}

static bool
parse (struct attach *attach, int argc, char **argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "vm", 0, 0, G_OPTION_ARG_FILENAME, &attach->vm, "VM, where several are on the bus",
      "NAME|UUID" },
    { "console", 'c', 0, G_OPTION_ARG_INT, &attach->console, "Console, by number (default 0)",
      "CONSOLE" },
    { "pid", 0, 0, G_OPTION_ARG_INT, &attach->pid, "QEMU's process, for its CPU time and memory",
      "PID" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &attach->rest, NULL, "[ADDRESS]" },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = usage_context (NULL, summary, description, entries);

  stream_options_add (&attach->stream, context);
  stream_options_add_measuring (&attach->stream, context);
  return g_option_context_parse (context, &argc, &argv, error) && check (attach, error);
}

static void
warn (const struct attach *attach)
{
  const char *address = attach->address ? attach->address : "";
  bool private = g_str_has_prefix (address, "qmp:") || g_str_has_prefix (address, "fd:");

  message_note ("this is one listener more: while it measures, QEMU serves it beside those it has");
  if (private)
    message_note ("the connection is private: whoever had it before loses it, and with it keyboard "
                  "and mouse");
}

static void
measure (struct attach *attach, struct watch *watch)
{
  struct run *run = run_new ("attached", 1);
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (attach->runs, run);
  eta_begin (attach->stream.seconds + MEASURE_WARM_UP_S);
  if (watch_start (watch, &error)) {
    watch_find_card (watch);
    measure_started (run, watch, attach->stream.seconds, attach->pid);
  } else {
    run->failure = g_strdup (error->message);
  }
  eta_end ();
  if (output_has_table (attach->output))
    columns_run (run);
}

static GVariant *
describe (const struct attach *attach, const struct watch *watch, const struct summary *result)
{
  const char *name = qdmabuf_display_get_name (watch->display);
  const char *uuid = qdmabuf_display_get_uuid (watch->display);
  GVariantBuilder modes;
  GVariantDict dict;

  g_variant_builder_init (&modes, G_VARIANT_TYPE ("aa{sv}"));
  g_variant_builder_add_value (&modes, summary_describe (result));
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "command", "s", "attach");
  g_variant_dict_insert (&dict, "complete", "b", (gboolean) !interrupt_came ());
  g_variant_dict_insert (&dict, "vm", "s", name ? name : "");
  g_variant_dict_insert (&dict, "uuid", "s", uuid ? uuid : "");
  g_variant_dict_insert (&dict, "testcard", "b", (gboolean) !watch->blind);
  g_variant_dict_insert_value (&dict, "opengl", setting_gl (attach->stream.render_node));
  g_variant_dict_insert_value (&dict, "stream", setting_stream (&attach->stream));
  g_variant_dict_insert_value (&dict, "modes", g_variant_builder_end (&modes));
  g_variant_dict_insert_value (&dict, "runs", runs_describe (attach->runs));
  return g_variant_dict_end (&dict);
}

static bool
report (struct attach *attach, const struct watch *watch, GError **error)
{
  g_autoptr (GPtrArray) summaries = g_ptr_array_new_with_free_func ((GDestroyNotify) summary_free);
  g_autofree char *caption = setting_caption (NULL, NULL, &attach->stream);
  struct summary *result = summary_new ("attached", attach->runs);
  GVariant *all = describe (attach, watch, result);

  g_ptr_array_add (summaries, result);
  if (interrupt_came ())
    message_note ("stopped: this is what was measured so far");
  if (output_has_table (attach->output) && result->measured > 0)
    columns_print (summaries);
  bool any = result->measured > 0 || !interrupt_came ();
  bool written = output_finish (g_steal_pointer (&attach->output), any, all, error);
  return written &&
         (!attach->stream.plot || plot_write (attach->stream.plot, caption, summaries, error));
}

static enum status
run_open (struct attach *attach, struct watch *watch)
{
  g_autoptr (GError) error = NULL;

  measure (attach, watch);
  if (!report (attach, watch, &error)) {
    message_error ("%s", error->message);
    return STATUS_WRITE;
  }
  const struct run *run = attach->runs->pdata[0];
  if (!run->failure)
    return STATUS_OK;
  message_error ("%s", run->failure);
  return STATUS_FAILED;
}

static enum status
run_with (struct attach *attach)
{
  g_autoptr (GError) error = NULL;
  struct watch watch = { .display = NULL };
  enum status status = STATUS_CONNECT;

  attach->output = output_new (attach->stream.json, &error);
  if (!attach->output) {
    message_error ("%s", error->message);
    return STATUS_WRITE;
  }
  warn (attach);
  if (watch_open (&watch, attach->address, attach->vm, (unsigned) attach->console, &attach->stream,
                  CARD_DAMAGE_FULL, &error))
    status = run_open (attach, &watch);
  else
    message_error ("%s", error->message);
  watch_close (&watch);
  output_free (attach->output);
  return status;
}

enum status
attach_run (int argc, char **argv)
{
  struct attach attach = { .console = 0 };
  g_autoptr (GError) error = NULL;
  enum status status = STATUS_USAGE;

  attach.runs = g_ptr_array_new_with_free_func ((GDestroyNotify) run_free);
  if (parse (&attach, argc, argv, &error))
    status = run_with (&attach);
  else
    message_error ("%s (attach --help lists the options)", error->message);
  g_ptr_array_unref (attach.runs);
  stream_options_clear (&attach.stream);
  g_strfreev (attach.rest);
  g_free (attach.vm);
  return status;
}
