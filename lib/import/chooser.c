/* SPDX-License-Identifier: MIT */
/* The chooser: asks every back end, tries them best first, and keeps what they imported. */
#include "import/chooser.h"

#include <qemu-dmabuf/qdmabuf-error.h>

#include "import/job.h"
#include "import/refusals.h"
#include "import/source.h"

/* How long anything may take that nobody waits for a picture for. */
#define ASIDE_US G_USEC_PER_SEC

/* A back end as a chooser knows it. */
struct reader {
  struct backend *backend;          /* NULL: it could not be had */
  struct import_executor *executor; /* NULL: it is ours, and runs here */
  const char *name;
  const char *family;
  GError *over; /* why it is out of use; NULL: it is not */
};

struct chooser {
  char *preference;
  GPtrArray *readers; /* of struct reader */
  GQueue kept;        /* of struct kept_import, last used first */
  struct refusals refusals;
};

/* A reader that can take a buffer. */
struct candidate {
  struct reader *reader;
  int score;
};

/* One buffer on its way through the readers. */
struct attempt {
  struct chooser *chooser;
  QdmabufBuffer *buffer;
  struct damage damage;
  const struct picture *dst;
  int64_t deadline;
  GPtrArray *sentences; /* one for each refusal */
  QdmabufError code;  /* of the refusals together */
  GError *error;      /* why no other reader may be tried */
};

enum verdict { VERDICT_DONE, VERDICT_NEXT, VERDICT_STOP };

static void
reader_free (void *data)
{
  struct reader *reader = data;

  if (reader->backend && !reader->executor)
    reader->backend->ops->close (reader->backend);
  g_clear_error (&reader->over);
  g_free (reader);
}

struct chooser *
chooser_new (const char *preference)
{
  struct chooser *chooser = g_new0 (struct chooser, 1);

  chooser->preference = g_strdup (preference);
  chooser->readers = g_ptr_array_new_with_free_func (reader_free);
  g_queue_init (&chooser->kept);
  return chooser;
}

void
chooser_add (struct chooser *chooser, struct backend *backend, struct import_executor *executor)
{
  struct reader *reader = g_new0 (struct reader, 1);

  reader->backend = backend;
  reader->executor = executor;
  reader->name = backend->ops->name;
  reader->family = backend->ops->family;
  g_ptr_array_add (chooser->readers, reader);
}

void
chooser_add_missing (struct chooser *chooser, const char *family, GError *reason)
{
  struct reader *reader = g_new0 (struct reader, 1);

  reader->name = reader->family = g_intern_string (family);
  reader->over = reason;
  g_ptr_array_add (chooser->readers, reader);
}

static struct reader *
find_reader (const struct chooser *chooser, const struct backend *backend)
{
  for (unsigned i = 0; i < chooser->readers->len; i++) {
    struct reader *reader = chooser->readers->pdata[i];

    if (reader->backend == backend)
      return reader;
  }
  return NULL;
}

/* ---- what becomes of errors ------------------------------------------------------------------------------------- */

static void
forget_imports (struct chooser *chooser, const struct backend *backend)
{
  for (GList *l = chooser->kept.head, *next = NULL; l; l = next) {
    struct kept_import *kept = l->data;

    next = l->next;
    if (kept->backend != backend)
      continue;
    g_queue_delete_link (&chooser->kept, l);
    kept_import_unref (kept);
  }
}

/* Its imports are leaked on purpose: only the driver that stopped answering could free them. Takes reason. */
static void
lose_reader (struct chooser *chooser, struct reader *reader, GError *reason)
{
  g_warning ("back end \"%s\" is out of use: %s", reader->name, reason->message);
  forget_imports (chooser, reader->backend);
  g_clear_error (&reader->over);
  reader->over = reason;
}

static GError *
executor_lost (void)
{
  return g_error_new_literal (QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST,
                              "the GPU stopped answering: it did not come back in the time allowed");
}

/* A refusal for the modifier says more than one for the format, and both more than a back end that is not there. */
static void
add_sentence (struct attempt *attempt, const struct reader *reader, const GError *reason)
{
  g_ptr_array_add (attempt->sentences, g_strdup_printf ("%s: %s", reader->name, reason->message));
  if (g_error_matches (reason, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_MODIFIER))
    attempt->code = QDMABUF_ERROR_UNSUPPORTED_MODIFIER;
  else if (g_error_matches (reason, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_FORMAT) &&
           attempt->code == QDMABUF_ERROR_NO_BACKEND)
    attempt->code = QDMABUF_ERROR_UNSUPPORTED_FORMAT;
}

