/* SPDX-License-Identifier: MIT */
/* The addresses by which others reach this machine. */
#pragma once

#include <glib.h>

/* Of all interfaces that are up, but loopback and link-local ones; IPv4 first. Full transfer, never
 * NULL, NULL-terminated. */
char **addresses_of_machine (void);
/* The address as it stands in a URL. Full transfer. */
char *address_in_url (const char *address);
