/* SPDX-License-Identifier: MIT */
/* What to read, when, and whom to answer for it: the order of QEMU's calls turned into reads. */
#include "flow/inbox.h"

#include <qemu-dmabuf/qdmabuf-error.h>

void
inbox_init (struct inbox *inbox, GDestroyNotify answer)
{
  *inbox = (struct inbox){
    .due = INT64_MAX,
    .disable_due = INT64_MAX,
    .resize_due = INT64_MAX,
    .answer = answer,
    .replies = g_ptr_array_new_with_free_func (answer),
  };
}

void
inbox_clear (struct inbox *inbox)
{
  g_clear_pointer (&inbox->current, qdmabuf_buffer_unref);
  g_clear_pointer (&inbox->replies, g_ptr_array_unref);
  g_clear_pointer (&inbox->spare, g_ptr_array_unref);
}

static GPtrArray *
steal_replies (struct inbox *inbox)
{
  GPtrArray *replies = inbox->replies;

  inbox->replies = g_steal_pointer (&inbox->spare);
  if (!inbox->replies)
    inbox->replies = g_ptr_array_new_with_free_func (inbox->answer);
  return replies;
}

void
inbox_give_back (struct inbox *inbox, GPtrArray *replies)
{
  if (inbox->spare)
    g_ptr_array_unref (replies);
  else
    inbox->spare = replies;
}

GPtrArray *
inbox_give_up (struct inbox *inbox)
{
  return steal_replies (inbox);
}

GPtrArray *
inbox_forget (struct inbox *inbox)
{
  g_clear_pointer (&inbox->current, qdmabuf_buffer_unref);
  inbox->pending = DAMAGE_NONE;
  inbox->version = 0;
  inbox->updated = inbox->doubtful = false;
  inbox->due = inbox->disable_due = inbox->resize_due = INT64_MAX;
  return steal_replies (inbox);
}

static void
set_current (struct inbox *inbox, QdmabufBuffer *buffer)
{
  QdmabufBuffer *old = inbox->current;

  inbox->current = qdmabuf_buffer_ref (buffer);
  g_clear_pointer (&old, qdmabuf_buffer_unref);
  inbox->pending =
      damage_whole ((uint32_t) buffer->layout.crop.width, (uint32_t) buffer->layout.crop.height);
}

/* Whatever shows a picture again also ends a Disable. */
static void
screen_is_on (struct inbox *inbox)
{
  inbox->doubtful = false;
  inbox->disable_due = INT64_MAX;
}

static void
start_stamps (struct inbox *inbox, int64_t time)
{
  inbox->stamps = (struct stamps){ .since = time, .at[STAGE_VALIDATED] = time };
}

void
inbox_validated (struct inbox *inbox, int64_t time, int64_t validated)
{
  if (inbox->stamps.since == time)
    inbox->stamps.at[STAGE_VALIDATED] = validated;
}

GPtrArray *
inbox_scanout (struct inbox *inbox, QdmabufBuffer *buffer, unsigned version, int64_t now)
{
  GPtrArray *stale = inbox->replies->len > 0 ? steal_replies (inbox) : NULL;
  bool settle = buffer->kind == BUFFER_DMABUF;

  set_current (inbox, buffer);
  screen_is_on (inbox);
  inbox->resize_due = INT64_MAX;
  inbox->version = version;
  inbox->updated = false;
  inbox->due = settle ? now + INBOX_SETTLE_US : now;
  inbox->time = now;
  start_stamps (inbox, now);
  return stale;
}

static bool
is_kind (const struct inbox *inbox, enum buffer_kind kind)
{
  return inbox->current && inbox->current->kind == kind;
}

/* Is the picture up to date but for what comes now? What only announced a DMA-BUF waits for an
 * update by itself. */
static bool
is_news (const struct inbox *inbox)
{
  return damage_is_empty (&inbox->pending) || (is_kind (inbox, BUFFER_DMABUF) && !inbox->updated);
}

