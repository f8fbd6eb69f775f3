#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests the two ABI gates: breaks are planted into a copy of the sources, only the file concerned is compiled again,
# the library is linked anew from the other objects of the build, and each break must turn its gate red. What users
# cannot see must stay green.
#
# Environment: SOURCE_DIR, BUILD_DIR, CC.
set -euo pipefail
export LC_ALL=C

: "${SOURCE_DIR:?}" "${BUILD_DIR:?}" "${CC:?}"
if ! command -v abidiff >/dev/null; then
  echo "skipped: abidiff is not installed (abigail-tools)"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
objects=$BUILD_DIR/lib/CMakeFiles/qemudmabuf-objects.dir
frame=deliver/frame.c
failed=0

fresh_copy() {
  rm -rf "$work/copy"
  mkdir -p "$work/copy/lib"
  cp -r "$SOURCE_DIR/include" "$work/copy/"
  (cd "$SOURCE_DIR/lib" && cp -r --parents abi qemudmabuf.map $(find . -name '*.[ch]') "$work/copy/lib/")
}

# plant FILE SED-EXPRESSION: a planted fault that changes nothing would test nothing.
plant() {
  local file=$work/copy/$1
  sed -E -i.before "$2" "$file"
  if cmp -s "$file" "$file.before"; then
    echo "the self-test is out of date: $1 has nothing like: $2"
    exit 1
  fi
  rm "$file.before"
}

# The build's own command for that source, upon the copy.
compile() {
  local command
  command=$(awk -v file="/lib/$1\"" '
    /^ *"command":/ { command = $0 }
    /^ *"file":/ && index($0, file) { print command; exit }' "$BUILD_DIR/compile_commands.json" |
    sed -E -e 's/^ *"command": "//' -e 's/",?$//' -e 's/\\(["\\])/\1/g' -e 's/ -o +[^ ]+//')
  command=${command//$SOURCE_DIR\/lib/$work\/copy\/lib}
  command=${command//$SOURCE_DIR\/include/$work\/copy\/include}
  (cd "$BUILD_DIR" && eval "$command -w -o '$work/changed.o'")
}

# The objects that the library is made of now, without that of the source given: old ones may lie beside them.
objects_without() {
  sed -nE "s|^ *\"file\": \"$SOURCE_DIR/lib/([^\"]*\.c)\",?|\1|p" "$BUILD_DIR/compile_commands.json" |
    grep -vxF "$1" | sed "s|.*|$objects/&.o|"
}

# link [CHANGED-SOURCE]: the library; its dependencies do not matter to its ABI.
link() {
  local others=()
  mapfile -t others < <(objects_without "${1:-none}")
  "$CC" -shared -g -Wl,-soname,libqemudmabuf.so.0 \
    -Wl,--version-script="$work/copy/lib/qemudmabuf.map" \
    -o "$work/libqemudmabuf.so" "${others[@]}" ${1:+"$work/changed.o"}
}

# expect red|green GATE WHAT
expect() {
  local colour=green code=0
  SOURCE_DIR=$work/copy LIBRARY=$work/libqemudmabuf.so "$SOURCE_DIR/tests/abi/$2.sh" >"$work/output" 2>&1 || code=$?
  if [[ $code == 77 ]]; then
    cat "$work/output"
    exit 77
  fi
  [[ $code == 0 ]] || colour=red
  printf '%-5s %-13s %s\n' "$colour" "$2" "$3"
  if [[ $colour != "$1" ]]; then
    echo "    it must be $1:"
    sed 's/^/    /' "$work/output"
    failed=1
  fi
}

fresh_copy
link
expect green check-symbols "nothing changed"
expect green check-abi "nothing changed"

fresh_copy
for file in include/qemu-dmabuf/qdmabuf-frame.h lib/$frame; do
  plant "$file" '/^guint( |$)/{N;s/^guint([ \n]qdmabuf_frame_get_width)/guint64\1/;P;D}'
done
compile $frame
link $frame
expect red check-abi "a return type changed (guint to guint64)"

fresh_copy
for file in include/qemu-dmabuf/qdmabuf-frame.h lib/$frame; do
  plant "$file" 's/(qdmabuf_frame_get_stride \(QdmabufFrame \*[a-z]+, )guint /\1guint64 /'
done
compile $frame
link $frame
expect red check-abi "a parameter type changed (guint to guint64)"

fresh_copy
plant include/qemu-dmabuf/qdmabuf-frame.h 's/(qdmabuf_frame_get_serial \()QdmabufFrame \*/\1GBytes */'
plant "lib/$frame" '/^qdmabuf_frame_get_serial \(/{
  N
  s/\(QdmabufFrame \*([a-z]+)\)\n\{/(GBytes *planted)\n{\n  QdmabufFrame *\1 = (QdmabufFrame *) planted;/
}'
compile $frame
link $frame
expect red check-abi "a parameter changed to another object"

fresh_copy
plant lib/qemudmabuf.map '/qdmabuf_frame_get_time;/d'
link
expect red check-abi "a symbol removed"
expect red check-symbols "a symbol removed from map and binary, not from the header"

fresh_copy
plant lib/qemudmabuf.map 's/^( *)qdmabuf_frame_get_time;/&\n\1qdmabuf_frame_get_colour;/'
link
expect red check-symbols "a name in the map that nobody defines"

fresh_copy
plant include/qemu-dmabuf/qdmabuf-frame.h 's/^guint qdmabuf_frame_get_width.*/&\nguint qdmabuf_frame_get_colour (void);/'
link
expect red check-symbols "a prototype in a header with no mark"

fresh_copy
plant lib/qemudmabuf.map '/qdmabuf_frame_get_time;/d; s/^QDMABUF_0.1 .*/QDMABUF_0.2 {\nqdmabuf_frame_get_time;\n};\n&/'
link
expect red check-symbols "a name under the node of another release"

fresh_copy
plant include/qemu-dmabuf/qdmabuf-frame.h 's/^typedef struct _QdmabufFrame .*/struct _QdmabufFrame {\n  guint planted;\n};\n&/'
link
expect red check-symbols "a struct defined in a header"

fresh_copy
plant "lib/deliver/frame-private.h" 's/^struct _QdmabufFrame \{/&\n  guint64 planted;/'
compile $frame
link $frame
expect green check-abi "a field added to an opaque struct"
expect green check-symbols "a field added to an opaque struct"

exit $failed
