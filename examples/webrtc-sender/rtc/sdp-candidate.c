/* SPDX-License-Identifier: MIT */
/* One ICE candidate: is it one, and one for us? */
#include <gio/gio.h>
#include <string.h>

#include "rtc/sdp-lines.h"

/* Names (Chrome's *.local above all) are left alone: a peer must not make us ask a DNS server, and
 * when the peer's checks arrive here we learn its address from them. */
static bool
usable (char **words)
{
  static const char *const types[] = { "host", "srflx", "prflx", "relay", NULL };
  int port = sdp_number (words[5], 65535);

  return g_str_equal (words[1], "1") && g_ascii_strcasecmp (words[2], "udp") == 0 && port > 0 &&
         g_hostname_is_ip_address (words[4]) && g_str_equal (words[6], "typ") &&
         g_strv_contains (types, words[7]);
}

static bool
well_formed (char **words)
{
  return g_strv_length (words) >= 8 && sdp_is_word (words[0] + strlen ("candidate:"), 32, "+/") &&
         sdp_is_word (words[2], 8, "-") && sdp_is_word (words[3], 10, "") &&
         strspn (words[3], "0123456789") == strlen (words[3]) && sdp_is_word (words[4], 255, ".:-");
}

bool
sdp_read_candidate (const char *text, char **usable_out, GError **error)
{
  g_auto (GStrv) words = NULL;

  *usable_out = NULL;
  if (g_str_has_prefix (text, "a="))
    text += 2;
  if (!g_str_has_prefix (text, "candidate:") || strnlen (text, 1025) > 1024)
    return sdp_refuse (error, "no candidate");
  words = g_strsplit (text, " ", 32);
  if (!well_formed (words))
    return sdp_refuse (error, "a candidate is malformed");
  if (usable (words))
    *usable_out = g_strdup_printf ("%s 1 udp %s %s %s typ %s", words[0], words[3], words[4],
                                   words[5], words[7]);
  return true;
}
