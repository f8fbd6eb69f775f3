/* SPDX-License-Identifier: MIT */
/* Packs: the bytes of rectangles of the canvas one behind the other, and from there into a picture.
 */
#pragma once

#include "import/egl/draw.h"

/* Bytes that damage takes. */
size_t egl_pack_size (const struct damage *damage, const struct picture *shape);
/* Reads damage from the framebuffer that is bound, which shape was drawn into. to: an address, or
 * an offset into the GL_PIXEL_PACK_BUFFER that is bound. */
void egl_pack_read (const struct damage *damage, const struct picture *shape, uint8_t *to);
/* Writes what was read into dst, and nothing beside damage. */
void egl_pack_write (const uint8_t *bytes, const struct damage *damage, const struct picture *dst);
