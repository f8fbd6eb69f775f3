/* SPDX-License-Identifier: MIT */
/* A server that says anything before it lets us in. */
#define _GNU_SOURCE 1 /* memmem */

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "listen/sasl.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  struct sasl sasl;
  unsigned said = 0;
  bool good = true;

  sasl_start (&sasl, (unsigned) size);
  for (size_t i = 0; i < size && good && sasl.state != SASL_DONE; i++) {
    good = sasl_feed (&sasl, (char) data[i], &error);
    said += sasl.n_out > 0;
    if (sasl.n_out > sizeof sasl.out || (sasl.n_out > 0 && sasl.out[sasl.n_out - 1] != '\n'))
      abort ();
  }
  /* Nobody makes us talk for ever, and there is only one way in. */
  if (good != !error || said > 4 || (error && strlen (error->message) > 1024) ||
      (sasl.state == SASL_DONE && !memmem (data, size, "AGREE_UNIX_FD", 13)))
    abort ();
  return 0;
}
