/* SPDX-License-Identifier: MIT */
/*
 * linux-guest-draw [FPS]: what a Linux guest of the tests shows, through the DRM driver as a
 * compositor would.
 *
 * Each pixel names its own place, so that a wrong stride, crop or orientation shows at once:
 *
 *     red = x & 255, green = y & 255, blue = (x >> 8) << 4 | (y >> 8)
 *
 * FPS 0 (the default) shows that picture once and leaves it. With FPS > 0 two buffers are flipped
 * at that rate, one with the picture and one with its complement, so that whatever is neither, or
 * partly both, is no frame of this guest. After the first picture it says "guest: drawn WxH" on its
 * standard output, and on an error "guest: ..." with the call that failed.
 */
#include <drm.h>
#include <drm_mode.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct screen {
  int fd;
  uint32_t connector;
  uint32_t crtc;
  struct drm_mode_modeinfo mode;
};

static void
fail (const char *what)
{
  printf ("guest: %s: %s\n", what, strerror (errno));
  exit (1);
}

static void
call (int fd, unsigned long request, void *argument, const char *what)
{
  int result = -1;

  do {
    result = ioctl (fd, request, argument);
  } while (result < 0 && errno == EINTR);

  if (result < 0)
    fail (what);
}

static uint32_t
pixel_at (uint32_t x, uint32_t y)
{
  return (x & 255) << 16 | (y & 255) << 8 | (x >> 8) << 4 | (y >> 8);
}

/* The first connector, crtc and mode: a virtual GPU has its preferred mode there. */
static void
find_screen (struct screen *screen)
{
  uint32_t connectors[16] = { 0 }, crtcs[16] = { 0 };
  struct drm_mode_modeinfo modes[64];
  struct drm_mode_card_res resources = {
    .connector_id_ptr = (uintptr_t) connectors,
    .crtc_id_ptr = (uintptr_t) crtcs,
    .count_connectors = 16,
    .count_crtcs = 16,
  };
  struct drm_mode_get_connector connector = { 0 };

  call (screen->fd, DRM_IOCTL_MODE_GETRESOURCES, &resources, "GETRESOURCES");
  connector.connector_id = connectors[0];
  /* Asked for with no room for modes, the driver probes them. */
  call (screen->fd, DRM_IOCTL_MODE_GETCONNECTOR, &connector, "GETCONNECTOR");
  if (connector.count_modes == 0 || connector.count_modes > 64) {
    errno = ENODEV;
    fail ("the modes of the first connector");
  }
  connector.modes_ptr = (uintptr_t) modes;
  connector.count_props = 0;
  connector.count_encoders = 0;
  call (screen->fd, DRM_IOCTL_MODE_GETCONNECTOR, &connector, "GETCONNECTOR");

  screen->connector = connectors[0];
  screen->crtc = crtcs[0];
  screen->mode = modes[0];
}

static void
fill (uint32_t *pixels, const struct drm_mode_create_dumb *dumb, uint32_t invert)
{
  for (uint32_t y = 0; y < dumb->height; y++) {
    uint32_t *row = pixels + (size_t) y * dumb->pitch / 4;

    for (uint32_t x = 0; x < dumb->width; x++)
      row[x] = pixel_at (x, y) ^ invert;
  }
}

/* A framebuffer of the size of the mode with the picture in it; its id. */
static uint32_t
make_framebuffer (const struct screen *screen, uint32_t invert)
{
  struct drm_mode_create_dumb dumb = {
    .width = screen->mode.hdisplay,
    .height = screen->mode.vdisplay,
    .bpp = 32,
  };
  struct drm_mode_map_dumb map = { 0 };
  struct drm_mode_fb_cmd framebuffer = { 0 };

  call (screen->fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb, "CREATE_DUMB");
  map.handle = dumb.handle;
  call (screen->fd, DRM_IOCTL_MODE_MAP_DUMB, &map, "MAP_DUMB");
  uint32_t *pixels =
      mmap (NULL, dumb.size, PROT_READ | PROT_WRITE, MAP_SHARED, screen->fd, (off_t) map.offset);
  if (pixels == MAP_FAILED)
    fail ("mmap");
  fill (pixels, &dumb, invert);
  munmap (pixels, dumb.size);

  framebuffer.width = dumb.width;
  framebuffer.height = dumb.height;
  framebuffer.pitch = dumb.pitch;
  framebuffer.bpp = 32;
  framebuffer.depth = 24;
  framebuffer.handle = dumb.handle;
  call (screen->fd, DRM_IOCTL_MODE_ADDFB, &framebuffer, "ADDFB");
  return framebuffer.fb_id;
}

static void
show (struct screen *screen, uint32_t framebuffer)
{
  struct drm_mode_crtc crtc = {
    .set_connectors_ptr = (uintptr_t) &screen->connector,
    .count_connectors = 1,
    .crtc_id = screen->crtc,
    .fb_id = framebuffer,
    .mode_valid = 1,
    .mode = screen->mode,
  };

  call (screen->fd, DRM_IOCTL_MODE_SETCRTC, &crtc, "SETCRTC");
}

static void
flip (const struct screen *screen, uint32_t framebuffer)
{
  struct drm_mode_crtc_page_flip request = {
    .crtc_id = screen->crtc,
    .fb_id = framebuffer,
    .flags = DRM_MODE_PAGE_FLIP_EVENT,
  };
  struct pollfd event = { .fd = screen->fd, .events = POLLIN };
  char done[sizeof (struct drm_event_vblank)];

  call (screen->fd, DRM_IOCTL_MODE_PAGE_FLIP, &request, "PAGE_FLIP");
  if (poll (&event, 1, 5000) != 1 || read (screen->fd, done, sizeof done) < 0)
    fail ("the end of a page flip");
}

static void
flip_for_ever (const struct screen *screen, const uint32_t framebuffers[2], long fps)
{
  struct timespec next = { 0 };

  clock_gettime (CLOCK_MONOTONIC, &next);
  for (unsigned int shown = 1;; shown++) {
    next.tv_nsec += 1000000000 / fps;
    if (next.tv_nsec >= 1000000000) {
      next.tv_nsec -= 1000000000;
      next.tv_sec++;
    }
    clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    flip (screen, framebuffers[shown % 2]);
  }
}

int
main (int argc, char **argv)
{
  struct screen screen = { .fd = open ("/dev/dri/card0", O_RDWR | O_CLOEXEC) };
  long fps = argc > 1 ? strtol (argv[1], NULL, 10) : 0;
  uint32_t framebuffers[2];

  if (screen.fd < 0)
    fail ("/dev/dri/card0");
  if (fps < 0 || fps > 1000) {
    errno = ERANGE;
    fail ("frames per second");
  }

  find_screen (&screen);
  framebuffers[0] = make_framebuffer (&screen, 0);
  framebuffers[1] = fps ? make_framebuffer (&screen, 0xffffff) : 0;
  show (&screen, framebuffers[0]);
  printf ("guest: drawn %ux%u\n", screen.mode.hdisplay, screen.mode.vdisplay);
  fflush (stdout);

  if (fps)
    flip_for_ever (&screen, framebuffers, fps);
  /* The picture goes when its owner does. */
  for (;;)
    pause ();
}
