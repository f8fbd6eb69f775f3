#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ctest: timeout=300
#
# qdmabuf-bench compare, attach and soak as a user types them, against real QEMUs: what the table and the JSON hold, what
# is refused, what Ctrl-C and a QEMU that dies lead to, and that no QEMU and no file is left. Needs QDMABUF_BENCH,
# TESTCARD_ELF, SOFTUDMABUF, SOURCE_DIR and HAVE_PLOT in the environment.
set -euo pipefail

: "${TESTCARD_ELF:?}" "${SOFTUDMABUF:?}" "${HAVE_PLOT:?}" "${SOURCE_DIR:?}"
source "$SOURCE_DIR/tests/support/bench-cli.sh"
folder=$(mktemp -d)
pids=()

clean() {
  local pid
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$folder"
}
trap clean EXIT
cd "$folder"
mkdir tmp
export TMPDIR=$folder/tmp
# What cairo finds fonts with keeps what it has found.
printf 'leak:libfontconfig\n' >suppressions
export LSAN_OPTIONS=suppressions=$folder/suppressions:print_suppressions=0

is_json() { # file, an expression of Python over d
  check "$1 is JSON with $2" python3 - "$1" "$2" <<'PYTHON'
import json, math, sys

def refuse(text):
    raise ValueError(text)

d = json.load(open(sys.argv[1]), parse_constant=refuse)

FIGURES = {"drawn", "calls-sent", "calls-received", "coalesced-by-qemu", "coalesced-here", "replaced", "refused",
           "delivered", "lost", "unaccounted", "repeated", "torn", "unreadable", "drawn-per-s", "frames-per-s",
           "first-frame-ms", "bytes-per-frame", "cpu-qemu-us", "cpu-guest-us", "cpu-library-us", "cpu-library-ms",
           "wake-ups", "rss-qemu-mib", "rss-self-mib"}

def stage(s):
    return s["stage"] and s["p50"] <= s["p95"] <= s["p99"] <= s["max"]

def taken(t):
    return t["n"] == sum(n for _, n in t["bins"]) and t["p50"] <= t["p99"] <= t["max"] and t["bins"] == sorted(t["bins"])

# What the pictures say and what the counters say must agree: each picture is in a frame or accounted for.
def figures(f):
    return (set(f) == FIGURES and f["delivered"] > 0 and f["drawn"] > 0 and f["frames-per-s"] > 0
            and f["first-frame-ms"] > 0 and f["cpu-qemu-us"] > f["cpu-guest-us"] > 0 and f["cpu-library-us"] > 0
            and f["unaccounted"] <= 2 and f["refused"] == 0
            and abs(f["calls-sent"] - f["calls-received"]) <= 3
            and abs(f["drawn"] - f["calls-sent"]) <= 3 + f["coalesced-by-qemu"])

def run(r):
    return (r["complete"] and 0.5 < r["seconds"] < 5 and r["stages"] and all(map(stage, r["stages"]))
            and taken(r["taken"]) and figures(r["figures"]))

sys.exit(not eval(sys.argv[2], {"d": d, "run": run, "taken": taken, "stage": stage, "FIGURES": FIGURES}))
PYTHON
}
nothing_is_left() { # of QEMUs and folders of those that were started in this TMPDIR
  check "no folder is left" test -z "$(find "$TMPDIR" -mindepth 1)"
  check "no QEMU is left" bash -c '! grep -lzs "^socket,id=serial" /proc/[0-9]*/cmdline | while read -r file; do
    tr "\0" "\n" <"/proc/$(basename "$(dirname "$file")")/environ" 2>/dev/null | grep -qxF "TMPDIR=$0" && echo left
  done | grep -q left' "$TMPDIR"
}
testcard=(--kernel "$TESTCARD_ELF" --accel tcg)
software=("${testcard[@]}" --software-gl --preload "$SOFTUDMABUF")

