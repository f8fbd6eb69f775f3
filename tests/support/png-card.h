/* SPDX-License-Identifier: MIT */
/* A PNG file against the picture that the testcard is known to have drawn. */
#pragma once

#include <card.h>
#include <stdbool.h>

struct image {
  unsigned width, height;
  unsigned char *rgb; /* tight rows, R, G, B */
};

/* Fails the test when the file is no PNG. */
struct image png_load (const char *path);
void image_clear (struct image *image);
/* Every pixel; fails the test and says where the first difference is and how many there are. */
void assert_is_card (const struct image *image, const Card *card);
void assert_png_is_card (const char *path, const Card *card);
