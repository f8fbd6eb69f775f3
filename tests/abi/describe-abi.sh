#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# describe-abi.sh LIBRARY: writes the ABI of libqemudmabuf.so to stdout, as abidw sees it, for the baseline and for the
# library that is compared with it alike.
#
# Users see our structs declared, never defined, so they are made declarations here: then their fields cannot matter.
# (Suppressions of abidiff say the same, but they also hide a parameter that changes from one of our types to another
# type altogether; and with --headers-dir types of GLib count as private, so that a changed return type goes unseen.)
# What depends on the machine and not on the source goes: paths, and the versions of what we link with.
set -euo pipefail
export LC_ALL=C

abidw --exported-interfaces-only --no-show-locs --no-corpus-path --no-comp-dir-path --no-elf-needed \
  --type-id-style hash "$1" |
  sed -E "s|(<abi-instr [^>]*path=')[^']*/lib/|\1lib/|" |
  awk '
    /<class-decl name=.Qdmabuf|<class-decl name=._Qdmabuf/ && / size-in-bits=/ {
      opened = !/\/>$/
      sub(/ size-in-bits=.[0-9]+./, "")
      sub(/ id=/, " is-declaration-only=\047yes\047 id=")
      sub(/\/?>$/, "/>")
      print
      indent = match($0, /[^ ]/)
      next
    }
    opened {
      if (match($0, /[^ ]/) == indent && /<\/class-decl>/)
        opened = 0
      next
    }
    { print }'
