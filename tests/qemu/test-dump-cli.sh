#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# qdmabuf-dump as a user types it, against real QEMUs: what it writes, what it says, what it exits
# with, and what it leaves behind when it is stopped. Needs QDMABUF_DUMP, TESTCARD_ELF, SOFTUDMABUF
# and VERSION in the environment.
set -euo pipefail
export LC_ALL=C.UTF-8

: "${QDMABUF_DUMP:?}" "${TESTCARD_ELF:?}" "${SOFTUDMABUF:?}" "${VERSION:?}"
folder=$(mktemp -d)
pids=()
failures=0
checks=0

clean() {
  local pid
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$folder"
}
trap clean EXIT
mkdir "$folder/out"
cd "$folder/out"

check() { # what, command...
  checks=$((checks + 1))
  if "${@:2}"; then return; fi
  failures=$((failures + 1))
  printf 'FAILED: %s\n' "$1" >&2
  sed 's/^/  stderr: /' "$folder/err" >&2
}

# Runs the tool; its words go to $folder/err and $folder/stdout. The first argument is its exit code.
dump() {
  local expected=$1 code=0
  shift
  timeout 60 "$QDMABUF_DUMP" "$@" >"$folder/stdout" 2>"$folder/err" || code=$?
  check "exit $expected, not $code: qdmabuf-dump $*" test "$code" = "$expected"
}
said() { check "stderr says '$1'" grep -qF -- "$1" "$folder/err"; }
printed() { check "stdout says '$1'" grep -qF -- "$1" "$folder/stdout"; }
is_json() { # an expression of Python over d
  check "stdout is JSON with $1" \
    python3 -c "import json, sys; d = json.load(open('$folder/stdout')); sys.exit(not ($1))"
}
size_is() { check "$2 has $1 bytes" test "$(stat -c %s "$2")" = "$1"; }
equal() { check "$1 and $2 are equal" cmp "$1" "$2"; }
differ() { check "$1 and $2 differ" bash -c '! cmp -s "$0" "$1"' "$1" "$2"; }
nothing_else() {
  check "only these files are left: $*" \
    cmp <(find . -mindepth 1 | sort) <(printf './%s\n' "$@" | sort)
}

# vm NAME PRELOAD DISPLAY DEVICE APPEND: returns when the testcard has drawn.
vm() {
  local socket=$folder/$1.qmp line serial
  exec {serial}< <(LD_PRELOAD=$2 exec qemu-system-x86_64 -nodefaults -no-user-config \
    -name "${6:-$1}" -m 128 -vga none -device "$4" -display "$3" \
    -qmp "unix:$socket,server=on,wait=off" -kernel "$TESTCARD_ELF" -append "$5" \
    -serial stdio 2>"$folder/$1.log")
  pids+=($!)
  while IFS= read -r -t 60 -u "$serial" line; do
    if [[ $line == *"testcard: ready"* ]]; then return; fi
  done
  printf 'the VM %s did not come up:\n' "$1" >&2
  cat "$folder/$1.log" >&2
  exit 1
}
gl=dbus,p2p=yes,gl=on,rendernode=/dev/null

# ---- without a VM ----
dump 0 --version
printed "qdmabuf-dump $VERSION, libqemudmabuf $VERSION"
printed "licence: MIT"
dump 0 --version --json
is_json "d['library'] == '$VERSION'"
dump 0 --help
printed "--modifier"
dump 1 --no-such-option
said "no-such-option"
dump 1 -n 2 -o a.png
said "frame-%04d.png"
dump 1 -o '%s.png'
dump 1 --backend vulkan
dump 1 --modifier NO_SUCH_LAYOUT
said "NO_SUCH_LAYOUT"
dump 2 "qmp:$folder/nobody"
said "$folder/nobody"
DBUS_SESSION_BUS_ADDRESS=unix:path=$folder/nobody dump 2
dump 2 --list "unix:path=$folder/nobody"
check "one line a problem" test "$(wc -l <"$folder/err")" = 1

