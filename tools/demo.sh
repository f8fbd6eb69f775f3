#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# demo.sh: install what is missing, build, boot the testcard guest in QEMU and save its screen as
# testcard.png in the current folder.
#
# QEMU runs with gl=on: on the GPU where there is a render node to use, else with software rendering
# and softudmabuf.so, which gives Mesa something to export DMA-BUFs with. Where neither works it
# says why and goes on with gl=off. No QEMU is left behind. BUILD_DIR names another build folder
# than build/demo.
set -euo pipefail
exec </dev/null

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${BUILD_DIR:-$root/build/demo}
prefix=$build/prefix
picture=testcard.png
scratch=
qemu_pid=

say() { printf 'demo: %s\n' "$*"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }

build_all() {
  local log=$build/build.log
  mkdir -p "$build"
  say "building in $build"
  {
    # Relocatable, so that it runs from here and needs nothing in the system's folders.
    cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DENABLE_TESTS=OFF \
      -DENABLE_INTROSPECTION=OFF -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib \
      -DCMAKE_INSTALL_LIBEXECDIR=libexec -DCMAKE_INSTALL_RPATH='$ORIGIN/../lib' &&
      cmake --build "$build" -j 2 && cmake --install "$build"
  } >"$log" 2>&1 || { tail -n 30 "$log" >&2; fail "the build failed; all of it is in $log"; }
}

stop_qemu() {
  [[ -z $qemu_pid ]] || { kill "$qemu_pid" 2>/dev/null && wait "$qemu_pid"; } || true
  qemu_pid=
}

clean_up() {
  stop_qemu
  [[ -z $scratch ]] || rm -rf "$scratch"
}

# The last thing that QEMU complained of, which is not what it says when it is told to stop.
qemu_complaint() {
  grep -v 'terminating on signal' "$scratch/qemu.log" | tail -n 1
}

# Boots the testcard with that display, device and preload, and waits until it has drawn.
boot() {
  local display=$1 device=$2 preload=$3 line
  rm -f "$scratch"/{serial,qmp}
  mkfifo "$scratch/serial"
  env ${preload:+LD_PRELOAD="$preload"} qemu-system-x86_64 -nodefaults -no-user-config -m 64 \
    -display "dbus,p2p=yes,$display" -vga none -device "$device" -serial stdio \
    -qmp "unix:$scratch/qmp,server=on,wait=off" -kernel "$prefix/libexec/qemu-dmabuf/testcard.elf" \
    -append "mode=1280x800 fps=10" >"$scratch/serial" 2>"$scratch/qemu.log" &
  qemu_pid=$!
  while IFS= read -r -t 60 line; do
    [[ $line != "testcard: ready"* ]] || return 0
  done <"$scratch/serial"
  reason="QEMU did not start the guest: $(qemu_complaint)"
  return 1
}

save() {
  local log=$scratch/dump.log
  if "$prefix/bin/qdmabuf-dump" "qmp:$scratch/qmp" --timeout 10 -o "$picture" 2>"$log"; then
    cat "$log" >&2
  else
    reason=$(tail -n 1 "$log")
    return 1
  fi
}

# One way after the other, until a picture is saved.
try() {
  local title=$1
  shift
  say "booting the testcard with $title"
  if boot "$@" && save; then
    stop_qemu
    report "$title"
    exit 0
  fi
  stop_qemu
  say "$title is not possible here: $reason"
}

# A PNG has its width and height at offset 16, the most significant byte first.
png_size() {
  local -a bytes
  read -ra bytes < <(od -An -tu1 -j 16 -N 8 "$1" | tr -s '\n ' '  ')
  echo "$(((bytes[2] << 8) + bytes[3]))x$(((bytes[6] << 8) + bytes[7]))"
}

report() {
  local version
  version=$(qemu-system-x86_64 --version | sed -n '1s/^QEMU emulator version \([^ ]*\).*/\1/p')
  say "saved $PWD/$picture, $(png_size "$picture"), from QEMU $version with $1"
}

usable_render_node() {
  local node
  for node in /dev/dri/renderD*; do
    [[ ! -r $node || ! -w $node ]] || { echo "$node"; return; }
  done
}

[[ $# == 0 ]] || fail "usage: demo.sh"
[[ -w . ]] || fail "$PWD, where $picture is to go, cannot be written to"
"$root/tools/install-deps.sh"
build_all
scratch=$(mktemp -d)
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

node=$(usable_render_node)
if [[ -n $node ]]; then
  try "gl=on on the GPU of $node" "gl=on,rendernode=$node" virtio-vga-gl ""
fi
try "gl=on in software" gl=on,rendernode=/dev/null virtio-vga-gl \
  "$prefix/libexec/qemu-dmabuf/softudmabuf.so"
try "gl=off" gl=off virtio-vga ""
fail "no way worked"
