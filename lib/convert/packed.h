/* SPDX-License-Identifier: MIT */
/* From one packed RGB format into another. */
#pragma once

#include "convert/convert.h"

bool packed_supported (uint32_t from, uint32_t to);
/* As convert_rect. */
void packed_convert (const struct pixels *from, const struct picture *to, struct rect r);
