/* SPDX-License-Identifier: MIT */
/* Reading twice, comparing, and counting by kind of buffer. */
#include "import/verify.h"

#include <drm_fourcc.h>

#include "buffer/fourcc.h"
#include "buffer/planes.h"
#include "import/chooser.h"

/* Bytes; what vectors like. */
#define ROW_ALIGNMENT 64u

/* One kind of buffer by one back end. */
struct kind {
  const char *backend; /* static */
  uint32_t fourcc;
  uint64_t modifier;
  uint64_t reads, reads_differing;
  uint64_t samples, samples_differing;
};

struct verify {
  struct chooser *chooser; /* of the CPU's back ends */
  GMutex lock;             /* guards all below */
  struct kind kinds[VERIFY_MAX_KINDS];
  unsigned n_kinds;
};

struct verify_reading {
  const char *backend;
  uint32_t fourcc;
  uint64_t modifier;
  struct damage damage;
  struct picture picture;
  uint8_t *memory;
};

bool
verify_wanted (void)
{
  return g_strcmp0 (g_getenv ("QDMABUF_VERIFY"), "1") == 0;
}

struct verify *
verify_new (void)
{
  struct verify *verify = g_new0 (struct verify, 1);

  g_mutex_init (&verify->lock);
  verify->chooser = chooser_new ("cpu");
  chooser_add (verify->chooser, linear_backend_new (), NULL);
  chooser_add (verify->chooser, detile_backend_new (), NULL);
  return verify;
}

void
verify_free (struct verify *verify)
{
  chooser_free (verify->chooser);
  g_mutex_clear (&verify->lock);
  g_free (verify);
}

/* ---- the second read ---- */

static void
reading_free (struct verify_reading *reading)
{
  g_free (reading->memory);
  g_free (reading);
}

/* Memory for a picture like shape. False: there is not so much. */
static bool
reading_allocate (struct verify_reading *reading, const struct picture *shape)
{
  const struct output_format *format = output_format_find (shape->fourcc);
  struct rect whole = { 0, 0, (int32_t) shape->width, (int32_t) shape->height };
  size_t at[PICTURE_MAX_PLANES] = { 0 };
  size_t size = 0;

  reading->picture = (struct picture){ .fourcc = shape->fourcc,
                                       .color = shape->color,
                                       .width = shape->width,
                                       .height = shape->height,
                                       .n_planes = format->n_planes };
  for (unsigned i = 0; i < format->n_planes; i++) {
    struct rect r = plane_rect (&format->planes[i], whole);
    size_t row = (size_t) r.width * format->planes[i].cpp;

    reading->picture.stride[i] = (row + ROW_ALIGNMENT - 1) / ROW_ALIGNMENT * ROW_ALIGNMENT;
    at[i] = size;
    size += reading->picture.stride[i] * (size_t) r.height;
  }
  reading->memory = g_try_malloc (size);
  for (unsigned i = 0; reading->memory && i < format->n_planes; i++)
    reading->picture.data[i] = reading->memory + at[i];
  return reading->memory != NULL;
}

static bool
is_of_the_cpu (const char *backend_name)
{
  return g_str_equal (backend_name, "linear") || g_str_equal (backend_name, "detile");
}

struct verify_reading *
verify_begin (struct verify *verify, QdmabufBuffer *buffer, const struct damage *damage,
              const struct picture *shape, const char *backend_name, int64_t deadline)
{
  const char *by = NULL;

  if (is_of_the_cpu (backend_name))
    return NULL;
  struct verify_reading *reading = g_new0 (struct verify_reading, 1);

  reading->backend = backend_name;
  reading->fourcc = buffer->layout.fourcc;
  reading->modifier = buffer->layout.modifier;
  reading->damage = *damage;
  damage_clip (&reading->damage, MIN ((uint32_t) buffer->layout.crop.width, shape->width),
               MIN ((uint32_t) buffer->layout.crop.height, shape->height));
  if (reading_allocate (reading, shape) && chooser_read (verify->chooser, buffer, &reading->damage,
                                                         &reading->picture, deadline, &by, NULL))
    return reading;
  reading_free (reading);
  return NULL;
}

/* ---- comparing ---- */

/* What two pictures have in common. */
struct comparison {
  uint64_t samples, differing;
  unsigned plane; /* of the first difference */
  int32_t x, y;   /* its pixel */
  const uint8_t *want, *got;
};

/* Where format is packed the fourth byte has no meaning. */
static bool
is_same (const struct output_format *format, unsigned plane, const uint8_t *want,
         const uint8_t *got)
{
  unsigned n = MIN (format->planes[plane].cpp, 3);
  int tolerance = format->n_planes == 1 ? 0 : plane == 0 ? 1 : 2;

  for (unsigned i = 0; i < n; i++) {
    if (ABS (want[i] - got[i]) > tolerance)
      return false;
  }
  return true;
}