static void
add_pending (struct inbox *inbox, struct rect r, int64_t now)
{
  const struct layout *layout = &inbox->current->layout;
  bool cropped = layout->crop.width != (int32_t) layout->width ||
                 layout->crop.height != (int32_t) layout->height;

  if (is_news (inbox))
    start_stamps (inbox, now);
  /* With a crop nobody says whether the rectangle counts from the buffer's corner or the screen's:
   * take all of it. */
  if (cropped)
    inbox->pending = damage_whole ((uint32_t) layout->crop.width, (uint32_t) layout->crop.height);
  else
    damage_add (&inbox->pending, r);
  damage_clip (&inbox->pending, (uint32_t) layout->crop.width, (uint32_t) layout->crop.height);
  inbox->due = now;
  inbox->time = now;
}

enum inbox_verdict
inbox_update_dmabuf (struct inbox *inbox, struct rect r, void *reply, int64_t now)
{
  if (!is_kind (inbox, BUFFER_DMABUF))
    return INBOX_NO_SCANOUT;
  /* ScanoutDMABUF is among the calls that a queued Disable throws away in QEMU 9.2 to 10.0;
   * ScanoutDMABUF2 is not. */
  if (inbox->doubtful && inbox->version == 1) {
    inbox->disable_due = INT64_MAX; /* the screen is on all the same: it was updated */
    return INBOX_LOST;
  }

  screen_is_on (inbox);
  add_pending (inbox, r, now);
  inbox->updated = true;
  if (inbox->replies->len == INBOX_MAX_REPLIES)
    return INBOX_FULL;
  if (inbox->replies->len == 0)
    inbox->oldest_reply = now;
  g_ptr_array_add (inbox->replies, reply);
  return INBOX_QUEUED;
}

static bool
fits (const QdmabufBuffer *buffer, struct rect r)
{
  struct rect whole = { 0, 0, (int32_t) buffer->layout.width, (int32_t) buffer->layout.height };

  return rect_contains (whole, r);
}

/* What the picture becomes at another size; full transfer. */
static QdmabufBuffer *
resized (const struct inbox *inbox, uint32_t width, uint32_t height, GError **error)
{
  QdmabufBuffer *old = is_kind (inbox, BUFFER_BYTES) ? inbox->current : NULL;

  if ((uint64_t) width * height * 4 > INBOX_MAX_INLINE) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_LIMIT,
                 "an inline picture of %u×%u: no message could carry it", width, height);
    return NULL;
  }
  return buffer_new_resized (old, width, height, error);
}

static void
set_resized (struct inbox *inbox, QdmabufBuffer *buffer)
{
  set_current (inbox, buffer);
  inbox->version = 0;
  inbox->resize_due = INT64_MAX;
}

/* A picture for pixels that arrive with no Scanout of their size: as large as the console says, or,
 * if it says nothing that fits, as they need. Full transfer. */
static QdmabufBuffer *
make_room (const struct inbox *inbox, struct rect r, bool *unannounced, GError **error)
{
  QdmabufBuffer *old = is_kind (inbox, BUFFER_BYTES) ? inbox->current : NULL;
  struct rect console = { 0, 0, (int32_t) inbox->console_width, (int32_t) inbox->console_height };

  if (rect_contains (console, r))
    return resized (inbox, inbox->console_width, inbox->console_height, error);
  *unannounced = true;
  struct rect shown = { 0, 0, old ? (int32_t) old->layout.width : 0,
                        old ? (int32_t) old->layout.height : 0 };
  struct rect all = rect_union (shown, r);
  return resized (inbox, (uint32_t) (all.x + all.width), (uint32_t) (all.y + all.height), error);
}

static bool
rect_is_sane (struct rect r)
{
  return r.x >= 0 && r.y >= 0 && !rect_is_empty (r) && r.x <= (int32_t) LAYOUT_MAX_SIZE &&
         r.y <= (int32_t) LAYOUT_MAX_SIZE && r.width <= (int32_t) LAYOUT_MAX_SIZE &&
         r.height <= (int32_t) LAYOUT_MAX_SIZE && r.x + r.width <= (int32_t) LAYOUT_MAX_SIZE &&
         r.y + r.height <= (int32_t) LAYOUT_MAX_SIZE;
}

