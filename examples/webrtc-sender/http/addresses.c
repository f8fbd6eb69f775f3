/* SPDX-License-Identifier: MIT */
/* What the kernel knows of its interfaces. */
#include "http/addresses.h"

#include <gio/gio.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

/* Full transfer; NULL: not one that others use. */
static char *
usable (const struct ifaddrs *entry, int family)
{
  const struct sockaddr *address = entry->ifa_addr;

  if (!address || address->sa_family != family)
    return NULL;
  const void *bytes = family == AF_INET
                          ? (const void *) &((const struct sockaddr_in *) address)->sin_addr
                          : (const void *) &((const struct sockaddr_in6 *) address)->sin6_addr;
  g_autoptr (GInetAddress) inet = g_inet_address_new_from_bytes (
      bytes, family == AF_INET ? G_SOCKET_FAMILY_IPV4 : G_SOCKET_FAMILY_IPV6);
  if (g_inet_address_get_is_loopback (inet) || g_inet_address_get_is_link_local (inet))
    return NULL;
  return g_inet_address_to_string (inet);
}

char **
addresses_of_machine (void)
{
  static const int families[] = { AF_INET, AF_INET6 };
  GPtrArray *all = g_ptr_array_new ();
  struct ifaddrs *list = NULL;

  if (getifaddrs (&list) < 0)
    list = NULL;
  for (size_t i = 0; i < G_N_ELEMENTS (families); i++) {
    for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next) {
      char *text = usable (entry, families[i]);

      if (text)
        g_ptr_array_add (all, text);
    }
  }
  if (list)
    freeifaddrs (list);
  g_ptr_array_add (all, NULL);
  return (char **) g_ptr_array_free (all, FALSE);
}

char *
address_in_url (const char *address)
{
  return g_strdup_printf (strchr (address, ':') ? "[%s]" : "%s", address);
}
