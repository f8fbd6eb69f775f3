/* SPDX-License-Identifier: MIT */
/* The calls of a well-behaved QEMU, with the arguments and flags that it gives them. */
#include "peer/fake-qemu.h"

static GVariant *
bytes (const void *data, size_t size)
{
  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, data, size, 1);
}

void
fake_scanout (struct fake_qemu *fake, unsigned console, uint32_t width, uint32_t height,
              uint32_t stride, uint32_t pixman, const void *data, size_t size)
{
  fake_call (fake, console, "Scanout",
             g_variant_new ("(uuuu@ay)", width, height, stride, pixman, bytes (data, size)), NULL,
             0, false);
}

void
fake_update (struct fake_qemu *fake, unsigned console, int x, int y, int width, int height,
             uint32_t stride, uint32_t pixman, const void *data, size_t size)
{
  fake_call (fake, console, "Update",
             g_variant_new ("(iiiiuu@ay)", x, y, width, height, stride, pixman, bytes (data, size)),
             NULL, 0, false);
}

unsigned
fake_scanout_map (struct fake_qemu *fake, unsigned console, int fd, uint32_t offset, uint32_t width,
                  uint32_t height, uint32_t stride, uint32_t pixman)
{
  return fake_call (fake, console, "ScanoutMap",
                    g_variant_new ("(huuuuu)", 0, offset, width, height, stride, pixman), &fd, 1,
                    true);
}

void
fake_update_map (struct fake_qemu *fake, unsigned console, int x, int y, int width, int height)
{
  fake_call (fake, console, "UpdateMap", g_variant_new ("(iiii)", x, y, width, height), NULL, 0,
             false);
}

void
fake_scanout_dmabuf (struct fake_qemu *fake, unsigned console, int fd, uint32_t width,
                     uint32_t height, uint32_t stride, uint32_t fourcc, uint64_t modifier,
                     bool y0_top)
{
  fake_call (
      fake, console, "ScanoutDMABUF",
      g_variant_new ("(huuuutb)", 0, width, height, stride, fourcc, modifier, (gboolean) y0_top),
      &fd, 1, false);
}

static GVariant *
numbers (const uint32_t *values, size_t n)
{
  return g_variant_new_fixed_array (G_VARIANT_TYPE_UINT32, values, n, sizeof *values);
}

void
fake_scanout_dmabuf2 (struct fake_qemu *fake, unsigned console, const struct fake_dmabuf2 *scanout)
{
  GVariantBuilder handles = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("ah"));

  for (unsigned i = 0; i < scanout->n_fds; i++)
    g_variant_builder_add (&handles, "h", (int32_t) i);
  fake_call (fake, console, "ScanoutDMABUF2",
             g_variant_new ("(@ahuuuu@au@auuuuutb)", g_variant_builder_end (&handles), scanout->x,
                            scanout->y, scanout->width, scanout->height,
                            numbers (scanout->offsets, scanout->n_planes),
                            numbers (scanout->strides, scanout->n_planes), scanout->n_planes,
                            scanout->fourcc, scanout->backing_width, scanout->backing_height,
                            scanout->modifier, (gboolean) scanout->y0_top),
             scanout->fds, scanout->n_fds, false);
}

unsigned
fake_update_dmabuf (struct fake_qemu *fake, unsigned console, int x, int y, int width, int height)
{
  return fake_call (fake, console, "UpdateDMABUF", g_variant_new ("(iiii)", x, y, width, height),
                    NULL, 0, true);
}

void
fake_disable (struct fake_qemu *fake, unsigned console)
{
  fake_call (fake, console, "Disable", NULL, NULL, 0, false);
}

void
fake_mouse_set (struct fake_qemu *fake, unsigned console, int x, int y, bool on)
{
  fake_call (fake, console, "MouseSet", g_variant_new ("(iii)", x, y, on ? 1 : 0), NULL, 0, false);
}

void
fake_cursor_define (struct fake_qemu *fake, unsigned console, int width, int height, int hot_x,
                    int hot_y, const void *data, size_t size)
{
  fake_call (fake, console, "CursorDefine",
             g_variant_new ("(iiii@ay)", width, height, hot_x, hot_y, bytes (data, size)), NULL, 0,
             false);
}
