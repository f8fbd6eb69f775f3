/* SPDX-License-Identifier: MIT */
/* QdmabufCursor as the library makes it. */
#pragma once

#include <qemu-dmabuf/qdmabuf-cursor.h>
#include <stdbool.h>
#include <stdint.h>

/* pixels: width · height · 4 bytes, B, G, R, A with straight alpha; refs it. NULL with a size of 0
 * × 0: no shape yet. At 0, 0 and hidden; NULL where pixels are fewer than that. */
QdmabufCursor *cursor_new (uint32_t width, uint32_t height, int hot_x, int hot_y, GBytes *pixels);
/* The same shape (old nullable: none) elsewhere; shares the pixels. x, y: where its top left pixel
 * is on the screen. */
QdmabufCursor *cursor_moved (QdmabufCursor *old, int x, int y, bool visible);