static void
compare_row (struct comparison *comparison, const struct picture *want, const struct picture *got,
             unsigned plane, int32_t y, int32_t first, int32_t n)
{
  const struct output_format *format = output_format_find (want->fourcc);
  const struct plane_format *layout = &format->planes[plane];

  for (int32_t x = first; x < first + n; x++) {
    const uint8_t *a = plane_sample (want, plane, x, y);
    const uint8_t *b = plane_sample (got, plane, x, y);

    if (is_same (format, plane, a, b))
      continue;
    if (comparison->differing++ == 0) {
      comparison->plane = plane;
      comparison->x = x << layout->x_shift;
      comparison->y = y << layout->y_shift;
      comparison->want = a;
      comparison->got = b;
    }
  }
  comparison->samples += (uint64_t) n;
}

static struct comparison
compare (const struct verify_reading *reading, const struct picture *got)
{
  const struct picture *want = &reading->picture;
  const struct output_format *format = output_format_find (want->fourcc);
  struct comparison comparison = { 0 };

  for (unsigned i = 0; i < reading->damage.n; i++) {
    for (unsigned plane = 0; plane < format->n_planes; plane++) {
      struct rect r = plane_rect (&format->planes[plane], reading->damage.rects[i]);

      for (int32_t y = r.y; y < r.y + r.height; y++)
        compare_row (&comparison, want, got, plane, y, r.x, r.width);
    }
  }
  return comparison;
}

/* ---- counting ---- */

/* With the lock held. NULL: there are too many. */
static struct kind *
find_kind (struct verify *verify, const struct verify_reading *reading)
{
  for (unsigned i = 0; i < verify->n_kinds; i++) {
    struct kind *kind = &verify->kinds[i];

    if (g_str_equal (kind->backend, reading->backend) && kind->fourcc == reading->fourcc &&
        kind->modifier == reading->modifier)
      return kind;
  }
  if (verify->n_kinds == VERIFY_MAX_KINDS)
    return NULL;
  struct kind *kind = &verify->kinds[verify->n_kinds++];
  *kind = (struct kind){ .backend = reading->backend,
                         .fourcc = reading->fourcc,
                         .modifier = reading->modifier };
  return kind;
}

/* True: the first difference of its kind. */
static bool
count (struct verify *verify, const struct verify_reading *reading,
       const struct comparison *comparison)
{
  bool first = false;

  g_mutex_lock (&verify->lock);
  struct kind *kind = find_kind (verify, reading);
  if (kind) {
    kind->reads++;
    kind->samples += comparison->samples;
    kind->samples_differing += comparison->differing;
    first = comparison->differing > 0 && kind->reads_differing++ == 0;
  }
  g_mutex_unlock (&verify->lock);
  return first;
}

static void
append_bytes (GString *text, const uint8_t *bytes, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    g_string_append_printf (text, "%02x", bytes[i]);
}

static void
warn (const struct verify_reading *reading, const struct comparison *comparison)
{
  const struct output_format *format = output_format_find (reading->picture.fourcc);
  g_autofree char *fourcc = fourcc_name (reading->fourcc);
  g_autofree char *modifier = modifier_name (reading->modifier);
  g_autofree char *output = fourcc_name (format->fourcc);
  unsigned n = MIN (format->planes[comparison->plane].cpp, 3);
  g_autoptr (GString) bytes = g_string_new (NULL);

  append_bytes (bytes, comparison->got, n);
  g_string_append (bytes, " instead of the CPU's ");
  append_bytes (bytes, comparison->want, n);
  g_warning ("back end \"%s\" does not read %s with modifier %s as the CPU does: %" G_GUINT64_FORMAT
             " of %" G_GUINT64_FORMAT
             " samples of %s differ, the first in plane %u at pixel %d, %d: %s",
             reading->backend, fourcc, modifier, comparison->differing, comparison->samples, output,
             comparison->plane, comparison->x, comparison->y, bytes->str);
}

void
verify_compare (struct verify *verify, struct verify_reading *reading, const struct picture *got)
{
  if (!reading)
    return;
  if (got) {
    struct comparison comparison = compare (reading, got);

    if (count (verify, reading, &comparison))
      warn (reading, &comparison);
  }
  reading_free (reading);
}

static void
add_count (GVariantBuilder *builder, const char *key, uint64_t value)
{
  g_variant_builder_add (builder, "{sv}", key, g_variant_new_uint64 (value));
}

static void
add_kind (GVariantBuilder *builder, const struct kind *kind)
{
  g_variant_builder_open (builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (builder, "{sv}", "backend", g_variant_new_string (kind->backend));
  g_variant_builder_add (builder, "{sv}", "fourcc", g_variant_new_uint32 (kind->fourcc));
  add_count (builder, "modifier", kind->modifier);
  add_count (builder, "reads", kind->reads);
  add_count (builder, "reads-differing", kind->reads_differing);
  add_count (builder, "samples", kind->samples);
  add_count (builder, "samples-differing", kind->samples_differing);
  g_variant_builder_close (builder);
}

GVariant *
verify_stats (struct verify *verify)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  g_mutex_lock (&verify->lock);
  for (unsigned i = 0; i < verify->n_kinds; i++)
    add_kind (&builder, &verify->kinds[i]);
  g_mutex_unlock (&verify->lock);
  return g_variant_builder_end (&builder);
}
