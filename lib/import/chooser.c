/* SPDX-License-Identifier: MIT */
/* The chooser: asks every back end, tries them best first, and says why none would. */
#include "import/chooser.h"

#include <qemu-dmabuf/qdmabuf-error.h>

#include "import/attempt.h"
#include "import/source.h"

/* A contender that can take a buffer. */
struct candidate {
  struct contender *contender;
  int score;
};

static void
contender_free (void *data)
{
  struct contender *contender = data;

  if (contender->backend && !contender->executor)
    contender->backend->ops->close (contender->backend);
  g_clear_error (&contender->over);
  g_free (contender);
}

struct chooser *
chooser_new (const char *preference)
{
  struct chooser *chooser = g_new0 (struct chooser, 1);

  chooser->preference = g_strdup (preference);
  chooser->contenders = g_ptr_array_new_with_free_func (contender_free);
  chooser->candidates = g_array_new (FALSE, FALSE, sizeof (struct candidate));
  g_queue_init (&chooser->kept);
  g_queue_init (&chooser->orphans);
  return chooser;
}

void
chooser_add (struct chooser *chooser, struct backend *backend, struct import_executor *executor)
{
  struct contender *contender = g_new0 (struct contender, 1);

  contender->backend = backend;
  contender->executor = executor;
  contender->name = backend->ops->name;
  contender->family = backend->ops->family;
  g_ptr_array_add (chooser->contenders, contender);
}

void
chooser_add_missing (struct chooser *chooser, const char *family, GError *reason)
{
  struct contender *contender = g_new0 (struct contender, 1);

  contender->name = contender->family = g_intern_string (family);
  contender->over = reason;
  g_ptr_array_add (chooser->contenders, contender);
}

void
chooser_set_prefer (struct chooser *chooser, chooser_prefer_fn prefer, void *data)
{
  chooser->prefer = prefer;
  chooser->prefer_data = data;
}

void
chooser_set_floor (struct chooser *chooser, int score)
{
  chooser->floor = score;
}

struct backend *
chooser_find_reader (const struct chooser *chooser, const QdmabufBuffer *buffer)
{
  for (const GList *l = chooser->kept.head; l; l = l->next) {
    const struct kept_import *kept = l->data;

    if (buffer_same_memory (kept->buffer, buffer))
      return kept->backend;
  }
  return NULL;
}

const GError *
chooser_find_trouble (const struct chooser *chooser, const struct backend *backend)
{
  return chooser_find_contender (chooser, backend)->over;
}

/* ---- choosing ---- */

static bool
is_asked_for (const struct chooser *chooser, const struct contender *contender,
              const QdmabufBuffer *buffer)
{
  bool dmabufs_only = contender->backend && contender->backend->ops->dmabufs_only;

  if (buffer->kind != BUFFER_DMABUF)
    return g_strcmp0 (contender->family, "cpu") == 0 && !dmabufs_only;
  return g_strcmp0 (chooser->preference, "auto") == 0 ||
         g_strcmp0 (chooser->preference, contender->family) == 0;
}

/* A driver that reads memory which its owner cuts off takes the process down with it, and nothing
 * of ours can help. */
static bool
is_too_risky (const struct chooser *chooser, const struct contender *contender,
              const QdmabufBuffer *buffer)
{
  return g_strcmp0 (contender->family, "cpu") != 0 &&
         g_strcmp0 (chooser->preference, contender->family) != 0 && source_can_shrink (buffer);
}

static int
ask (struct attempt *attempt, struct contender *contender, GError **reason)
{
  const GError *refusal =
      refusals_find (&attempt->chooser->refusals, contender->backend, attempt->buffer);

  if (refusal) {
    g_propagate_error (reason, g_error_copy (refusal));
    return BACKEND_SCORE_NO;
  }

  struct job *job =
      attempt_run (attempt, contender,
                   job_new_score (&attempt->chooser->spare, contender->backend, attempt->buffer));
  if (!job)
    return BACKEND_SCORE_NO;
  int score = job->score;
  if (score == BACKEND_SCORE_NO)
    g_propagate_error (reason, g_steal_pointer (&job->error));
  attempt_done (attempt, job);
  return score;
}

