/* SPDX-License-Identifier: MIT */
/* From packed RGB into planes of YUV. */
#pragma once

#include "convert/convert.h"

bool planar_supported (uint32_t from, uint32_t to);
/* As convert_rect. */
void planar_convert (const struct pixels *from, const struct picture *to, struct rect r);