static bool
is_refusal (const GError *error)
{
  return g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_FORMAT) ||
         g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_MODIFIER) ||
         g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND);
}

/* What an error of import or read means for the attempt. Takes error. */
static enum verdict
judge (struct attempt *attempt, struct reader *reader, GError *error)
{
  if (is_refusal (error)) {
    add_sentence (attempt, reader, error);
    refusals_add (&attempt->chooser->refusals, reader->backend, attempt->buffer, error);
    return VERDICT_NEXT;
  }
  if (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST)) {
    add_sentence (attempt, reader, error);
    lose_reader (attempt->chooser, reader, error);
    return VERDICT_NEXT;
  }
  if (g_error_matches (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_MEMORY))
    g_atomic_int_set (&attempt->buffer->bad, 1);
  attempt->error = error;
  return VERDICT_STOP;
}

/* Runs job. NULL: it is gone, and either the attempt is stopped or the reader lost. */
static struct job *
run (struct attempt *attempt, struct reader *reader, struct job *job)
{
  if (reader->executor && g_get_monotonic_time () >= attempt->deadline) {
    job_unref (job);
    attempt->error = g_error_new (QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT,
                                  "no time was left for back end \"%s\" to read the picture", reader->name);
    return NULL;
  }
  if (job_run (job, reader->executor, attempt->deadline))
    return job;
  lose_reader (attempt->chooser, reader, executor_lost ());
  add_sentence (attempt, reader, reader->over);
  return NULL;
}

/* ---- imports ---------------------------------------------------------------------------------------------------- */

/* Takes kept, which is in no list any more. */
static void
release (struct chooser *chooser, struct kept_import *kept)
{
  struct reader *reader = find_reader (chooser, kept->backend);

  if (!reader->over) {
    struct job *job = job_new_release (kept);

    if (job_run (job, reader->executor, g_get_monotonic_time () + ASIDE_US))
      job_unref (job);
    else
      lose_reader (chooser, reader, executor_lost ());
  }
  kept_import_unref (kept);
}

/* NULL: nothing of that kind is kept. */
static struct kept_import *
find_kept (struct chooser *chooser, QdmabufBuffer *buffer)
{
  for (GList *l = chooser->kept.head; l; l = l->next) {
    struct kept_import *kept = l->data;

    if (kept->buffer != buffer && !buffer_same_memory (kept->buffer, buffer))
      continue;
    g_queue_unlink (&chooser->kept, l);
    g_queue_push_head_link (&chooser->kept, l);
    return kept;
  }
  return NULL;
}

/* The bytes of a message cost nothing to import, and would be kept alive for nothing. */
static bool
is_worth_keeping (const struct kept_import *kept)
{
  return kept->buffer->kind != BUFFER_BYTES;
}

static void
keep (struct chooser *chooser, struct kept_import *kept)
{
  g_queue_push_head (&chooser->kept, kept);
  if (chooser->kept.length > CHOOSER_MAX_IMPORTS)
    release (chooser, g_queue_pop_tail (&chooser->kept));
}