static int
weigh (const struct chooser *chooser, const struct contender *contender,
       const QdmabufBuffer *buffer, int score, GError **reason)
{
  int more = chooser->prefer
                 ? chooser->prefer (chooser->prefer_data, contender->backend, buffer, reason)
                 : 0;

  return more < 0 ? BACKEND_SCORE_NO : score + MIN (more, 9);
}

static int
score_contender (struct attempt *attempt, struct contender *contender)
{
  GError *reason = NULL;
  int score = BACKEND_SCORE_NO;

  if (contender->over)
    reason = g_error_copy (contender->over);
  else if (is_too_risky (attempt->chooser, contender, attempt->buffer))
    reason = g_error_new (
        QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND,
        "its memory is not sealed against shrinking, so \"%s\" reads it only if asked for by name",
        contender->name);
  else
    score = ask (attempt, contender, &reason);
  if (score > BACKEND_SCORE_NO)
    score = weigh (attempt->chooser, contender, attempt->buffer, score, &reason);
  if (reason)
    attempt_refuse (attempt, contender, reason);
  g_clear_error (&reason);
  return score;
}

static int
compare_candidates (const void *a, const void *b)
{
  return ((const struct candidate *) b)->score - ((const struct candidate *) a)->score;
}

/* Of struct candidate, best first; the refusals of all others become sentences. Lent until the next
 * call. */
static GArray *
rank_contenders (struct attempt *attempt)
{
  GPtrArray *contenders = attempt->chooser->contenders;
  GArray *candidates = g_array_set_size (attempt->chooser->candidates, 0);

  for (unsigned i = 0; i < contenders->len && !attempt->error; i++) {
    struct candidate candidate = { .contender = contenders->pdata[i] };

    if (!is_asked_for (attempt->chooser, candidate.contender, attempt->buffer))
      continue;
    candidate.score = score_contender (attempt, candidate.contender);
    if (candidate.score > BACKEND_SCORE_NO && candidate.score >= attempt->chooser->floor)
      g_array_append_val (candidates, candidate);
  }
  g_array_sort (candidates, compare_candidates);
  return candidates;
}

/* All sentences with between in between. Full transfer. */
static char *
join_sentences (const struct attempt *attempt, const char *between)
{
  GString *text = g_string_new (NULL);

  for (unsigned i = 0; attempt->sentences && i < attempt->sentences->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? between : "",
                            (const char *) attempt->sentences->pdata[i]);
  return g_string_free (text, FALSE);
}

static void
set_nobody_can (const struct attempt *attempt, GError **error)
{
  const char *preference = attempt->chooser->preference;
  bool dmabuf = attempt->buffer->kind == BUFFER_DMABUF;
  g_autofree char *what = buffer_describe (attempt->buffer);
  g_autofree char *why = join_sentences (attempt, "; ");
  g_autofree char *who = NULL;

  if (!dmabuf || g_strcmp0 (preference, "auto") == 0)
    who = g_strdup ("no back end can read");
  else
    who = g_strdup_printf ("back end \"%s\", the only one allowed, cannot read", preference);
  g_set_error (error, QDMABUF_ERROR, (int) attempt->code, "%s %s%s%s%s", who, what,
               *why ? ": " : "", why,
               dmabuf ? ". Start QEMU with gl=off to get pictures that need no GPU here" : "");
}

static enum verdict
try_all (struct attempt *attempt, const char **backend_name)
{
  GArray *candidates = rank_contenders (attempt);
  enum verdict verdict = attempt->error ? VERDICT_STOP : VERDICT_NEXT;

  for (unsigned i = 0; i < candidates->len && verdict == VERDICT_NEXT; i++) {
    struct contender *contender = g_array_index (candidates, struct candidate, i).contender;

    *backend_name = contender->name;
    verdict = attempt_read (attempt, contender);
  }
  return verdict;
}

static enum verdict
try (struct attempt *attempt, const char **backend_name)
{
  struct kept_import *kept = attempt_find_kept (attempt);
  enum verdict verdict = VERDICT_NEXT;

  if (kept) {
    struct contender *contender = chooser_find_contender (attempt->chooser, kept->backend);

    *backend_name = contender->name;
    verdict = attempt_read_kept (attempt, contender, kept);
    /* Why this contender will not go on is said again by rank_contenders. */
    g_clear_pointer (&attempt->sentences, g_ptr_array_unref);
  }
  return verdict == VERDICT_NEXT ? try_all (attempt, backend_name) : verdict;
}

