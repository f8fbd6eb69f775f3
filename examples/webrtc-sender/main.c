/* SPDX-License-Identifier: MIT */
/* qdmabuf-webrtc: a VM's screen in a browser. This file is the flow of one call. */
#include <gst/gst.h>
#include <locale.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdio.h>

#include "common/messages.h"
#include "options.h"
#include "sender.h"

static enum status
print_version (void)
{
  g_autofree char *gstreamer = gst_version_string ();

  printf ("qdmabuf-webrtc %s, libqemudmabuf %s, %s\nlicence: MIT\n", QDMABUF_VERSION_STRING,
          qdmabuf_get_version (), gstreamer);
  return STATUS_OK;
}

int
main (int argc, char **argv)
{
  struct options options;
  g_autoptr (GError) error = NULL;
  enum status status = STATUS_USAGE;

  setlocale (LC_ALL, "");
  message_set_program ("qdmabuf-webrtc");
  if (!options_parse (&options, argc, argv, &error)) {
    message_error ("%s (--help lists the options)", error->message);
  } else if (!gst_init_check (NULL, NULL, &error)) {
    message_error ("GStreamer does not start: %s", error->message);
    status = STATUS_PLUGIN;
  } else {
    message_set_quiet (options.quiet);
    status = options.version ? print_version () : sender_run (&options);
  }
  options_clear (&options);
  return (int) status;
}