bool
inbox_update_pixels (struct inbox *inbox, struct rect r, uint32_t stride, uint32_t fourcc,
                     const uint8_t *pixels, size_t size, int64_t now, bool *unannounced,
                     GError **error)
{
  *unannounced = false;
  if (!inbox->current) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL, "Update before any Scanout");
    return false;
  }
  if (!rect_is_sane (r)) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL,
                 "Update of an impossible rectangle %d,%d %d×%d", r.x, r.y, r.width, r.height);
    return false;
  }
  bool fit = is_kind (inbox, BUFFER_BYTES) && fits (inbox->current, r);
  g_autoptr (QdmabufBuffer) picture =
      fit ? qdmabuf_buffer_ref (inbox->current) : make_room (inbox, r, unannounced, error);
  if (!picture || !buffer_write (picture, r, stride, fourcc, pixels, size, error))
    return false;

  if (!fit)
    set_resized (inbox, picture);
  screen_is_on (inbox);
  add_pending (inbox, r, now);
  return true;
}

bool
inbox_update_map (struct inbox *inbox, struct rect r, int64_t now, GError **error)
{
  if (!is_kind (inbox, BUFFER_MAP)) {
    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_PROTOCOL, "UpdateMap without a ScanoutMap");
    return false;
  }
  screen_is_on (inbox);
  add_pending (inbox, r, now);
  return true;
}

void
inbox_disable (struct inbox *inbox, int64_t now)
{
  /* Right behind a scanout it is the release of the buffer that a page flip left, and the scanout
   * has not been lost. */
  inbox->doubtful = !inbox->current || inbox->updated;
  inbox->disable_due = MIN (inbox->disable_due, now + INBOX_DISABLE_US);
}

static bool
has_console_size (const struct inbox *inbox)
{
  const struct layout *layout = &inbox->current->layout;

  return layout->width == inbox->console_width && layout->height == inbox->console_height;
}

void
inbox_console_size (struct inbox *inbox, unsigned width, unsigned height, int64_t now)
{
  inbox->console_width = MIN (width, LAYOUT_MAX_SIZE);
  inbox->console_height = MIN (height, LAYOUT_MAX_SIZE);
  inbox->resize_due = INT64_MAX;
  if (is_kind (inbox, BUFFER_BYTES) && width > 0 && height > 0 && !has_console_size (inbox))
    inbox->resize_due = now + INBOX_SETTLE_US;
}

/* Nothing newer came: the picture is of the console's size. */
static void
follow_console (struct inbox *inbox, int64_t now)
{
  if (now < inbox->resize_due)
    return;
  inbox->resize_due = INT64_MAX;
  g_autoptr (QdmabufBuffer) picture =
      resized (inbox, inbox->console_width, inbox->console_height, NULL);
  if (!picture)
    return;
  set_resized (inbox, picture);
  inbox->due = now;
  inbox->time = now;
  start_stamps (inbox, now);
}

bool
inbox_take (struct inbox *inbox, int64_t now, struct inbox_work *work)
{
  follow_console (inbox, now);
  bool due = inbox->due <= now && !damage_is_empty (&inbox->pending);

  if (!inbox->current || (!due && inbox->replies->len == 0))
    return false;

  work->buffer = qdmabuf_buffer_ref (inbox->current);
  work->damage = inbox->pending;
  work->time = inbox->time;
  work->stamps = inbox->stamps;
  work->deadline = (inbox->replies->len > 0 ? inbox->oldest_reply : now) + INBOX_REPLY_US;
  work->replies = steal_replies (inbox);
  inbox->pending = DAMAGE_NONE;
  inbox->due = INT64_MAX;
  return true;
}

bool
inbox_take_disabled (struct inbox *inbox, int64_t now)
{
  if (now < inbox->disable_due)
    return false;
  inbox->disable_due = INT64_MAX;
  return true;
}

void
inbox_retry (struct inbox *inbox, int64_t when)
{
  if (!inbox->current || inbox->due != INT64_MAX)
    return;
  inbox->pending = damage_whole ((uint32_t) inbox->current->layout.crop.width,
                                 (uint32_t) inbox->current->layout.crop.height);
  inbox->due = when;
}

int64_t
inbox_next (const struct inbox *inbox)
{
  int64_t due = damage_is_empty (&inbox->pending) ? INT64_MAX : inbox->due;

  return MIN (MIN (due, inbox->disable_due), inbox->resize_due);
}
