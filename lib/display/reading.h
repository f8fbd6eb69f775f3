/* SPDX-License-Identifier: MIT */
/* How frames are made: what a console and a converter are told alike, as properties of both. */
#pragma once

#include <glib-object.h>
#include <stdbool.h>

#include "flow/reader.h"

/* The numbers of these properties in each class that has them; others follow. */
enum {
  READING_BACKEND = 1,
  READING_RENDER_NODE,
  READING_FORMAT,
  READING_COLOR,
  READING_MAX_FRAMES,
  READING_N_PROPS
};

/* Locked by its owner. */
struct reading {
  char *backend, *render_node;
  guint format, max_frames;
  QdmabufColor color;
};

/* The defaults. */
void reading_init (struct reading *reading);
void reading_clear (struct reading *reading);
/* With strings of its own, to be cleared. */
struct reading reading_copy (const struct reading *reading);
/* Fills the places of these properties in props. flags: besides reading and writing. */
void reading_describe (GParamSpec **props, GParamFlags flags);
/* False: id is none of these properties. */
bool reading_get (const struct reading *reading, guint id, GValue *value);
bool reading_set (struct reading *reading, guint id, const GValue *value);
/* Lends the strings of reading. */
struct reader_config reading_config (const struct reading *reading);
