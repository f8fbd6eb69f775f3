#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Compares the library with the checked-in description of its ABI. Only exit code 0 of abidiff is good: a changed type
# gives 4, only removals give 8 and more. Additions are welcome; opaque structs may change (describe-abi.sh).
#
# Environment: SOURCE_DIR, LIBRARY; optional BASELINE. Exit code 77 where the comparison would say nothing.
set -euo pipefail
export LC_ALL=C

: "${SOURCE_DIR:?}" "${LIBRARY:?}"
here=$(dirname "$0")
baseline=${BASELINE:-$SOURCE_DIR/lib/abi/qemudmabuf-0.1.abi}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

skip() {
  echo "skipped: $*"
  exit 77
}
architecture() {
  sed -n "s/.*<abi-corpus .*architecture='\([^']*\)'.*/\1/p" "$1"
}

if [[ ! -f $baseline ]]; then
  echo "the baseline is missing: $baseline"
  exit 1
fi
command -v abidiff >/dev/null || skip "abidiff is not installed (abigail-tools)"
# grep -q would end the pipe early, and pipefail would take that for a failure.
if ! readelf -SW "$LIBRARY" | grep '\.debug_info' >/dev/null; then
  skip "$LIBRARY has no debug information to read types from (build with -g)"
fi
"$here/describe-abi.sh" "$LIBRARY" >"$work/library.abi"
if [[ $(architecture "$baseline") != "$(architecture "$work/library.abi")" ]]; then
  skip "the baseline is of $(architecture "$baseline"), this library of $(architecture "$work/library.abi")"
fi

code=0
abidiff --no-added-syms "$baseline" "$work/library.abi" || code=$?
if [[ $code != 0 ]]; then
  echo "the ABI is broken (abidiff exits with $code). If it is meant to be, and only before 0.1 is released:"
  echo "tests/abi/update-baseline.sh $LIBRARY"
  exit 1
fi
echo "the ABI is that of $(basename "$baseline")"
