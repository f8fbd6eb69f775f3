# SPDX-License-Identifier: MIT
# Sourced by the tests that run qdmabuf-bench as a user types it: runs it, and looks at what it says. They run in a folder
# of their own and count checks and failures. Needs QDMABUF_BENCH in the environment.
# shellcheck shell=bash

export LC_ALL=C.UTF-8
: "${QDMABUF_BENCH:?}"
failures=0
checks=0

check() { # what, command...
  checks=$((checks + 1))
  if "${@:2}"; then return; fi
  failures=$((failures + 1))
  printf 'FAILED: %s\n' "$1" >&2
  sed 's/^/  stderr: /' err >&2
}
bench() { # the exit code that is expected, arguments...
  local expected=$1 code=0
  shift
  timeout 300 "$QDMABUF_BENCH" "$@" >stdout 2>err || code=$?
  check "exit $expected, not $code: qdmabuf-bench $*" test "$code" = "$expected"
}
said() { check "stderr says '$1'" grep -qF -- "$1" err; }
printed() { check "stdout says '$1'" grep -qF -- "$1" stdout; }
lacks() { check "stdout does not say '$1'" bash -c '! grep -qF -- "$0" stdout' "$1"; }
finish() {
  printf '%d checks, %d failed\n' "$checks" "$failures"
  test "$failures" = 0
}