# ---- a still picture, by every way and in every format ----
vm still "" dbus,p2p=yes virtio-vga "mode=641x479 fps=0" 'a/b %n'
address=qmp:$folder/still.qmp
dump 0 "$address"
said "641x479"
check "the name of the file" test -f 'qemu-a_b %n-0.png'
dump 0 "$address" --json -o still.ppm
is_json "d['vm'] == 'a/b %n' and d['files'] == ['still.ppm'] and d['width'] == 641"
dump 0 "$address" --no-map --quiet -f ppm -o -
cp "$folder/stdout" inline.ppm
check "--quiet says nothing" test ! -s "$folder/err"
equal still.ppm inline.ppm
dump 0 "$address" -o still.raw
size_is $((641 * 479 * 4)) still.raw
dump 0 "$address" -o still.y4m -n 7 --fps 50
size_is $(($(head -n 1 still.y4m | wc -c) + 7 * (6 + 641 * 479 + 2 * 321 * 240))) still.y4m
dump 0 --list "$address"
printed "console 0"
printed "641x479"
dump 0 --list --json "$address"
is_json "d['vms'][0]['name'] == 'a/b %n' and d['vms'][0]['consoles'][0]['height'] == 479"
dump 2 "$address" -c 7
said "no console 7"
dump 5 "$address" -o missing/a.png
said "missing/a.png"
dump 5 "$address" -o /dev/full
said "No space left"
check "a device stays what it is" test -c /dev/full
dump 3 "$address" -n 2 -o idle-%d.ppm --timeout 3
said "1 of 2 frames"
equal idle-1.ppm still.ppm
rm -f ./*

# A video of an idle guest goes on as long as it is asked to; a signal leaves nothing of it.
"$QDMABUF_DUMP" "$address" -o long.y4m -n 1000000 2>"$folder/err" &
pid=$!
until compgen -G './.qdmabuf-dump-*.part' >/dev/null; do
  kill -0 "$pid" || break
  read -r -t 0.02 _ < <(:) || true
done
kill "$pid"
code=0
wait "$pid" || code=$?
check "ended by SIGTERM" test "$code" = 143
check "nothing is left" test -z "$(find . -mindepth 1)"

# ---- the same picture with gl=on ----
vm gl "$SOFTUDMABUF" "$gl" virtio-vga-gl "mode=641x479 fps=0"
vm plain "" dbus,p2p=yes virtio-vga "mode=641x479 fps=0"
dump 0 "qmp:$folder/plain.qmp" -o off.ppm
for backend in auto cpu egl; do
  dump 0 "qmp:$folder/gl.qmp" --backend "$backend" -o "$backend.ppm"
  equal off.ppm "$backend.ppm"
done
dump 4 "qmp:$folder/gl.qmp" --backend gbm -o gbm.ppm
said "gbm"
dump 0 "qmp:$folder/gl.qmp" --backend cpu --modifier LINEAR -o linear.ppm
equal off.ppm linear.ppm
nothing_else off.ppm auto.ppm cpu.ppm egl.ppm linear.ppm
rm -f ./*

vm broken "" "$gl" virtio-vga-gl "mode=640x480 fps=20"
dump 4 "qmp:$folder/broken.qmp"
said "cannot export"
check "no file" test -z "$(find . -mindepth 1)"

# ---- a moving picture with a cursor ----
vm moving "$SOFTUDMABUF" "$gl" virtio-vga-gl "mode=640x480 fps=30"
dump 0 "qmp:$folder/moving.qmp" -n 5 --every -o 'frame-%03d.png' --json
is_json "d['frames'] == 5 and len(d['files']) == 5 and d['files'][4] == 'frame-005.png'"
said "replaced"
nothing_else frame-00{1,2,3,4,5}.png
differ frame-001.png frame-005.png
rm -f ./*
dump 0 "qmp:$folder/moving.qmp" -n 3 --every -f raw -o -
size_is $((3 * 640 * 480 * 4)) "$folder/stdout"
vm pointer "" dbus,p2p=yes virtio-vga "mode=640x480 fps=0 cursor=1"
dump 0 "qmp:$folder/pointer.qmp" -o without.ppm
dump 0 "qmp:$folder/pointer.qmp" -o with.ppm --cursor
differ without.ppm with.ppm
dump 0 "qmp:$folder/pointer.qmp" -o again.ppm
equal without.ppm again.ppm

# ---- the doctor tries a QEMU of its own, and leaves none ----
export TMPDIR=$folder/doctor
mkdir "$TMPDIR"
# The preload is QEMU's alone: a sanitizer's run-time library wants to come first in the tool.
printf '#!/bin/sh\nLD_PRELOAD=%s exec qemu-system-x86_64 "$@"\n' "$SOFTUDMABUF" >"$folder/qemu"
chmod +x "$folder/qemu"
dump 0 --doctor --qemu "$folder/qemu"
printed "rendernode=/dev/null: works, a frame came"
printed "gl=on,rendernode=/dev/null -device virtio-vga-gl"
printed "(software)"
dump 0 --doctor --json
is_json "'XR24' in d['backends']['cpu-formats'] and d['qemu']['display-dbus']"
dump 0 --doctor --qemu "$folder/no-qemu"
printed "QEMU: none found"
check "no folder is left" test -z "$(find "$TMPDIR" -mindepth 1)"

printf '%d checks, %d failed\n' "$checks" "$failures"
test "$failures" = 0
