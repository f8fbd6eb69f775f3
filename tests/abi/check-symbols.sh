#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Three lists of public names must be one: the version map, the headers' QDMABUF_AVAILABLE_IN_* declarations, and the
# binary's dynamic symbols; each name with the release that brought it, all beginning with qdmabuf_. And the headers
# define no struct.
#
# Environment: SOURCE_DIR, LIBRARY; optional MAP and INCLUDE_DIR (the self-test plants faults there).
set -euo pipefail
export LC_ALL=C

: "${SOURCE_DIR:?}" "${LIBRARY:?}"
map=${MAP:-$SOURCE_DIR/lib/qemudmabuf.map}
include=${INCLUDE_DIR:-$SOURCE_DIR/include/qemu-dmabuf}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# "qdmabuf_name QDMABUF_0.1" for each name of the map.
names_of_map() {
  sed 's/#.*//' "$map" | awk '
    /^QDMABUF_[0-9.]+ *\{/ { node = $1; sub(/\{.*/, "", node); local_part = 0; next }
    /^ *global:/ { next }
    /^ *local:/ { local_part = 1; next }
    /^\}/ { node = ""; next }
    node != "" && !local_part && NF { name = $1; sub(/;.*/, "", name); print name, node }'
}

# The headers as one line each declaration, comments and preprocessor lines gone.
declarations() {
  cat "$include"/*.h "$include"/*.h.in |
    sed -e '/^ *#/{:more;/\\$/{N;b more};d}' |
    awk 'BEGIN { RS = "\001" } { while (match($0, /\/\*([^*]|\*+[^*\/])*\*+\//)) $0 = substr($0, 1, RSTART - 1) " " substr($0, RSTART + RLENGTH); print }' |
    tr '\n' ' ' |
    sed -e 's/;/;\n/g' -e 's/\(G_[A-Z_]* ([^)]*)\)/\1;\n/g' -e 's/G_BEGIN_DECLS\|G_END_DECLS/\n/g'
}

names_of_headers() {
  declarations | sed -nE \
    -e 's/.*QDMABUF_AVAILABLE_IN_([0-9]+)_([0-9]+) +G_DECLARE_FINAL_TYPE \([A-Za-z]+, ([a-z0-9_]+),.*/\3_get_type QDMABUF_\1.\2/p' \
    -e 't' \
    -e 's/.*QDMABUF_AVAILABLE_IN_([0-9]+)_([0-9]+) [^(]*[ *](qdmabuf_[a-z0-9_]+) \(.*/\3 QDMABUF_\1.\2/p'
}

# Prototypes without the mark: public by accident in the header, hidden in the binary.
unmarked_in_headers() {
  declarations | grep -v QDMABUF_AVAILABLE_IN_ | grep -v 'G_DEFINE_AUTOPTR_CLEANUP_FUNC' |
    grep -oE '\bqdmabuf_[a-z0-9_]+ \([^;]*;|G_DECLARE_[A-Z_]+ .*' || true
}

# A struct that users can see from inside can never change again.
transparent_in_headers() {
  declarations | grep -oE '\bstruct +_?Qdmabuf[A-Za-z]* *\{' || true
}

names_of_binary() {
  nm -D --defined-only --with-symbol-versions "$LIBRARY" |
    awk '$2 != "A" { split($3, part, "@@?"); print part[1], part[2] }'
}

names_of_map | sort >"$work/map"
names_of_headers | sort >"$work/headers"
names_of_binary | sort >"$work/binary"
unmarked_in_headers >"$work/unmarked"
transparent_in_headers >"$work/transparent"

failed=0
complain() {
  printf '%s\n' "$1"
  sed 's/^/    /' "$2"
  failed=1
}
compare() {
  comm -23 "$work/$1" "$work/$2" >"$work/only"
  if [[ -s $work/only ]]; then
    complain "in the $1, not in the $2:" "$work/only"
  fi
}

for list in map headers binary; do
  [[ -s $work/$list ]] || complain "no public name found in the $list" /dev/null
  uniq -d "$work/$list" >"$work/twice"
  [[ ! -s $work/twice ]] || complain "twice in the $list:" "$work/twice"
  grep -v '^qdmabuf_' "$work/$list" >"$work/foreign" || true
  [[ ! -s $work/foreign ]] || complain "not a name of ours, in the $list:" "$work/foreign"
done
compare map headers
compare headers map
compare map binary
compare binary map
[[ ! -s $work/unmarked ]] || complain "in the headers, with no QDMABUF_AVAILABLE_IN_*:" "$work/unmarked"
[[ ! -s $work/transparent ]] || complain "defined in the headers, and must be opaque:" "$work/transparent"

[[ $failed == 0 ]] || exit 1
echo "$(wc -l <"$work/map") names: map, headers and binary agree"
