/* SPDX-License-Identifier: MIT */
/* Where frames go: one file for all of them, or one for each. */
#include "sink.h"

#include <string.h>

#include "compose.h"
#include "outfile.h"

#define DEFAULT_FPS 30

struct sink {
  const struct options *options;
  struct name_pattern pattern; /* not used for stdout */
  bool one_file;               /* all frames go into one */
  /* The open file; NULL between files. */
  char *name;
  struct outfile *file;
  void *writer;
  /* What was shown last, to know a repeated picture. */
  guint64 last_serial;
  QdmabufCursor *last_cursor;
  uint64_t id;       /* of that picture; 0: none yet */
  uint8_t *composed; /* frame and cursor; kept to be used again */
  size_t composed_size;
  unsigned n_written;
  GPtrArray *files; /* of char *, with a NULL at the end */
};

struct sink *
sink_new (const struct options *options, const char *vm)
{
  struct sink *sink = g_new0 (struct sink, 1);
  bool numbered = options->count > 1 && !options->writer->stream;

  sink->options = options;
  sink->files = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (sink->files, NULL);
  if (!options->output)
    name_pattern_default (vm, options->console, options->writer->name, numbered, &sink->pattern);
  else if (strcmp (options->output, "-") != 0)
    name_pattern_copy (&options->pattern, &sink->pattern);
  sink->one_file = !sink->pattern.numbered;
  return sink;
}

guint32
sink_fourcc (const struct sink *sink)
{
  return sink->options->writer->fourcc;
}

static bool
open_file (struct sink *sink, GError **error)
{
  const struct options *options = sink->options;

  sink->name = sink->pattern.before ? name_pattern_expand (&sink->pattern, sink->n_written + 1)
                                    : g_strdup ("-");
  sink->file = outfile_open (sink->name, error);
  if (!sink->file) {
    g_clear_pointer (&sink->name, g_free);
    return false;
  }
  sink->writer = options->writer->open (outfile_stream (sink->file),
                                        options->fps ? options->fps : DEFAULT_FPS);
  return true;
}

static void
close_writer (struct sink *sink)
{
  sink->options->writer->close (sink->writer);
  sink->writer = NULL;
}

static bool
commit_file (struct sink *sink, GError **error)
{
  bool done = false;

  close_writer (sink);
  done = outfile_commit (g_steal_pointer (&sink->file), error);
  if (done)
    g_ptr_array_insert (sink->files, (int) sink->files->len - 1, g_strdup (sink->name));
  g_clear_pointer (&sink->name, g_free);
  return done;
}

static void
discard_file (struct sink *sink)
{
  close_writer (sink);
  outfile_discard (g_steal_pointer (&sink->file));
  g_clear_pointer (&sink->name, g_free);
}

static bool
read_cursor (QdmabufCursor *cursor, struct pointer *pointer)
{
  gsize have = 0;

  pointer->width = qdmabuf_cursor_get_width (cursor);
  pointer->height = qdmabuf_cursor_get_height (cursor);
  pointer->data = qdmabuf_cursor_get_data (cursor, &have);
  qdmabuf_cursor_get_position (cursor, &pointer->x, &pointer->y);
  return qdmabuf_cursor_get_visible (cursor) && pointer->data &&
         have >= (gsize) pointer->width * pointer->height * 4;
}

/* A copy of the picture with the cursor in it, valid until the next one. */
static void
draw_cursor (struct sink *sink, struct image *image, QdmabufCursor *cursor)
{
  struct pointer pointer = { 0 };
  uint8_t *planes[IMAGE_MAX_PLANES] = { NULL };
  size_t size = 0;

  if (!read_cursor (cursor, &pointer))
    return;
  for (unsigned i = 0; i < image_n_planes (image); i++)
    size += image->stride[i] * image_rows (image, i);
  if (sink->composed_size != size) {
    sink->composed = g_realloc (sink->composed, size);
    sink->composed_size = size;
  }
  uint8_t *at = sink->composed;
  for (unsigned i = 0; i < image_n_planes (image); i++) {
    size_t plane = image->stride[i] * image_rows (image, i);

    /* The last row may end before its stride does. */
    memcpy (at, image->data[i], plane - image->stride[i] + image_row_size (image, i));
    image->data[i] = planes[i] = at;
    at += plane;
  }
  compose_pointer (image, planes, &pointer);
}

static uint64_t
picture_id (struct sink *sink, guint64 serial, QdmabufCursor *cursor)
{
  if (sink->id != 0 && serial == sink->last_serial && cursor == sink->last_cursor)
    return sink->id;
  g_clear_pointer (&sink->last_cursor, qdmabuf_cursor_unref);
  sink->last_cursor = cursor ? qdmabuf_cursor_ref (cursor) : NULL;
  sink->last_serial = serial;
  return ++sink->id;
}

static struct image
make_image (struct sink *sink, QdmabufFrame *frame, QdmabufCursor *cursor)
{
  struct image image = {
    .fourcc = qdmabuf_frame_get_format (frame),
    .width = qdmabuf_frame_get_width (frame),
    .height = qdmabuf_frame_get_height (frame),
  };

  for (unsigned i = 0; i < image_n_planes (&image); i++) {
    image.stride[i] = qdmabuf_frame_get_stride (frame, i);
    image.data[i] = qdmabuf_frame_get_data (frame, i, NULL);
  }
  image.id = picture_id (sink, qdmabuf_frame_get_serial (frame), cursor);
  if (cursor)
    draw_cursor (sink, &image, cursor);
  return image;
}

bool
sink_put (struct sink *sink, QdmabufFrame *frame, QdmabufCursor *cursor, unsigned times,
          GError **error)
{
  struct image image = make_image (sink, frame, cursor);

  if (!sink->file && !open_file (sink, error))
    return false;
  if (!sink->options->writer->write (sink->writer, &image, times, error)) {
    g_prefix_error (error, "cannot write '%s': ", sink->pattern.before ? sink->name : "stdout");
    return false;
  }
  sink->n_written += times;
  return sink->one_file || commit_file (sink, error);
}

bool
sink_finish (struct sink *sink, GError **error)
{
  return !sink->file || commit_file (sink, error);
}

unsigned
sink_n_written (const struct sink *sink)
{
  return sink->n_written;
}

const char *const *
sink_files (struct sink *sink)
{
  return (const char *const *) sink->files->pdata;
}

void
sink_free (struct sink *sink)
{
  if (sink->file)
    discard_file (sink);
  g_ptr_array_unref (sink->files);
  name_pattern_clear (&sink->pattern);
  g_clear_pointer (&sink->last_cursor, qdmabuf_cursor_unref);
  g_free (sink->composed);
  g_free (sink);
}
