/* SPDX-License-Identifier: MIT */
/* The log of coded frames: lines of JSON, written whole. */
#include "media/frame-log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/error.h"

struct frame_log {
  FILE *file; /* locks itself */
};

struct frame_log *
frame_log_open (const char *path, GError **error)
{
  FILE *file = fopen (path, "we");

  if (!file) {
    g_set_error (error, SENDER_ERROR, SENDER_ERROR_FAILED, "cannot write the log %s: %s", path,
                 g_strerror (errno));
    return NULL;
  }
  setvbuf (file, NULL, _IOLBF, 0);
  struct frame_log *log = g_new (struct frame_log, 1);
  log->file = file;
  return log;
}

void
frame_log_write (struct frame_log *log, enum codec codec, const struct coded *coded)
{
  const struct unit *unit = &coded->unit;

  fprintf (log->file,
           "{\"rtp\":%" PRIu32 ",\"capture_us\":%" PRId64 ",\"taken_us\":%" PRId64
           ",\"encoded_us\":%" PRId64 ",\"bytes\":%zu,\"key\":%s,\"why\":\"%s\",\"width\":%u,"
           "\"height\":%u,\"codec\":\"%s\"}\n",
           unit->rtp_time, unit->capture_us, coded->taken_us, coded->encoded_us,
           gst_buffer_get_size (unit->buffer), unit->key ? "true" : "false",
           pace_why_name (coded->why), unit->width, unit->height,
           codec == CODEC_H264 ? "h264" : "vp8");
}

void
frame_log_close (struct frame_log *log)
{
  fclose (log->file);
  g_free (log);
}