static struct damage
damage_within (const struct damage *damage, const QdmabufBuffer *buffer, const struct picture *dst)
{
  struct damage clipped = *damage;

  damage_clip (&clipped, MIN ((uint32_t) buffer->layout.crop.width, dst->width),
               MIN ((uint32_t) buffer->layout.crop.height, dst->height));
  return clipped;
}

static bool
is_good (QdmabufBuffer *buffer, GError **error)
{
  if (!g_atomic_int_get (&buffer->bad))
    return true;
  g_autofree char *what = buffer_describe (buffer);

  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_MEMORY, "the memory of %s vanished earlier",
               what);
  return false;
}

/* Ends attempt. */
static bool
conclude (struct attempt *attempt, enum verdict verdict, GError **error)
{
  if (verdict == VERDICT_NEXT)
    set_nobody_can (attempt, error);
  else if (verdict == VERDICT_STOP)
    g_propagate_error (error, g_steal_pointer (&attempt->error));
  attempt_end (attempt);
  return verdict == VERDICT_DONE || verdict == VERDICT_HERE;
}

bool
chooser_read (struct chooser *chooser, QdmabufBuffer *buffer, const struct damage *damage,
              const struct picture *dst, int64_t deadline, const char **backend_name,
              GError **error)
{
  if (!chooser->begun_here)
    chooser->stamps = (struct stamps){ 0 };
  chooser->begun_here = false;
  if (!is_good (buffer, error))
    return false;

  struct attempt attempt = attempt_start (chooser, buffer, deadline);
  attempt.dst = dst;
  attempt.damage = damage_within (damage, buffer, dst);
  enum verdict verdict = try (&attempt, backend_name);
  return conclude (&attempt, verdict, error);
}

bool
chooser_begin (struct chooser *chooser, QdmabufBuffer *buffer, const struct damage *damage,
               const struct picture *shape, int64_t deadline, struct watch *watch,
               struct pending_read *pending, GError **error)
{
  const char *name = NULL;

  *pending = (struct pending_read){ 0 };
  chooser->stamps = (struct stamps){ 0 };
  chooser->begun_here = false;
  if (buffer->kind != BUFFER_DMABUF)
    return true;
  chooser_forget_orphans (chooser);
  if (!is_good (buffer, error))
    return false;

  struct attempt attempt = attempt_start (chooser, buffer, deadline);
  attempt.dst = shape;
  attempt.damage = damage_within (damage, buffer, shape);
  attempt.pending = pending;
  attempt.watch = watch;
  enum verdict verdict = try (&attempt, &name);
  chooser->begun_here = verdict == VERDICT_HERE;
  return conclude (&attempt, verdict, error);
}

const struct stamps *
chooser_stamps (const struct chooser *chooser)
{
  return &chooser->stamps;
}

char *
chooser_explain (struct chooser *chooser, QdmabufBuffer *buffer)
{
  struct attempt attempt = attempt_start (chooser, buffer, g_get_monotonic_time () + ASIDE_US);
  GArray *candidates = rank_contenders (&attempt);
  g_autofree char *refused = join_sentences (&attempt, "\n");
  GString *text = g_string_new (NULL);

  for (unsigned i = 0; i < candidates->len; i++)
    g_string_append_printf (text, "%s: can read it%s\n",
                            g_array_index (candidates, struct candidate, i).contender->name,
                            i == 0 ? ", and is the one to use" : "");
  if (attempt.error)
    g_string_append_printf (text, "%s\n", attempt.error->message);
  g_string_append_printf (text, "%s%s", refused, *refused ? "\n" : "");
  attempt_end (&attempt);
  return g_string_free (text, FALSE);
}

void
chooser_free (struct chooser *chooser)
{
  struct kept_import *kept = NULL;

  chooser_forget_orphans (chooser);
  g_queue_clear_full (&chooser->orphans, g_free);
  while ((kept = g_queue_pop_head (&chooser->kept)))
    chooser_release_import (chooser, kept);
  refusals_clear (&chooser->refusals);
  g_clear_pointer (&chooser->spare, job_unref);
  g_ptr_array_unref (chooser->contenders);
  g_free (chooser->preference);
  g_array_unref (chooser->candidates);
  g_clear_pointer (&chooser->spare_import, kept_import_unref);
  g_free (chooser);
}
