#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The house rules that grep can prove: which room of lib/ includes which, who knows D-Bus, GL and GBM, who closes the
# fds of buffers, that tools and examples use the public API only, and what stands at the top level.
#
# Environment: SOURCE_DIR.
set -euo pipefail
export LC_ALL=C

cd "${SOURCE_DIR:?}"
failed=0

# For each room what it may include besides itself.
declare -A below=(
  [buffer]=""
  [convert]="buffer"
  [deliver]="buffer"
  [listen]="buffer"
  [import]="buffer convert"
  [flow]="buffer convert deliver import listen"
  [display]="buffer deliver listen flow"
)

# complain WHY < <(findings): lines file:line:text; silent if there are none. (Not in a pipe: it sets a variable.)
complain() {
  local findings
  findings=$(cat)
  [[ -n $findings ]] || return 0
  printf '%s:\n' "$1"
  sed 's/^/    /' <<<"$findings"
  failed=1
}

# find_in PATTERN PLACE...: code lines only; nothing found is no error.
find_in() {
  local pattern=$1
  shift
  grep -rnE --include='*.[chS]' "$pattern" "$@" | grep -vE '^[^:]+:[0-9]+: *(/?\*|//)' || true
}

for room in lib/*/; do
  room=$(basename "$room")
  case $room in
    abi | cmake) continue ;;
  esac
  if [[ ! -v below[$room] ]]; then
    complain "a room with no rule; give it one in $(basename "$0")" <<<"lib/$room"
    continue
  fi
  allowed="$room ${below[$room]}"
  complain "lib/$room may include only: $allowed (as \"room/file.h\")" < <(
    find_in '^ *# *include *"' "lib/$room" | grep -vE "\"(${allowed// /|})/[a-z]"
  )
done

complain "only lib/import/egl knows GL, but for an example that has its own" < <(
  find_in '# *include *<(epoxy|EGL|GL|GLES[0-9]*|KHR)/' lib tools examples | grep -vE '^(lib/import/egl/|examples/import-egl\.c:)'
)
complain "only lib/import knows GBM" < <(
  find_in '# *include *<gbm\.h>' lib tools examples | grep -v '^lib/import/'
)
complain "only lib/convert knows libyuv" < <(
  find_in '# *include *<libyuv' lib examples | grep -v '^lib/convert/'
)
complain "only lib/listen knows D-Bus" < <(
  find_in '\<(g_dbus_|GDBus|G_DBUS_|G_TYPE_DBUS_)' lib tools examples | grep -v '^lib/listen/'
)

closes='\<(close|g_close|close_range|g_clear_fd|g_autofd)\>'
complain "only lib/buffer/fdset.c closes the fds of buffers" < <(
  {
    find_in "$closes *\\(" lib/buffer lib/convert
    find_in "$closes *\\(.*(buffer_plane_fd|qdmabuf_buffer_get_fd|fds\\.fds|->fds\\[)" lib
  } | grep -v '^lib/buffer/fdset\.c:' | sort -u
)

complain "tools and examples use the public API only" < <(
  find_in '^ *# *include *"(buffer|convert|deliver|display|flow|import|listen)/' tools examples
)
complain "no include goes up with ../" < <(
  find_in '# *include *["<](\.\./|.*/\.\./)' lib include tools examples tests
)

unbuilt_sources() {
  local source
  (cd lib && find . -name '*.c' -printf '%P\n') | while read -r source; do
    grep -qxE " *$source\)?" lib/CMakeLists.txt || echo "lib/$source"
  done
}
complain "in no list of lib/CMakeLists.txt" < <(unbuilt_sources)

top='CMakeLists.txt|README.md|LICENSE|qemu-dmabuf.pc.in|include|lib|tools|examples|tests|docs'
dots='\.ci|\.clang-format|\.clang-tidy|\.editorconfig|\.gitignore|\.gitattributes'
# What git ignores is nobody's business. Where git does not speak (an unpacked archive, a checkout of another user) all
# that is there counts, but for the folders that people build in.
top_level() {
  if git -C . ls-files --error-unmatch CMakeLists.txt >/dev/null 2>&1; then
    git ls-files --cached --others --exclude-standard | cut -d/ -f1 | sort -u
  else
    ls -A | grep -vxE '\.git|build.*'
  fi
}
complain "not a name of the top level" < <(top_level | grep -vxE "$top|$dots")

[[ $failed == 0 ]] || exit 1
echo "the rooms include what they may"
