/* SPDX-License-Identifier: MIT */
/* The options that say how frames of a console are taken, in whatever subcommand. */
#pragma once

#include <glib.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdbool.h>

struct stream_options {
  guint32 format;             /* DRM fourcc of the frames */
  QdmabufListenerFlags flags; /* interfaces offered to QEMU */
  char *format_name, *listener_name;
  char *backend;     /* NULL: the library's choice */
  char *render_node; /* NULL: the same */
  double seconds;
  char *json; /* NULL: none; "-": stdout, and no table */
  char *plot; /* NULL: none; ends in .svg or .png */
};

/* All fields but format and flags are set by the parsing of context; then stream_options_check ()
 * looks at them. Error: G_OPTION_ERROR, one sentence. */
void stream_options_add (struct stream_options *options, GOptionContext *context);
/* Also seconds and plot, which else keep their defaults. After it. */
void stream_options_add_measuring (struct stream_options *options, GOptionContext *context);
bool stream_options_check (struct stream_options *options, GError **error);
void stream_options_clear (struct stream_options *options);
