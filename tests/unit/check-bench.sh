#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# qdmabuf-bench as a user types it: each row is there and holds figures, the JSON is what docs/bench.md says, nonsense is
# refused by name, and Ctrl-C keeps what was measured. Needs QDMABUF_BENCH, SOURCE_DIR and VERSION in the environment.
set -euo pipefail

: "${VERSION:?}" "${SOURCE_DIR:?}"
source "$SOURCE_DIR/tests/support/bench-cli.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

is_json() { # file, an expression of Python over d
  check "$1 is JSON with $2" python3 - "$1" "$2" <<'PYTHON'
import json, math, sys

def refuse(text):
    raise ValueError(text)

d = json.load(open(sys.argv[1]), parse_constant=refuse)

def spread(s):
    return all(math.isfinite(s[k]) and s[k] > 0 for k in ("p10", "median", "p90")) and s["p10"] <= s["median"] <= s["p90"]

def row(r):
    return all(spread(r[k]) for k in ("path-ns", "memcpy-ns", "ratio")) and r["gb-per-s"] > 0

sys.exit(not eval(sys.argv[2], {"d": d, "row": row, "spread": spread}))
PYTHON
}

# ---- what it says of itself ----
bench 0 --version
printed "qdmabuf-bench $VERSION, libqemudmabuf $VERSION"
bench 0 --help
printed "pixels"
bench 0 pixels --help
printed "qdmabuf-bench pixels [OPTION"
printed "--filter"

# ---- nonsense ----
bench 1 frobnicate
said "'frobnicate' is no command"
bench 1 pixels --frobnicate
said "--frobnicate"
bench 1 pixels --size 0x5
said "0x5"
bench 1 pixels --size 12
said "'12'"
# Before it takes memory for them.
bench 1 pixels --size 16384x4097
said "16384x4097"
said "67108864"
bench 1 pixels --rounds=-1
said "--rounds"
bench 1 pixels extra
said "'extra'"
echo '{"old": 1}' >old.json
bench 1 pixels --quick --filter 'XR24 NOSUCH' --json old.json
said "XR24 NOSUCH"
is_json old.json "d['old'] == 1"
bench 1 pixels --bars --filter NOSUCH
said "NOSUCH"
bench 1 pixels --quick --filter 'XR24 NOSUCH' --json new.json
check "no empty file is left" test ! -e new.json
bench 5 pixels --json missing/a.json
said "missing/a.json"

bench 5 pixels --quick --filter 'XR24 LINEAR XB24 64x64' --json /dev/full
said "No space left"
check "stdout that is full" bash -c '! "$0" pixels --quick --filter "XR24 LINEAR XB24 64x64" >/dev/full 2>err' "$QDMABUF_BENCH"
said "stdout"
check "nothing is measured for a stdout that is full" \
  timeout 20 bash -c '"$0" pixels --rounds 100000 >/dev/full 2>err; test $? = 5' "$QDMABUF_BENCH"
bench 4 pixels --size 7x5 --rounds 1 --filter VC4_T
printed "not measured: "

# ---- all rows, small ----
size=200x150
bench 0 pixels --size $size --rounds 3 --json all.json
printed "x memcpy"
lacks "not measured"
is_json all.json "d['schema'] == 'qdmabuf-bench/1' and d['command'] == 'pixels' and d['library'] == '$VERSION'"
is_json all.json "d['complete'] and d['pairs'] == 3 and d['host']['cpu'] and d['host']['libyuv'] > 0 and d['bars'] == []"
is_json all.json "all(row(r) and r['pairs'] == 3 for r in d['rows'])"
is_json all.json "len({(r['from'], r['to']) for r in d['rows'] if r['layout'] == 'LINEAR'}) >= 9 * 7"
is_json all.json "len({r['layout'] for r in d['rows']}) == 28"
is_json all.json "{r['run'] for r in d['rows'] if r['from'] == 'XR24'} >= {0, 4, 8, 16, 64, 512}"
is_json all.json "all(sum((s['from'], s['layout'], s['to']) == (r['from'], r['layout'], r['to']) for s in d['rows']) == 4 for r in d['rows'])"
is_json all.json "[r['bytes-read'] for r in d['rows'] if not r['damage']][0] == 200 * 150 * 4"
is_json all.json "all(r['bytes-written'] == 64 * 64 * 3 // 2 for r in d['rows'] if r['damage'] and r['to'] == 'NV12')"
check "as many lines as rows" \
  test "$(grep -c ' warm \| cold ' stdout)" = "$(python3 -c 'import json; print(len(json.load(open("all.json"))["rows"]))')"

