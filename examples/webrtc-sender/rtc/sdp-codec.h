/* SPDX-License-Identifier: MIT */
/* Which of the formats of a video section can carry one of our codings, and how. */
#pragma once

#include "rtc/sdp-lines.h"

/* The first of codings that this section has; its payload type, parameters, feedback, retransmission
 * and header extensions go to *video. Errors: CODEC. */
bool sdp_codec_choose (const struct sdp_part *section, const struct coding *codings,
                       unsigned n_codings, struct sdp_video *video, GError **error);
