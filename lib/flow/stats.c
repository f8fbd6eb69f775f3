/* SPDX-License-Identifier: MIT */
/* The figures of a flow as one dictionary, which can grow with no change of the ABI. */
#include "flow/driver-thread.h"
#include "flow/flow-private.h"

static void
add_count (GVariantBuilder *builder, const char *key, uint64_t value)
{
  g_variant_builder_add (builder, "{sv}", key, g_variant_new_uint64 (value));
}

static const char *const stage_names[N_STAGES] = {
  [STAGE_VALIDATED] = "validated-us", [STAGE_IMPORTED] = "imported-us",
  [STAGE_FENCE] = "fence-us",         [STAGE_CONVERTED] = "converted-us",
  [STAGE_READ_BACK] = "read-back-us", [STAGE_DELIVERED] = "delivered-us",
};

void
flow_note_stamps (struct timings *stages, const struct stamps *stamps)
{
  for (int i = 0; i < N_STAGES; i++) {
    if (stamps->at[i] != 0)
      timings_add (&stages[i], stamps->at[i] - stamps->since);
  }
}

static void
add_counts (const struct flow_figures *stats, const struct lender_figures *lent,
            GVariantBuilder *builder)
{
  add_count (builder, "scanouts", stats->scanouts);
  add_count (builder, "updates", stats->updates);
  add_count (builder, "replies", stats->replies + lent->replies);
  add_count (builder, "frames", stats->frames);
  add_count (builder, "frames-dropped", stats->dropped);
  add_count (builder, "warnings", stats->warnings);
  add_count (builder, "registrations", stats->registrations);
  g_variant_builder_add (builder, "{sv}", "first-frame-us",
                         g_variant_new_int64 (stats->first_frame));
}

static void
add_stages (const struct flow_figures *stats, const struct timings *reply, GVariantBuilder *builder)
{
  for (int i = 0; i < N_STAGES; i++)
    g_variant_builder_add (builder, "{sv}", stage_names[i], timings_to_variant (&stats->stages[i]));
  g_variant_builder_add (builder, "{sv}", "reply-us", timings_to_variant (reply));
}

/* Full transfer. What is sorted must not keep the flow's threads waiting. */
static struct flow_figures *
copy_figures (struct flow *self)
{
  struct flow_figures *stats = g_new (struct flow_figures, 1);

  g_mutex_lock (&self->lock);
  *stats = self->stats;
  g_mutex_unlock (&self->lock);
  return stats;
}

GVariant *
flow_stats (struct flow *self)
{
  g_autofree struct flow_figures *stats = copy_figures (self);
  struct lender_figures lent;
  GVariantBuilder builder;
  GVariant *verify = reader_verify_stats (self->reader);

  lender_read_figures (self->lender, &lent);
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  add_counts (stats, &lent, &builder);
  /* All DMA-BUFs are lent, or none. */
  add_stages (stats, self->config.lend ? &lent.reply : &stats->reply, &builder);
  add_count (&builder, "frames-taken", mailbox_n_taken (reader_mailbox (self->reader)));
  add_count (&builder, "frames-replaced", mailbox_n_replaced (reader_mailbox (self->reader)));
  add_count (&builder, "loans", lent.loans);
  add_count (&builder, "loans-expired", lent.expired);
  add_count (&builder, "threads-abandoned", driver_thread_n_abandoned ());
  if (verify)
    g_variant_builder_add (&builder, "{sv}", "verify", verify);
  return g_variant_builder_end (&builder);
}
