/* SPDX-License-Identifier: MIT */
/* What is known of the pictures inside an encoder: a ring. */
#include "media/in-flight.h"

static void
drop_first (struct in_flight *in_flight)
{
  in_flight->first = (in_flight->first + 1) % IN_FLIGHT_MAX;
  in_flight->n--;
}

void
in_flight_add (struct in_flight *in_flight, const struct flight *flight)
{
  if (in_flight->n == IN_FLIGHT_MAX)
    drop_first (in_flight);
  in_flight->flights[(in_flight->first + in_flight->n) % IN_FLIGHT_MAX] = *flight;
  in_flight->n++;
}

bool
in_flight_take (struct in_flight *in_flight, uint64_t pts, struct flight *flight)
{
  bool found = false;

  while (in_flight->n > 0 && in_flight->flights[in_flight->first].pts <= pts) {
    *flight = in_flight->flights[in_flight->first];
    drop_first (in_flight);
    found = true;
  }
  return found;
}