# ---- nonsense is refused before anything is started ----
bench 0 compare --help
printed "--software-gl"
bench 0 attach --help
printed "one listener more"
bench 0 soak --help
printed "--minutes"
bench 1 --frobnicate
said "--frobnicate"
bench 1 compare extra
said "'extra'"
bench 1 compare --gl on,maybe
said "'maybe'"
bench 1 compare --gl off,off
said "twice"
bench 1 compare --size 10x10
said "10x10"
bench 1 compare --damage everything
said "'everything'"
bench 1 compare --fps 2000
said "'2000'"
bench 1 compare --format XR30
said "'XR30'"
bench 1 compare --listener none
said "'none'"
bench 1 compare --backend vulkan
said "'vulkan'"
bench 1 compare --seconds 0
said "--seconds"
bench 1 compare --repeat 0
said "--repeat"
bench 1 compare --accel xen
said "'xen'"
bench 1 compare --qemu ./no-qemu
said "./no-qemu"
bench 1 compare --preload "$SOFTUDMABUF"
said "--software-gl"
bench 1 compare --plot latency.jpg
bench 1 attach a b
said "'b'"
bench 1 soak --minutes=-1
said "--minutes"
bench 1 soak --fps 0
said "--fps"
bench 5 compare --gl off --json missing/a.json
said "missing/a.json"
for command in "compare --seconds 100 --repeat 1000" "attach session" "soak --minutes 1000"; do
  check "$command does nothing for a stdout that is full" \
    timeout 20 bash -c '"$0" $1 >/dev/full 2>err; test $? = 5' "$QDMABUF_BENCH" "$command"
  said "stdout"
done
echo '{"old": 1}' >old.json
bench 4 compare --gl off --accel tcg --kernel ./no-kernel --json old.json
is_json old.json "d['old'] == 1"
bench 4 soak --gl off --accel tcg --kernel ./no-kernel --json old.json
is_json old.json "d['old'] == 1"
bench 2 attach "qmp:$folder/nobody" --json old.json
is_json old.json "d['old'] == 1"
bench 4 compare --gl off --accel tcg --kernel ./no-kernel --json new.json
check "no empty file is left" test ! -e new.json
bench 2 attach "qmp:$folder/nobody" --json new.json
check "no empty file is left" test ! -e new.json
bench 1 compare --size 16384x4097
said "67108864"
bench 2 attach "qmp:$folder/nobody"
said "$folder/nobody"
said "private"

# ---- what is missing is named, and the other mode goes on ----
bench 4 compare --gl off --accel tcg --kernel ./no-kernel
said "./no-kernel"
said "--kernel"
bench 4 compare "${testcard[@]}" --seconds 1 --repeat 1 --software-gl --preload ./no-preload --json one.json
said "./no-preload"
said "--preload"
printed "gl=off"
is_json one.json "len(d['runs']) == 1 and run(d['runs'][0]) and 'no-preload' in d['modes'][1]['not-measured']"
printf '#!/bin/sh\necho "qemu: not today" >&2\nexit 1\n' >broken-qemu
chmod +x broken-qemu
bench 4 compare "${testcard[@]}" --gl off --qemu ./broken-qemu --repeat 1 --json broken.json
printed "not today"
is_json broken.json "'not today' in d['runs'][0]['not-measured'] and d['modes'][0]['failed'] == 1"
nothing_is_left

