/* SPDX-License-Identifier: MIT */
/* The elements by name: GStreamer itself says that one is missing when a viewer is waiting already.
 */
#include "plugins.h"

#include "media/encoders.h"
#include "rtc/viewer.h"

/* One codec is enough where the user named none. */
static bool
check_encoders (const struct options *options, GError **error)
{
  for (int codec = 0; codec < N_CODECS; codec++) {
    struct coding coding = { .codec = (enum codec) codec, .chroma = CHROMA_420 };
    bool asked = options->codec < 0 || options->codec == codec;

    if (asked && encoder_choose (coding, options->encoder, NULL))
      return true;
  }
  struct coding coding = { .codec = options->codec < 0 ? CODEC_H264 : (enum codec) options->codec };
  encoder_choose (coding, options->encoder, error);
  return false;
}

bool
plugins_check (const struct options *options, GError **error)
{
  return viewer_prepare (error) && check_encoders (options, error);
}
