#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# update-baseline.sh LIBRARY: describes the ABI of that build of libqemudmabuf.so anew, as the baseline that
# check-abi.sh compares with. The commit that changes it says why; docs/abi.md says when it may.
#
# The library must be built with debug information and without a sanitizer (the default build).
set -euo pipefail
export LC_ALL=C

if [[ $# != 1 || ! -f $1 ]]; then
  echo "usage: update-baseline.sh BUILD/lib/libqemudmabuf.so" >&2
  exit 2
fi
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
library=$(readlink -f "$1")
baseline=$source_dir/lib/abi/qemudmabuf-0.1.abi

SOURCE_DIR=$source_dir LIBRARY=$library "$source_dir/tests/abi/check-symbols.sh"
if ! readelf -SW "$library" | grep '\.debug_info' >/dev/null; then
  echo "$library has no debug information" >&2
  exit 1
fi
"$source_dir/tests/abi/describe-abi.sh" "$library" >"$baseline.new"
mv "$baseline.new" "$baseline"
echo "wrote ${baseline#"$source_dir"/}: $(wc -c <"$baseline") bytes"
