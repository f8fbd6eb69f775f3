/* SPDX-License-Identifier: MIT */
/* The sentence of a refusal names what was refused: format and modifier. */
#include "import/refuse.h"

#include "buffer/fourcc.h"

bool
refuse_buffer (GError **reason, QdmabufError code, const QdmabufBuffer *buffer, const char *why)
{
  g_autofree char *fourcc = fourcc_name (buffer->layout.fourcc);
  g_autofree char *modifier = modifier_name (buffer->layout.modifier);

  g_set_error (reason, QDMABUF_ERROR, (int) code, "%s with modifier %s %s", fourcc, modifier, why);
  return false;
}
