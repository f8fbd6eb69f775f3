/* SPDX-License-Identifier: MIT */
/* The encoders that are known: which is taken for a coding, what it is set to, and which Debian
 * package it is in. */
#pragma once

#include <gst/gst.h>
#include <gst/video/video.h>
#include <stdbool.h>

#include "media/codec.h"

struct encoder_kind;

/* The best for that coding that this GStreamer has; wish (nullable): the element to take for the
 * codec that it makes. Errors: PLUGIN (names the Debian package), CODEC (no encoder makes such). */
const struct encoder_kind *encoder_choose (struct coding coding, const char *wish, GError **error);
/* Its element, set for low delay. Floating. Errors: PLUGIN. */
GstElement *encoder_make (const struct encoder_kind *kind, unsigned kbit, GError **error);
/* Is it there? Errors: PLUGIN. */
bool element_check (const char *element, const char *package, GError **error);
/* Any element; package: where it is. Floating. Errors: PLUGIN. */
GstElement *element_make (const char *element, const char *package, GError **error);

const char *encoder_element (const struct encoder_kind *kind);
/* The format that it takes without a conversion. */
GstVideoFormat encoder_format (const struct encoder_kind *kind, enum chroma chroma);
/* Of what comes out of it. Transfer full. */
GstCaps *coding_caps (struct coding coding);
void encoder_kind_set_bitrate (const struct encoder_kind *kind, GstElement *element, unsigned kbit);
