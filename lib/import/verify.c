/* SPDX-License-Identifier: MIT */
/* Reading twice, comparing, and counting by kind of buffer. */
#include "import/verify.h"

#include <drm_fourcc.h>

#include "buffer/fourcc.h"
#include "buffer/planes.h"
#include "import/chooser.h"
#include "import/compare.h"
#include "import/detile/view.h"

/* Bytes; what vectors like. */
#define ROW_ALIGNMENT 64u
/* Samples in which the wrong view must be wrong, so that the other is not right by chance. */
#define TELLING 256u

/* One kind of buffer by one back end. */
struct kind {
  const char *backend; /* static */
  uint32_t fourcc;
  uint64_t modifier;
  uint64_t reads, reads_differing;
  uint64_t samples, samples_differing;
};

struct verify {
  struct chooser *chooser;        /* of the CPU's back ends */
  struct chooser *sectors, *gobs; /* that reads NVIDIA's layouts in this view */
  GMutex lock;                    /* guards all below */
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
  struct verify_reading *gobs; /* the same in this view, this one then being in that of sectors;
                                  NULL: which view is right is known, or not asked */
};

bool
verify_wanted (void)
{
  return g_strcmp0 (g_getenv ("QDMABUF_VERIFY"), "1") == 0;
}

static struct chooser *
chooser_viewing (enum nvidia_view view)
{
  struct chooser *chooser = chooser_new ("cpu");

  chooser_add (chooser, detile_backend_new_viewing (view), NULL);
  return chooser;
}

struct verify *
verify_new (void)
{
  struct verify *verify = g_new0 (struct verify, 1);

  g_mutex_init (&verify->lock);
  verify->chooser = chooser_new ("cpu");
  chooser_add (verify->chooser, linear_backend_new (), NULL);
  chooser_add (verify->chooser, detile_backend_new (), NULL);
  verify->sectors = chooser_viewing (NVIDIA_VIEW_SECTORS);
  verify->gobs = chooser_viewing (NVIDIA_VIEW_GOBS);
  return verify;
}

void
verify_free (struct verify *verify)
{
  chooser_free (verify->chooser);
  chooser_free (verify->sectors);
  chooser_free (verify->gobs);
  g_mutex_clear (&verify->lock);
  g_free (verify);
}

/* ---- the second read ---- */

static void
reading_free (struct verify_reading *reading)
{
  if (reading->gobs)
    reading_free (reading->gobs);
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

/* NULL: chooser has nobody who can, or there is no memory. */
static struct verify_reading *
read_by (struct chooser *chooser, QdmabufBuffer *buffer, const struct damage *damage,
         const struct picture *shape, int64_t deadline)
{
  struct verify_reading *reading = g_new0 (struct verify_reading, 1);
  const char *by = NULL;

  reading->fourcc = buffer->layout.fourcc;
  reading->modifier = buffer->layout.modifier;
  reading->damage = *damage;
  damage_clip (&reading->damage, MIN ((uint32_t) buffer->layout.crop.width, shape->width),
               MIN ((uint32_t) buffer->layout.crop.height, shape->height));
  if (reading_allocate (reading, shape) &&
      chooser_read (chooser, buffer, &reading->damage, &reading->picture, deadline, &by, NULL))
    return reading;
  reading_free (reading);
  return NULL;
}

/* What the CPU would read if it knew the view. */
static struct verify_reading *
read_both_views (struct verify *verify, QdmabufBuffer *buffer, const struct damage *damage,
                 const struct picture *shape, int64_t deadline)
{
  uint64_t modifier = buffer->layout.modifier;

  if (modifier >> 56 != DRM_FORMAT_MOD_VENDOR_NVIDIA ||
      nvidia_view_said () != NVIDIA_VIEW_UNKNOWN ||
      nvidia_view_found (modifier) != NVIDIA_VIEW_UNKNOWN)
    return NULL;
  struct verify_reading *reading = read_by (verify->sectors, buffer, damage, shape, deadline);

  if (!reading)
    return NULL;
  reading->gobs = read_by (verify->gobs, buffer, damage, shape, deadline);
  if (reading->gobs)
    return reading;
  reading_free (reading);
  return NULL;
}

struct verify_reading *
verify_begin (struct verify *verify, QdmabufBuffer *buffer, const struct damage *damage,
              const struct picture *shape, const char *backend_name, int64_t deadline)
{
  if (is_of_the_cpu (backend_name))
    return NULL;
  struct verify_reading *reading = read_by (verify->chooser, buffer, damage, shape, deadline);

  if (!reading)
    reading = read_both_views (verify, buffer, damage, shape, deadline);
  if (reading)
    reading->backend = backend_name;
  return reading;
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

/* ---- NVIDIA's view ---- */

/* A plain picture looks the same in both views, and one that the guest draws into meanwhile is
 * equal to neither: then the next read may tell. */
static enum nvidia_view
judge_views (uint64_t sectors_differing, uint64_t gobs_differing)
{
  if (sectors_differing == 0 && gobs_differing >= TELLING)
    return NVIDIA_VIEW_SECTORS;
  if (gobs_differing == 0 && sectors_differing >= TELLING)
    return NVIDIA_VIEW_GOBS;
  return NVIDIA_VIEW_UNKNOWN;
}

static void
find_view (const struct verify_reading *reading, const struct picture *got)
{
  enum nvidia_view view =
      judge_views (compare_pictures (&reading->picture, got, &reading->damage).differing,
                   compare_pictures (&reading->gobs->picture, got, &reading->damage).differing);
  g_autofree char *modifier = modifier_name (reading->modifier);

  if (view == NVIDIA_VIEW_UNKNOWN)
    return;
  nvidia_view_learn (reading->modifier, view);
  g_message ("modifier %s: what back end \"%s\" read is the CPU's view \"%s\", which the CPU uses "
             "from now "
             "on; QDMABUF_NVIDIA_VIEW can say so from the start",
             modifier, reading->backend, view == NVIDIA_VIEW_GOBS ? "gobs" : "sectors");
}

void
verify_compare (struct verify *verify, struct verify_reading *reading, const struct picture *got)
{
  if (!reading)
    return;
  if (got && reading->gobs) {
    find_view (reading, got);
  } else if (got) {
    struct comparison comparison = compare_pictures (&reading->picture, got, &reading->damage);

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
