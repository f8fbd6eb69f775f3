/* SPDX-License-Identifier: MIT */
/* A peer that offers anything at all. What we make of it must be a description that we would take.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "rtc/sdp.h"

static const struct coding codings[] = { { CODEC_H264, CHROMA_444 },
                                         { CODEC_H264, CHROMA_420 },
                                         { CODEC_VP8, CHROMA_420 } };

static void
check (const Sdp *offer)
{
  g_autofree char *inner = sdp_for_webrtcbin (offer, false);
  g_autofree char *answer = sdp_write_answer (offer, offer, &offer->stream);
  g_autoptr (Sdp) again = sdp_read_offer (inner, codings, G_N_ELEMENTS (codings), NULL);

  if (!again || again->stream.payload != offer->stream.payload ||
      again->stream.rtx != offer->stream.rtx || strcmp (again->pwd, offer->pwd) != 0 ||
      again->n_fingerprints != offer->n_fingerprints || !strstr (answer, "a=sendonly\r\n"))
    abort ();
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (Sdp) offer = sdp_read_offer (text, codings, G_N_ELEMENTS (codings), &error);
  g_autofree char *usable = NULL;

  if (!offer == !error)
    abort ();
  if (offer)
    check (offer);
  if (!sdp_read_candidate (text, &usable, NULL) && usable)
    abort ();
  return 0;
}
