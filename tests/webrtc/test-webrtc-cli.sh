#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ctest: timeout=300
#
# qdmabuf-webrtc as a user types it: what it prints, what it says when it cannot, what it exits with,
# and what it leaves behind when it is ended. Needs QDMABUF_WEBRTC, TESTCARD_ELF and VERSION in the
# environment.
set -euo pipefail
export LC_ALL=C.UTF-8

: "${QDMABUF_WEBRTC:?}" "${TESTCARD_ELF:?}" "${VERSION:?}"
folder=$(mktemp -d)
export TMPDIR=$folder/tmp XDG_DATA_HOME=$folder/data
mkdir "$TMPDIR"
pids=()
failures=0
checks=0

clean() {
  local pid
  for pid in "${pids[@]}"; do
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$folder"
}
trap clean EXIT

check() { # what, command...
  checks=$((checks + 1))
  if "${@:2}"; then return; fi
  failures=$((failures + 1))
  printf 'FAILED: %s\n' "$1" >&2
  sed 's/^/  stderr: /' "$folder/err" >&2
}

# Runs the program to its end. The first argument is its exit code.
webrtc() {
  local expected=$1 code=0
  shift
  timeout 20 "$QDMABUF_WEBRTC" "$@" >"$folder/out" 2>"$folder/err" || code=$?
  check "exit $expected, not $code: qdmabuf-webrtc $*" test "$code" = "$expected"
}
said() { check "stderr says '$1'" grep -qF -- "$1" "$folder/err"; }
printed() { check "stdout says '$1'" grep -qF -- "$1" "$folder/out"; }

# Starts the program; returns when it has printed its URL, as $url; its process is $pid.
start() {
  local line
  : >"$folder/err"
  coproc SENDER { exec "$QDMABUF_WEBRTC" "$@" 2>"$folder/err"; }
  pid=$SENDER_PID
  pids+=("$pid")
  url=
  read -r -t 20 -u "${SENDER[0]}" url || true
  check "a URL is printed: $*" test -n "$url"
}

# Ends it by that signal; its exit code must be the second argument.
finish() {
  local code=0
  kill "-$1" "$pid" 2>/dev/null || true
  wait "$pid" || code=$?
  check "exit $2 after $1, not $code" test "$code" = "$2"
}

children_of() { cat "/proc/$1/task/$1/children" 2>/dev/null || true; }
# Where nobody fetches orphans, one that has ended keeps its number.
alive() { kill -0 "$1" 2>/dev/null && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null; }
gone() { # pid...: within 10 s
  local process tries
  for process in "$@"; do
    for ((tries = 0; tries < 500; tries++)); do
      alive "$process" || continue 2
      read -r -t 0.02 _ < <(:) || true
    done
    return 1
  done
}
qemu=(qemu-system-x86_64 -nodefaults -no-user-config -m 64 -vga none -device virtio-vga
  -serial null -kernel "$TESTCARD_ELF" -append "mode=640x480 fps=0")

# ---- what cannot be meant ----
webrtc 0 --version
printed "qdmabuf-webrtc $VERSION"
webrtc 0 --help
printed "--tls-self-signed"
webrtc 1 --no-such-option
webrtc 1 --fps 0
said "--fps"
webrtc 1 --fps 1000
webrtc 1 --bitrate -1
webrtc 1 --codec av1
said "av1"
webrtc 1 --chroma 422
webrtc 1 --chroma 444 --codec vp8
webrtc 1 --console -5
webrtc 1 --viewers 0
webrtc 1 --listen nowhere
said "nowhere"
webrtc 1 --listen 127.0.0.1:65536
said "65536"
webrtc 1 --listen '[::1]:x'
webrtc 1 --stun stun.example
webrtc 1 --turn turn://a:3478
webrtc 1 --allow-origin '*'
webrtc 1 --whip ftp://a
webrtc 1 --whip-token x
webrtc 1 a b
webrtc 1 --
said "behind --"
webrtc 1 qmp:a -- qemu
webrtc 1 --tls-cert a
webrtc 1 --tls-self-signed --tls-cert a --tls-key b
webrtc 1 --token "$folder/nothing"
said "$folder/nothing"
printf 'short\n' >"$folder/token"
webrtc 1 --token "$folder/token"
said "16 to 256"

# ---- other machines ----
webrtc 1 --listen 0.0.0.0:0
said "--tls-self-signed"
webrtc 1 --listen '[::]:0'
webrtc 1 --listen 192.0.2.1:0
webrtc 1 --listen 0.0.0.0:0 --tls-self-signed --token none
said "token"