# ---- both modes, and all that is said of them ----
plot=()
[[ $HAVE_PLOT == 0 ]] || plot=(--plot plot.svg)
bench 0 compare "${software[@]}" --seconds 1 --repeat 1 --json both.json "${plot[@]}"
printed "gl=on (software)"
printed "calls sent by QEMU (trace)"
printed "µs since the call was read"
is_json both.json "d['schema'] == 'qdmabuf-bench/1' and d['command'] == 'compare' and d['complete']"
is_json both.json "[(r['mode'], r['run']) for r in d['runs']] == [('gl=off', 1), ('gl=on (software)', 1)]"
is_json both.json "all(run(r) and (r['width'], r['height']) == (1280, 800) for r in d['runs'])"
is_json both.json "[(m['gl'], m['software'], m['preload']) for m in d['modes']] == [('off', False, False), ('on', True, True)]"
is_json both.json "all(set(m['figures']) == FIGURES and m['measured'] == 1 and m['failed'] == 0 for m in d['modes'])"
is_json both.json "all(r['figures']['bytes-per-frame'] == 1280 * 800 * 8 for r in d['runs'])"
is_json both.json "all(r['figures']['torn'] == 0 for r in d['runs'] if r['mode'] != 'gl=off')"
is_json both.json "d['qemu']['version'] and d['qemu']['accel'] == 'tcg' and d['host']['cpu'] and d['guest']['damage'] == 'full'"
is_json both.json "[s['n'] > 0 for r in d['runs'] for s in r['stages'] if s['stage'] == 'reply'] == [False, True]"
nothing_is_left
if [[ $HAVE_PLOT != 0 ]]; then
  check "the plot is SVG" python3 -c 'import xml.dom.minidom; d = xml.dom.minidom.parse("plot.svg"); assert d.documentElement.tagName == "svg"'
  check "the plot has both colours" test "$(grep -o 'rgb([^)]*)' plot.svg | sort -u | wc -l)" -ge 3
fi

# ---- every format and damage; an idle guest ----
bench 0 compare "${testcard[@]}" --gl off --seconds 1 --repeat 1 --fps 100 --damage box --format NV12 --listener inline --json -
is_json stdout "run(d['runs'][0]) and d['stream']['format'] == 'NV12'"
bench 0 compare "${software[@]}" --gl on --seconds 1 --repeat 1 --fps 60 --damage scroll --format RGB --listener dmabuf --json -
is_json stdout "run(d['runs'][0]) and d['runs'][0]['figures']['torn'] == 0"
bench 0 compare "${testcard[@]}" --gl off --seconds 1 --repeat 1 --fps 100 --format I420 --size 641x479 --listener inline --json - -- -name extra
is_json stdout "run(d['runs'][0]) and d['runs'][0]['width'] == 641"
bench 0 compare "${software[@]}" --seconds 2 --repeat 1 --fps 0 --json idle.json
is_json idle.json "all(r['figures']['wake-ups'] == 0 and r['figures']['delivered'] == 0 for r in d['runs'])"
is_json idle.json "all(r['figures']['cpu-library-ms'] < 50 and r['figures']['drawn'] is None for r in d['runs'])"

# ---- Ctrl-C, and a QEMU that dies ----
start_bench() { # arguments: returns when the first QEMU is up
  rm -f out
  "$QDMABUF_BENCH" "$@" >out 2>err &
  pid=$!
  pids+=("$pid")
  until qemu=$(cat "/proc/$pid/task/$pid/children") && [[ -n $qemu ]]; do
    kill -0 "$pid" || return 0
    read -r -t 0.02 _ < <(:) || true
  done
}
end_bench() { # the exit code that is expected
  local code=0
  wait "$pid" || code=$?
  check "exit $1, not $code" test "$code" = "$1"
}
wait_for_run() {
  until grep -q ' run 1: ' out; do
    kill -0 "$pid" || return 0
    read -r -t 0.02 _ < <(:) || true
  done
}
start_bench compare "${testcard[@]}" --gl off --seconds 1 --repeat 100 --json stopped.json
wait_for_run
kill -TERM "$pid"
end_bench 143
said "so far"
is_json stopped.json "not d['complete'] and 1 <= len(d['runs']) < 100 and run(d['runs'][0])"
nothing_is_left

start_bench compare "${testcard[@]}" --gl off --seconds 100 --repeat 1 --json died.json
# Frames are in memfds.
until [[ $(find "/proc/$pid/fd" -lname '*memfd:*' 2>/dev/null) ]]; do
  kill -0 "$pid" || break
  read -r -t 0.02 _ < <(:) || true
