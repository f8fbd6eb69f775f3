#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check-install.sh NAME CMAKE-OPTION...: builds the library in that configuration, installs it into a prefix of its own
# and uses it from outside: by pkg-config, by find_package, header by header in C and C++, and in a program that runs.
#
# Environment: SOURCE_DIR, BUILD_DIR, CC, CMAKE, VERSION. Works in BUILD_DIR/install-NAME, kept for the next run.
set -euo pipefail
export LC_ALL=C

: "${SOURCE_DIR:?}" "${BUILD_DIR:?}" "${CC:?}" "${CMAKE:?}" "${VERSION:?}"
name=$1
shift
here=$SOURCE_DIR/tests/install
work=$BUILD_DIR/install-$name
prefix=$work/prefix

fail() {
  echo "FAILED: $*"
  exit 1
}
# is WHAT EXPECTED GOT
is() {
  [[ $2 == "$3" ]] || fail "$1 is \"$3\" and must be \"$2\""
  echo "$1: $3"
}

option() {
  sed -n "s/^$1:[A-Z]*=//p" "$BUILD_DIR/CMakeCache.txt"
}

build_and_install() {
  rm -rf "$prefix"
  "$CMAKE" -S "$SOURCE_DIR" -B "$work/build" -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_C_COMPILER="$CC" \
    -DCMAKE_BUILD_TYPE=Debug -DWERROR="$(option WERROR)" -DENABLE_TOOLS="$(option ENABLE_TOOLS)" \
    -DENABLE_TESTS=OFF -DENABLE_EXAMPLES=OFF -DENABLE_INTROSPECTION=OFF -DENABLE_DOCS=OFF "$@" &&
    "$CMAKE" --build "$work/build" --parallel 2 &&
    "$CMAKE" --install "$work/build"
}

check_library() {
  local dynamic
  dynamic=$(readelf -d "$library_dir/libqemudmabuf.so")
  is "soname" libqemudmabuf.so.0 "$(sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p' <<<"$dynamic")"
  is "file of the soname" "libqemudmabuf.so.$VERSION" "$(readlink "$library_dir/libqemudmabuf.so.0")"
  is "development link" libqemudmabuf.so.0 "$(readlink "$library_dir/libqemudmabuf.so")"
  if [[ $name == plain ]] && grep -E 'NEEDED.*(epoxy|gbm|EGL|GL)' <<<"$dynamic"; then
    fail "the library without EGL and GBM needs them"
  fi
}

check_headers() {
  local cxx flags header source expected
  cxx=${CXX:-c++}
  command -v "$cxx" >/dev/null || fail "no C++ compiler: $cxx (a user's program may be C++)"
  expected=$(cd "$SOURCE_DIR/include/qemu-dmabuf" && ls ./*.h ./*.h.in | sed 's/\.in$//' | sort)
  is "installed headers" "${expected//$'\n'/ }" \
    "$(cd "$prefix/include/qemu-dmabuf" && ls ./* | sort | tr '\n' ' ' | sed 's/ $//')"
  read -ra flags < <(pkg-config --cflags qemu-dmabuf)
  for header in "$prefix"/include/qemu-dmabuf/*.h; do
    source="#include <qemu-dmabuf/$(basename "$header")>"
    "$CC" -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only "${flags[@]}" -x c - <<<"$source" ||
      fail "$source does not compile alone as C"
    "$cxx" -std=c++17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only "${flags[@]}" -x c++ - <<<"$source" ||
      fail "$source does not compile alone as C++"
  done
}

# check_program PROGRAM: versions are one; the CPU reads linear memory; what is not built says so by name.
check_program() {
  local output backend
  output=$(LD_LIBRARY_PATH=$library_dir "$1")
  is "versions" "header $VERSION runtime $VERSION" "${output//$'\n'/ }"
  output=$(LD_LIBRARY_PATH=$library_dir "$1" cpu | tail -n 1)
  is "read by the CPU" "frame 16×4, 256 bytes, by linear, first byte 255" "$output"
  [[ $name == plain ]] || return 0
  for backend in egl gbm; do
    output=$(LD_LIBRARY_PATH=$library_dir "$1" $backend | tail -n 1) && fail "$backend works where it is not built"
    echo "$backend: $output"
    [[ $output == "error no-backend: "*"${backend^^}"* ]] ||
      fail "the error must be no-backend and name ${backend^^}"
  done
}

build_and_install "$@" >"$work.log" 2>&1 || {
  cat "$work.log"
  fail "the build with $*"
}
pc=$(find "$prefix" -name qemu-dmabuf.pc)
library_dir=$(dirname "$(dirname "$pc")")
PKG_CONFIG_PATH=$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH

is "version of the .pc file" "$VERSION" "$(pkg-config --modversion qemu-dmabuf)"
is "directories of the .pc file" "$library_dir $prefix/include" \
  "$(pkg-config --variable=libdir qemu-dmabuf) $(pkg-config --variable=includedir qemu-dmabuf)"
check_library
check_headers

read -ra flags < <(pkg-config --cflags --libs qemu-dmabuf)
"$CC" -Wall -Werror -o "$work/by-pkg-config" "$here/consumer/consumer.c" "${flags[@]}" ||
  fail "a program with the flags of pkg-config"
check_program "$work/by-pkg-config"

rm -rf "$work/consumer"
"$CMAKE" -S "$here/consumer" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$CC" \
  >"$work.log" 2>&1 && "$CMAKE" --build "$work/consumer" >>"$work.log" 2>&1 || {
  cat "$work.log"
  fail "a project with find_package"
}
is "version of the CMake package" "$VERSION" "$(sed -n 's/^-- package version //p' "$work.log")"
check_program "$work/consumer/consumer"

if [[ -x $prefix/bin/qdmabuf-dump ]]; then
  output=$(LD_LIBRARY_PATH=$library_dir "$prefix/bin/qdmabuf-dump" --version)
  echo "$output"
  [[ $output == *"$VERSION"* ]] || fail "qdmabuf-dump --version names no version"
  if [[ $name == plain && ! (${output,,} == *"without egl"* && ${output,,} == *"without gbm"*) ]]; then
    fail "qdmabuf-dump --version does not say what it is built without"
  fi
fi

# With no QEMU to speak of: that the guest is found beside the program, where the compiler could make one.
if [[ -x $prefix/bin/qdmabuf-bench && -n $(find "$prefix" -name testcard.elf) ]]; then
  code=0
  output=$(LD_LIBRARY_PATH=$library_dir "$prefix/bin/qdmabuf-bench" --gl off --accel tcg --repeat 1 --qemu false 2>&1) ||
    code=$?
  is "exit code of qdmabuf-bench with a QEMU that ends" 4 "$code"
  [[ $output == *"the testcard did not start"* ]] || fail "qdmabuf-bench does not find the testcard: $output"
fi
