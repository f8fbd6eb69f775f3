/* SPDX-License-Identifier: MIT */
/* Comparing pixels with the testcard's own drawing code. */
#include "support/png-card.h"

#include "support/fds.h"

#include <glib.h>
#include <png.h>
#include <string.h>

struct image
png_load (const char *path)
{
  png_image png = { .version = PNG_IMAGE_VERSION };
  struct image image = { 0 };

  if (!png_image_begin_read_from_file (&png, path))
    fail_msg ("%s: %s", path, png.message);
  png.format = PNG_FORMAT_RGB;
  image.width = png.width;
  image.height = png.height;
  image.rgb = g_malloc (PNG_IMAGE_SIZE (png));
  if (!png_image_finish_read (&png, NULL, image.rgb, 0, NULL))
    fail_msg ("%s: %s", path, png.message);
  return image;
}

void
image_clear (struct image *image)
{
  g_clear_pointer (&image->rgb, g_free);
}

static uint32_t
pixel_at (const struct image *image, size_t i)
{
  const unsigned char *p = image->rgb + 3 * i;

  return (uint32_t) p[0] << 16 | (uint32_t) p[1] << 8 | p[2];
}

void
assert_is_card (const struct image *image, const Card *card)
{
  size_t n = (size_t) card->width * (size_t) card->height;
  size_t wrong = 0, first = 0;

  assert_int_equal (image->width, card->width);
  assert_int_equal (image->height, card->height);
  g_autofree uint32_t *wanted = g_malloc (n * 4);
  card_draw (card, wanted, (size_t) card->width * 4);
  for (size_t i = 0; i < n; i++)
    if (pixel_at (image, i) != (wanted[i] & 0xffffff) && wrong++ == 0)
      first = i;
  if (wrong > 0)
    fail_msg ("%zu of %zu pixels differ, the first at %zu,%zu: %06x instead of %06x", wrong, n,
              first % (size_t) card->width, first / (size_t) card->width, pixel_at (image, first),
              wanted[first] & 0xffffff);
}

void
assert_png_is_card (const char *path, const Card *card)
{
  struct image image = png_load (path);

  assert_is_card (&image, card);
  image_clear (&image);
}
