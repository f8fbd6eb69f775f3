/* SPDX-License-Identifier: MIT */
/* EGLImage, texture and framebuffer of one buffer, each tried in turn until the driver takes one.
 */
#include "import/egl/image.h"

#include <drm_fourcc.h>
#include <qemu-dmabuf/qdmabuf-error.h>

#include "buffer/fourcc.h"
#include "import/egl/errors.h"

/* Attributes: size and fourcc, five per plane, end. */
#define MAX_ATTRIBUTES (2 * (3 + 5 * LAYOUT_MAX_PLANES) + 1)

struct attributes {
  unsigned n;
  EGLint list[MAX_ATTRIBUTES];
};

static void
add (struct attributes *attributes, EGLint name, uint32_t value)
{
  attributes->list[attributes->n++] = name;
  attributes->list[attributes->n++] = (EGLint) value;
}

static void
add_plane (struct attributes *attributes, const QdmabufBuffer *buffer, unsigned plane)
{
  static const EGLint names[LAYOUT_MAX_PLANES][5] = {
    { EGL_DMA_BUF_PLANE0_FD_EXT, EGL_DMA_BUF_PLANE0_OFFSET_EXT, EGL_DMA_BUF_PLANE0_PITCH_EXT,
      EGL_DMA_BUF_PLANE0_MODIFIER_LO_EXT, EGL_DMA_BUF_PLANE0_MODIFIER_HI_EXT },
    { EGL_DMA_BUF_PLANE1_FD_EXT, EGL_DMA_BUF_PLANE1_OFFSET_EXT, EGL_DMA_BUF_PLANE1_PITCH_EXT,
      EGL_DMA_BUF_PLANE1_MODIFIER_LO_EXT, EGL_DMA_BUF_PLANE1_MODIFIER_HI_EXT },
    { EGL_DMA_BUF_PLANE2_FD_EXT, EGL_DMA_BUF_PLANE2_OFFSET_EXT, EGL_DMA_BUF_PLANE2_PITCH_EXT,
      EGL_DMA_BUF_PLANE2_MODIFIER_LO_EXT, EGL_DMA_BUF_PLANE2_MODIFIER_HI_EXT },
    { EGL_DMA_BUF_PLANE3_FD_EXT, EGL_DMA_BUF_PLANE3_OFFSET_EXT, EGL_DMA_BUF_PLANE3_PITCH_EXT,
      EGL_DMA_BUF_PLANE3_MODIFIER_LO_EXT, EGL_DMA_BUF_PLANE3_MODIFIER_HI_EXT },
  };
  uint64_t modifier = buffer->layout.modifier;

  add (attributes, names[plane][0], (uint32_t) buffer_plane_fd (buffer, plane));
  add (attributes, names[plane][1], buffer->layout.planes[plane].offset);
  add (attributes, names[plane][2], buffer->layout.planes[plane].stride);
  if (modifier == DRM_FORMAT_MOD_INVALID)
    return;
  add (attributes, names[plane][3], (uint32_t) (modifier & 0xffffffff));
  add (attributes, names[plane][4], (uint32_t) (modifier >> 32));
}

static bool
refuse (const QdmabufBuffer *buffer, const char *what, const char *code, GError **error)
{
  g_autofree char *fourcc = fourcc_name (buffer->layout.fourcc);
  g_autofree char *modifier = modifier_name (buffer->layout.modifier);

  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_UNSUPPORTED_MODIFIER,
               "the driver refuses %s with modifier %s and stride %u %s: %s", fourcc, modifier,
               buffer->layout.planes[0].stride, what, code);
  return false;
}

static bool
create_image (const struct egl_device *device, struct egl_image *image, GError **error)
{
  const struct layout *layout = &image->buffer->layout;
  struct attributes attributes = { 0 };

  add (&attributes, EGL_WIDTH, layout->width);
  add (&attributes, EGL_HEIGHT, layout->height);
  add (&attributes, EGL_LINUX_DRM_FOURCC_EXT, image->as.fourcc);
  for (unsigned i = 0; i < layout->n_planes; i++)
    add_plane (&attributes, image->buffer, i);
  attributes.list[attributes.n] = EGL_NONE;

  image->image = device->create_image (device->display, EGL_NO_CONTEXT, EGL_LINUX_DMA_BUF_EXT, NULL,
                                       attributes.list);
  if (image->image != EGL_NO_IMAGE_KHR)
    return true;

  EGLint code = eglGetError ();
  if (code != EGL_CONTEXT_LOST)
    return refuse (image->buffer, "as an image", egl_error_name (code), error);
  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_DEVICE_LOST, "the GPU was reset: %s",
               egl_error_name (code));
  return false;
}

/* ---- textures ---- */

typedef void (*attach_fn) (GLenum target, GLeglImageOES image);

static void
attach_texture (GLenum target, GLeglImageOES image)
{
  glEGLImageTargetTexture2DOES (target, image);
}

/* Some drivers take foreign memory only so. */
static void
attach_storage (GLenum target, GLeglImageOES image)
{
  glEGLImageTargetTexStorageEXT (target, image, NULL);
}