# Again, over what is there.
bench 0 pixels --size $size --rounds 1 --filter 'XR24 LINEAR XB24 64x64 in 200x150 warm' --json all.json
is_json all.json "len(d['rows']) == 1"

# ---- choosing ----
bench 0 pixels --size 63x31 --size 65x33 --rounds 1 --filter 'rg16 intel_y WARM' --json -
is_json stdout "[(r['width'], r['damage']) for r in d['rows']] == [(63, False), (65, False), (65, True)]"
bench 0 pixels --quick --filter 'XR24 LINEAR XR24 1280x800 warm'
check "the picture and its damage" test "$(grep -c ' warm ' stdout)" = 2

# ---- the bars: that they are there, not that this machine is quiet ----
bars() {
  local code=0
  timeout 300 "$QDMABUF_BENCH" pixels --bars --rounds 2 --filter 1280x800 --json bars.json >stdout 2>err || code=$?
  check "exit 0 or 3, not $code" test "$code" = 0 -o "$code" = 3
}
bars
is_json bars.json "[(b['baseline'], b['limit']) for b in d['bars']] == [('libyuv alone', 1.15), ('NumPy', 60)]"
is_json bars.json "all('not-measured' in b or spread(b['ratio']) and b['met'] in (True, False) for b in d['bars'])"
is_json bars.json "d['bars'][0]['met'] == (d['bars'][0]['ratio']['median'] <= 1.15)"
printed "limit"
# A Python that takes 8 s for each picture, and one that ends early.
printf '#!/bin/sh\necho 9.9\nwhile read -r _; do echo 8000000000; done\n' >python3
chmod +x python3
PATH=$folder:$PATH bars
is_json bars.json "d['bars'][1]['met'] and d['bars'][1]['ratio']['p10'] > 60"
printf '#!/bin/sh\necho 9.9\nread -r _\n' >python3
PATH=$folder:$PATH bars
printed "not measured: "
# Ctrl-C ends both.
printf '#!/bin/sh\necho 9.9\nread -r _\nkill -TERM $PPID\n' >python3
PATH=$folder:$PATH bench 143 pixels --bars --rounds 2 --filter 1280x800
lacks "not measured: "

# ---- Ctrl-C ----
"$QDMABUF_BENCH" pixels --size 640x480 --json stopped.json >stdout 2>err &
pid=$!
until grep -q ' warm ' stdout; do
  kill -0 "$pid" || break
  read -r -t 0.02 _ < <(:) || true
done
kill -TERM "$pid"
code=0
wait "$pid" || code=$?
check "ended by SIGTERM, not $code" test "$code" = 143
said "so far"
is_json stopped.json "not d['complete'] and len(d['rows']) >= 1 and all(row(r) for r in d['rows'])"

# ---- a terminal narrower than the line that says how long it takes ----
check "no line of progress wraps" python3 - "$QDMABUF_BENCH" <<'PYTHON'
import os, pty, re, subprocess, sys

terminal, ours = pty.openpty()
subprocess.run([sys.argv[1], "pixels", "--size", "16x16", "--rounds", "1", "--filter", "XR24 LINEAR XB24"],
               stdout=subprocess.DEVNULL, stderr=ours, check=True)
lines = os.read(terminal, 65536).decode().split("\r")[1:]
sys.exit(not lines or any(not re.fullmatch("\033\\[K\033\\[\\?7l[^\033]*\033\\[\\?7h", line) for line in lines))
PYTHON

finish
