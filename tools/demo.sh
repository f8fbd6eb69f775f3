#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# demo.sh [--picture]: install what is missing, build, boot the testcard guest in QEMU and print a URL
# that shows its screen in a browser, until Ctrl-C. With --picture it saves that screen as
# testcard.png in the current folder, and ends.
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
sender_pid=
action=show

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

stop_sender() {
  [[ -z $sender_pid ]] || { kill "$sender_pid" 2>/dev/null && wait "$sender_pid"; } || true
  sender_pid=
}

clean_up() {
  stop_sender
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
    [[ $action == show ]] || cat "$log" >&2
  else
    reason=$(tail -n 1 "$log")
    return 1
  fi
}

# Shows the guest until the user ends it. False: nothing was shown.
show() {
  local display=$1 device=$2 preload=$3 url= code=0
  # QEMU alone gets the preload, in an environment of its own.
  coproc SENDER {
    exec "$prefix/bin/qdmabuf-webrtc" --listen 127.0.0.1:0 -- env ${preload:+LD_PRELOAD="$preload"} \
      qemu-system-x86_64 -nodefaults -no-user-config -m 64 -display "dbus,p2p=yes,$display" -vga none \
      -device "$device" -device virtio-tablet-pci -serial null \
      -kernel "$prefix/libexec/qemu-dmabuf/testcard.elf" -append "mode=1280x800 fps=60" \
      2>"$scratch/sender.log"
  }
  sender_pid=$SENDER_PID
  read -r url <&"${SENDER[0]}" || true
  if [[ -z $url ]]; then
    wait "$sender_pid" || true
    sender_pid=
    reason=$(grep -v '^ *$' "$scratch/sender.log" | tail -n 1)
    return 1
  fi
  say "open this in a browser on this machine (Ctrl-C ends it):"
  printf '%s\n' "$url"
  wait "$sender_pid" || code=$?
  sender_pid=
  [[ $code == 0 ]] || fail "$(tail -n 1 "$scratch/sender.log")"
}

# One way after the other, until one works: what can be saved can be shown.
try() {
  local title=$1 saved=no
  shift
  say "booting the testcard with $title"
  if boot "$@" && save; then saved=yes; fi
  stop_qemu
  if [[ $saved == yes && $action == picture ]]; then
    report "$title"
    exit 0
  fi
  if [[ $saved == yes ]] && show "$@"; then exit 0; fi
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

[[ $# == 0 || $* == --picture ]] || fail "usage: demo.sh [--picture]"
[[ $# == 0 ]] || action=picture
[[ $action == show || -w . ]] || fail "$PWD, where $picture is to go, cannot be written to"
"$root/tools/install-deps.sh"
build_all
scratch=$(mktemp -d)
[[ $action == picture ]] || picture=$scratch/$picture
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