done
check "QEMU traces into a pipe, which no time fills" test -p "$(echo "$TMPDIR"/qdmabuf-qemu-*/trace)"
kill -KILL $qemu
end_bench 4
is_json died.json "'QEMU is gone' in d['runs'][0]['not-measured']"
nothing_is_left

# The program is killed, and QEMU with it.
start_bench compare "${testcard[@]}" --gl off --seconds 100 --repeat 1
kill -KILL "$pid"
end_bench 137
lives() { grep -q '^State:.[RSDTI]' "/proc/$1/status" 2>/dev/null; }
export -f lives
for child in $qemu; do
  for _ in $(seq 250); do
    lives "$child" || break
    read -r -t 0.02 _ < <(:) || true
  done
  check "QEMU died with the program" bash -c '! lives "$0"' "$child"
done
rm -rf "${TMPDIR:?}"/*

# ---- a stdout that is lost on the way, and JSON that cannot be written in the end ----
for command in "compare --seconds 1 --repeat 1000" "soak --minutes 1000"; do
  code=0
  { timeout 100 "$QDMABUF_BENCH" $command --gl off "${testcard[@]}" --json lost.json 2>err || echo $? >code; } |
    grep -qm1 -E ' run 1: |warm-up' || code=$?
  check "$command: its first line comes" test "$code" = 0
  check "$command ends when nobody reads it" test "$(cat code)" = 5
  said "stdout"
  check "$command: it says so once" test "$(wc -l <err)" = 1
  is_json lost.json "not d['complete']"
  rm -f code lost.json
done
for command in "compare --seconds 1 --repeat 1" "soak --minutes 0"; do
  bench 5 $command --gl off "${testcard[@]}" --json /dev/full
  said "No space left"
done
check "JSON on a stdout that is full" bash -c '"$@" >/dev/full 2>err; test $? = 5' - \
  timeout 100 "$QDMABUF_BENCH" compare --gl off "${testcard[@]}" --seconds 1 --repeat 1 --json -
said "No space left"
nothing_is_left

# ---- attach ----
exec {serial}< <(exec qemu-system-x86_64 -nodefaults -no-user-config -name mine -m 128 -vga none -device virtio-vga \
  -display dbus,p2p=yes -qmp "unix:$folder/mine.qmp,server=on,wait=off" -kernel "$TESTCARD_ELF" \
  -append "mode=640x480 fps=50 damage=box" -serial stdio 2>mine.log)
qemu=$!
pids+=("$qemu")
while IFS= read -r -t 60 -u "$serial" line; do
  if [[ $line == *"testcard: ready"* ]]; then break; fi
done
bench 0 attach "qmp:$folder/mine.qmp" --seconds 1 --pid "$qemu" --json attach.json
said "private"
said "one listener more"
is_json attach.json "d['vm'] == 'mine' and d['testcard'] and d['runs'][0]['width'] == 640"
is_json attach.json "5 < d['runs'][0]['figures']['frames-per-s'] < 60 and d['runs'][0]['figures']['cpu-qemu-us'] > 0"
bench 2 attach "qmp:$folder/mine.qmp" --console 7
said "no console 7"

# ---- a soak of the warm-up and one cycle ----
bench 0 soak "${software[@]}" --minutes 0 --json soak.json
printed "as after the warm-up"
is_json soak.json "d['command'] == 'soak' and d['good'] and len(d['cycles']) == 2 and d['failures'] == []"
is_json soak.json "all(c['frames'] > 0 and c['errors'] == 0 and c['fds'] == d['cycles'][0]['fds'] for c in d['cycles'])"
bench 3 soak --gl off "${testcard[@]}" --minutes 0 --qemu ./broken-qemu --json -
is_json stdout "not d['good'] and len(d['failures']) == 2 and 'not today' in d['failures'][0]['error']"
bench 4 soak --gl off --accel tcg --kernel ./no-kernel
said "./no-kernel"
nothing_is_left

finish