static bool
try_texture (struct egl_image *image, GLenum target, attach_fn attach, GLenum *code)
{
  glGenTextures (1, &image->texture);
  glBindTexture (target, image->texture);
  glTexParameteri (target, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
  glTexParameteri (target, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
  glTexParameteri (target, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
  glTexParameteri (target, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
  attach (target, image->image);
  *code = glGetError ();
  image->target = target;
  if (*code == GL_NO_ERROR)
    return true;
  glDeleteTextures (1, &image->texture);
  image->texture = 0;
  return false;
}

static bool
create_texture (const struct egl_device *device, struct egl_image *image, GError **error)
{
  bool external_only = image->as.external_only;
  GLenum code = GL_INVALID_OPERATION;

  if (!external_only && try_texture (image, GL_TEXTURE_2D, attach_texture, &code))
    return true;
  if (!external_only && device->has_storage &&
      try_texture (image, GL_TEXTURE_2D, attach_storage, &code))
    return true;
  if (device->has_external && try_texture (image, GL_TEXTURE_EXTERNAL_OES, attach_texture, &code))
    return true;
  return refuse (image->buffer, "as a texture", gl_error_name (code), error);
}

static uint32_t
fourcc_of_read (GLenum format, GLenum type)
{
  if (format == GL_BGRA_EXT && type == GL_UNSIGNED_BYTE)
    return DRM_FORMAT_XRGB8888;
  if (format == GL_RGBA && type == GL_UNSIGNED_BYTE)
    return DRM_FORMAT_XBGR8888;
  if (format == GL_RGB && type == GL_UNSIGNED_SHORT_5_6_5)
    return DRM_FORMAT_RGB565;
  if (format == GL_RGBA && type == GL_UNSIGNED_INT_2_10_10_10_REV)
    return DRM_FORMAT_XBGR2101010;
  if (format == GL_BGRA_EXT && type == GL_UNSIGNED_INT_2_10_10_10_REV)
    return DRM_FORMAT_XRGB2101010;
  return 0;
}

bool
egl_image_has_bytes (const struct egl_image *image)
{
  switch (pixel_format_find (image->buffer->layout.fourcc)->opaque) {
  case DRM_FORMAT_RGB565:
  case DRM_FORMAT_XRGB2101010:
  case DRM_FORMAT_XBGR2101010:
    return false;
  default:
    return true;
  }
}

bool
egl_image_is_substitute (const struct egl_image *image)
{
  return image->as.fourcc != image->buffer->layout.fourcc;
}

/* The bytes of a substitute are in the buffer's order only when they are read in the order in which
 * they lie. */
static uint32_t
fourcc_of_image (const struct egl_image *image)
{
  uint32_t fourcc = fourcc_of_read (image->format, image->type);

  if (!egl_image_is_substitute (image))
    return fourcc;
  return pixel_format_find (image->as.fourcc)->opaque == fourcc
             ? pixel_format_find (image->buffer->layout.fourcc)->opaque
             : 0;
}

/* Channels of more or fewer than 8 bits are left to the CPU's rule of rounding, or to our shader's,
 * which is the same: GL's own is another. */
static bool
reads_exactly (const struct egl_image *image)
{
  if (egl_image_is_substitute (image))
    return image->fourcc != 0;
  return egl_image_has_bytes (image) ||
         pixel_format_find (image->buffer->layout.fourcc)->opaque == image->fourcc;
}

static void
create_framebuffer (struct egl_image *image)
{
  GLint format = 0;
  GLint type = 0;

  glGenFramebuffers (1, &image->framebuffer);
  glBindFramebuffer (GL_FRAMEBUFFER, image->framebuffer);
  glFramebufferTexture2D (GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, image->texture, 0);
  bool complete = glCheckFramebufferStatus (GL_FRAMEBUFFER) == GL_FRAMEBUFFER_COMPLETE;
  if (complete) {
    glGetIntegerv (GL_IMPLEMENTATION_COLOR_READ_FORMAT, &format);
    glGetIntegerv (GL_IMPLEMENTATION_COLOR_READ_TYPE, &type);
  }
  image->format = (GLenum) format;
  image->type = (GLenum) type;
  image->fourcc = fourcc_of_image (image);
  if (complete && reads_exactly (image))
    return;
  glDeleteFramebuffers (1, &image->framebuffer);
  image->framebuffer = 0;
}

struct egl_image *
egl_image_new (const struct egl_device *device, QdmabufBuffer *buffer, const struct egl_format *as,
               GError **error)
{
  struct egl_image *image = g_new0 (struct egl_image, 1);

  image->buffer = buffer;
  image->as = *as;
  image->image = EGL_NO_IMAGE_KHR;
  if (!create_image (device, image, error) || !create_texture (device, image, error)) {
    egl_image_free (device, image);
    return NULL;
  }
  if (image->target == GL_TEXTURE_2D)
    create_framebuffer (image);
  return image;
}

/* Drivers may keep a converted copy of an external texture until it is attached again. */
void
egl_image_bind (const struct egl_image *image)
{
  glBindTexture (image->target, image->texture);
  if (image->target == GL_TEXTURE_EXTERNAL_OES)
    glEGLImageTargetTexture2DOES (image->target, image->image);
}

void
egl_image_free (const struct egl_device *device, struct egl_image *image)
{
  if (image->framebuffer)
    glDeleteFramebuffers (1, &image->framebuffer);
  if (image->texture)
    glDeleteTextures (1, &image->texture);
  if (image->image != EGL_NO_IMAGE_KHR)
    device->destroy_image (device->display, image->image);
  g_free (image);
}