static struct kept_import *
import_buffer (struct attempt *attempt, struct reader *reader, enum verdict *verdict)
{
  struct job *job = run (attempt, reader, job_new_import (reader->backend, attempt->buffer));
  struct kept_import *kept = NULL;

  if (!job)
    *verdict = attempt->error ? VERDICT_STOP : VERDICT_NEXT;
  else if (job->imported)
    kept = kept_import_new (reader->backend, attempt->buffer, job->imported);
  else
    *verdict = judge (attempt, reader, g_steal_pointer (&job->error));
  g_clear_pointer (&job, job_unref);
  return kept;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

/* On this thread, so that the executor serves others meanwhile; the linear back end waits by itself. */
static bool
wait_for_writers (struct attempt *attempt, const struct reader *reader)
{
  int64_t now = g_get_monotonic_time ();

  if (!reader->executor)
    return true;
  return source_wait (attempt->buffer, now + (attempt->deadline - now) / 2, &attempt->error);
}

static enum verdict
read_import (struct attempt *attempt, struct reader *reader, struct kept_import *kept)
{
  if (!wait_for_writers (attempt, reader))
    return VERDICT_STOP;

  struct job *job = run (attempt, reader,
                         job_new_read (kept, &attempt->damage, attempt->dst, attempt->deadline));
  if (!job) {
    /* A thread that was given up may still write into dst, so nobody else may. */
    if (!attempt->error)
      attempt->error = g_error_copy (reader->over);
    return VERDICT_STOP;
  }

  enum verdict verdict = job->ok ? VERDICT_DONE : judge (attempt, reader, g_steal_pointer (&job->error));
  job_unref (job);
  return verdict;
}

/* Whatever failed, but for a slow guest, is imported anew next time: its memory may have changed under it. */
static bool
is_still_good (const struct attempt *attempt, enum verdict verdict)
{
  return verdict == VERDICT_DONE || g_error_matches (attempt->error, QDMABUF_ERROR, QDMABUF_ERROR_TIMED_OUT);
}

static enum verdict
read_anew (struct attempt *attempt, struct reader *reader)
{
  enum verdict verdict = VERDICT_NEXT;
  struct kept_import *kept = import_buffer (attempt, reader, &verdict);

  if (!kept)
    return verdict;
  verdict = read_import (attempt, reader, kept);
  if (is_still_good (attempt, verdict) && is_worth_keeping (kept))
    keep (attempt->chooser, kept);
  else
    release (attempt->chooser, kept);
  return verdict;
}

static enum verdict
read_kept (struct attempt *attempt, struct reader *reader, struct kept_import *kept)
{
  g_atomic_rc_box_acquire (kept);
  enum verdict verdict = read_import (attempt, reader, kept);

  if (!is_still_good (attempt, verdict) && g_queue_remove (&attempt->chooser->kept, kept))
    release (attempt->chooser, kept);
  kept_import_unref (kept);
  return verdict;
}

/* ---- choosing --------------------------------------------------------------------------------------------------- */

static bool
is_asked_for (const struct chooser *chooser, const struct reader *reader, const QdmabufBuffer *buffer)
{
  if (buffer->kind != BUFFER_DMABUF)
    return g_strcmp0 (reader->family, "cpu") == 0;
  return g_strcmp0 (chooser->preference, "auto") == 0 || g_strcmp0 (chooser->preference, reader->family) == 0;
}

/* A driver that reads memory which its owner cuts off takes the process down with it, and nothing of ours can help. */
static bool
is_too_risky (const struct chooser *chooser, const struct reader *reader, const QdmabufBuffer *buffer)
{
  return g_strcmp0 (reader->family, "cpu") != 0 && g_strcmp0 (chooser->preference, reader->family) != 0 &&
         source_can_shrink (buffer);
}

static int
ask (struct attempt *attempt, struct reader *reader, GError **reason)
{
  const GError *refusal = refusals_find (&attempt->chooser->refusals, reader->backend, attempt->buffer);

  if (refusal) {
    g_propagate_error (reason, g_error_copy (refusal));
    return BACKEND_SCORE_NO;
  }

  struct job *job = run (attempt, reader, job_new_score (reader->backend, attempt->buffer));
  if (!job)
    return BACKEND_SCORE_NO;
  int score = job->score;
  if (score == BACKEND_SCORE_NO)
    g_propagate_error (reason, g_steal_pointer (&job->error));
  job_unref (job);
  return score;
}

static int
score_reader (struct attempt *attempt, struct reader *reader)
{
  GError *reason = NULL;
  int score = BACKEND_SCORE_NO;

  if (reader->over)
    reason = g_error_copy (reader->over);
  else if (is_too_risky (attempt->chooser, reader, attempt->buffer))
    reason = g_error_new (QDMABUF_ERROR, QDMABUF_ERROR_NO_BACKEND,
                          "its memory is not sealed against shrinking, so \"%s\" reads it only if asked for by name",
                          reader->name);
  else
    score = ask (attempt, reader, &reason);
  if (reason)
    add_sentence (attempt, reader, reason);
  g_clear_error (&reason);
  return score;
}

static int
compare_candidates (const void *a, const void *b)
{
  return ((const struct candidate *) b)->score - ((const struct candidate *) a)->score;
}

/* Of struct candidate, best first; the refusals of all others become sentences. Full transfer. */
static GArray *
rank_readers (struct attempt *attempt)
{
  GPtrArray *readers = attempt->chooser->readers;
  GArray *candidates = g_array_new (FALSE, FALSE, sizeof (struct candidate));

  for (unsigned i = 0; i < readers->len && !attempt->error; i++) {
    struct candidate candidate = { .reader = readers->pdata[i] };

    if (!is_asked_for (attempt->chooser, candidate.reader, attempt->buffer))
      continue;
    candidate.score = score_reader (attempt, candidate.reader);
    if (candidate.score > BACKEND_SCORE_NO)
      g_array_append_val (candidates, candidate);
  }
  g_array_sort (candidates, compare_candidates);
  return candidates;
}

static struct attempt
attempt_start (struct chooser *chooser, QdmabufBuffer *buffer, int64_t deadline)
{
  return (struct attempt){ .chooser = chooser,
                           .buffer = buffer,
                           .deadline = deadline,
                           .sentences = g_ptr_array_new_with_free_func (g_free),
                           .code = QDMABUF_ERROR_NO_BACKEND };
}

static void
attempt_end (struct attempt *attempt)
{
  g_ptr_array_unref (attempt->sentences);
  g_clear_error (&attempt->error);
}

/* All sentences with between in between. Full transfer. */
static char *
join_sentences (const struct attempt *attempt, const char *between)
{
  GString *text = g_string_new (NULL);

  for (unsigned i = 0; i < attempt->sentences->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? between : "", (const char *) attempt->sentences->pdata[i]);
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
  g_set_error (error, QDMABUF_ERROR, (int) attempt->code, "%s %s%s%s%s", who, what, *why ? ": " : "", why,
               dmabuf ? ". Start QEMU with gl=off to get pictures that need no GPU here" : "");
}

static enum verdict
try_all (struct attempt *attempt, const char **backend_name)
{
  g_autoptr (GArray) candidates = rank_readers (attempt);
  enum verdict verdict = attempt->error ? VERDICT_STOP : VERDICT_NEXT;

  for (unsigned i = 0; i < candidates->len && verdict == VERDICT_NEXT; i++) {
    struct reader *reader = g_array_index (candidates, struct candidate, i).reader;

    *backend_name = reader->name;
    verdict = read_anew (attempt, reader);
  }
  return verdict;
}

static enum verdict
try (struct attempt *attempt, const char **backend_name)
{
  struct kept_import *kept = find_kept (attempt->chooser, attempt->buffer);
  enum verdict verdict = VERDICT_NEXT;

  if (kept) {
    struct reader *reader = find_reader (attempt->chooser, kept->backend);

    *backend_name = reader->name;
    verdict = read_kept (attempt, reader, kept);
    /* Why this reader will not go on is said again by rank_readers. */
    g_ptr_array_set_size (attempt->sentences, 0);
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

bool
chooser_read (struct chooser *chooser, QdmabufBuffer *buffer, const struct damage *damage, const struct picture *dst,
              int64_t deadline, const char **backend_name, GError **error)
{
  if (g_atomic_int_get (&buffer->bad)) {
    g_autofree char *what = buffer_describe (buffer);

    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_BAD_MEMORY, "the memory of %s vanished earlier", what);
    return false;
  }

  struct attempt attempt = attempt_start (chooser, buffer, deadline);
  attempt.dst = dst;
  attempt.damage = damage_within (damage, buffer, dst);
  enum verdict verdict = try (&attempt, backend_name);

  if (verdict == VERDICT_NEXT)
    set_nobody_can (&attempt, error);
  else if (verdict == VERDICT_STOP)
    g_propagate_error (error, g_steal_pointer (&attempt.error));
  attempt_end (&attempt);
  return verdict == VERDICT_DONE;
}

char *
chooser_explain (struct chooser *chooser, QdmabufBuffer *buffer)
{
  struct attempt attempt = attempt_start (chooser, buffer, g_get_monotonic_time () + ASIDE_US);
  g_autoptr (GArray) candidates = rank_readers (&attempt);
  g_autofree char *refused = join_sentences (&attempt, "\n");
  GString *text = g_string_new (NULL);

  for (unsigned i = 0; i < candidates->len; i++)
    g_string_append_printf (text, "%s: can read it%s\n", g_array_index (candidates, struct candidate, i).reader->name,
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

  while ((kept = g_queue_pop_head (&chooser->kept)))
    release (chooser, kept);
  refusals_clear (&chooser->refusals);
  g_ptr_array_unref (chooser->readers);
  g_free (chooser->preference);
  g_free (chooser);
}
