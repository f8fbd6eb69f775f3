/* SPDX-License-Identifier: MIT */
/* The figures of a flow as one dictionary, which can grow with no change of the ABI. */
#include "flow/driver-thread.h"
#include "flow/flow-private.h"

static void
add_count (GVariantBuilder *builder, const char *key, uint64_t value)
{
  g_variant_builder_add (builder, "{sv}", key, g_variant_new_uint64 (value));
}

static void
add_locked (struct flow *self, const struct lender_figures *lent, GVariantBuilder *builder)
{
  const struct flow_figures *stats = &self->stats;
  /* All DMA-BUFs are lent, or none. */
  const struct timings *reply = self->config.lend ? &lent->reply : &stats->reply;

  add_count (builder, "scanouts", stats->scanouts);
  add_count (builder, "updates", stats->updates);
  add_count (builder, "replies", stats->replies + lent->replies);
  add_count (builder, "frames", stats->frames);
  add_count (builder, "frames-dropped", stats->dropped);
  add_count (builder, "warnings", stats->warnings);
  add_count (builder, "registrations", stats->registrations);
  g_variant_builder_add (builder, "{sv}", "first-frame-us",
                         g_variant_new_int64 (stats->first_frame));
  g_variant_builder_add (builder, "{sv}", "reply-us", timings_to_variant (reply));
  g_variant_builder_add (builder, "{sv}", "read-us", timings_to_variant (&stats->read));
  g_variant_builder_add (builder, "{sv}", "publish-us", timings_to_variant (&stats->publish));
}

GVariant *
flow_stats (struct flow *self)
{
  struct lender_figures lent;
  GVariantBuilder builder;
  GVariant *verify = reader_verify_stats (self->reader);

  lender_read_figures (self->lender, &lent);
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_mutex_lock (&self->lock);
  add_locked (self, &lent, &builder);
  g_mutex_unlock (&self->lock);
  add_count (&builder, "frames-taken", mailbox_n_taken (reader_mailbox (self->reader)));
  add_count (&builder, "frames-replaced", mailbox_n_replaced (reader_mailbox (self->reader)));
  add_count (&builder, "loans", lent.loans);
  add_count (&builder, "loans-expired", lent.expired);
  add_count (&builder, "threads-abandoned", driver_thread_n_abandoned ());
  if (verify)
    g_variant_builder_add (&builder, "{sv}", "verify", verify);
  return g_variant_builder_end (&builder);
}
