/* SPDX-License-Identifier: MIT */
/* What a stream can be coded as. */
#pragma once

enum codec { CODEC_H264, CODEC_VP8, N_CODECS };
enum chroma { CHROMA_420, CHROMA_444 }; /* 4:4:4: CODEC_H264 only */

struct coding {
  enum codec codec;
  enum chroma chroma;
};