# ---- what cannot be had ----
webrtc 2 --listen 127.0.0.1:0 "qmp:$folder/nobody"
said "$folder/nobody"
check "one line a problem" test "$(wc -l <"$folder/err")" = 1
check "no URL" test ! -s "$folder/out"
webrtc 4 --listen 192.0.2.1:0 --insecure "qmp:$folder/nobody"
said "192.0.2.1"
printf 'no PEM' >"$folder/no.pem"
webrtc 4 --tls-cert "$folder/no.pem" --tls-key "$folder/no.pem"
said "cannot be read"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=a -days 2 \
  -keyout "$folder/a.key" -out "$folder/a.crt" 2>/dev/null
openssl ecparam -name prime256v1 -genkey -noout -out "$folder/b.key" 2>/dev/null
webrtc 4 --tls-cert "$folder/a.crt" --tls-key "$folder/b.key"
said "the key is not that of the certificate"
mkdir "$folder/no-plugins"
GST_PLUGIN_SYSTEM_PATH_1_0=$folder/no-plugins GST_REGISTRY=$folder/registry \
  webrtc 3 --listen 127.0.0.1:0 "qmp:$folder/nobody"
said "gstreamer1.0-"
webrtc 3 --encoder nosuchenc "qmp:$folder/nobody"
said "nosuchenc"
webrtc 5 --listen 127.0.0.1:0 -- "$folder/no-qemu"
said "no-qemu"
webrtc 5 --listen 127.0.0.1:0 -- qemu-system-x86_64 -no-such-option
said "QEMU ended with status 1"
webrtc 1 --listen 127.0.0.1:0 -- qemu-system-x86_64 -display gtk
said "-display gtk"
webrtc 5 --listen 127.0.0.1:0 -- false
webrtc 2 --listen 127.0.0.1:0 --console 7 -- "${qemu[@]}"
said "no console 7; it has 1"

# ---- a VM of its own ----
start --listen 127.0.0.1:0 -- "${qemu[@]}"
check "the URL has a token" grep -qE '^http://127\.0\.0\.1:[1-9][0-9]*/#token=[A-Za-z0-9_-]{32}$' <<<"$url"
origin=${url%/#*} token=${url#*token=}
status() { curl -s -o "$folder/body" -w '%{http_code}' "$@"; }
check "the page" test "$(status "$origin/")" = 200
check "no token" test "$(status "$origin/consoles")" = 401
check "a token" test "$(status -H "Authorization: Bearer $token" "$origin/consoles")" = 200
check "the console is told" grep -q '"index":0' "$folder/body"
check "another name" test "$(status -H 'Host: evil.example' "$origin/")" = 403
webrtc 4 --listen "${origin#http://}" "qmp:$folder/nobody"
said "another program does"
children=$(children_of "$pid")
check "QEMU runs" test -n "$children"
finish INT 0
check "Ctrl-C leaves no QEMU" gone $children
check "Ctrl-C leaves no file" test -z "$(ls -A "$TMPDIR")"

start --listen 127.0.0.1:0 -- "${qemu[@]}"
children=$(children_of "$pid")
kill -KILL $children
finish 0 5
said "signal 9"
check "no file is left of a QEMU that died" test -z "$(ls -A "$TMPDIR")"

# A program that is killed takes its QEMU along.
start --listen 127.0.0.1:0 -- "${qemu[@]}"
children=$(children_of "$pid")
finish KILL 137
check "no QEMU outlives the program" gone $children
rm -rf "${TMPDIR:?}"/*

# ---- with TLS ----
start --listen 127.0.0.1:0 --tls-self-signed -- "${qemu[@]}"
check "https" grep -q '^https://127.0.0.1:' <<<"$url"
print=$(grep -oE '([0-9A-F]{2}:){31}[0-9A-F]{2}' "$folder/err")
check "a fingerprint" test -n "$print"
kept=$XDG_DATA_HOME/qdmabuf-webrtc/self-signed.pem
check "only the owner reads the key" test "$(stat -c %a "$kept")" = 600
check "the kept certificate serves" test "$(status --cacert "$kept" "${url%/#*}/")" = 200
check "it is the one that was printed" \
  grep -qF "$print" <(openssl x509 -in "$kept" -noout -fingerprint -sha256)
finish TERM 0
start --listen 127.0.0.1:0 --tls-self-signed --token none --quiet -- "${qemu[@]}"
check "no token in the URL" grep -qE '^https://127\.0\.0\.1:[0-9]+/$' <<<"$url"
check "--quiet says nothing" test ! -s "$folder/err"
check "the certificate is the same" \
  grep -qF "$print" <(openssl x509 -in "$kept" -noout -fingerprint -sha256)
finish HUP 0

printf '%d checks, %d failed\n' "$checks" "$failures"
test "$failures" = 0
