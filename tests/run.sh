#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# run.sh: install what is missing, build with warnings as errors, run every test.
#
# From any folder, without a question. BUILD_DIR names another build folder than build/ci, JOBS
# another number of jobs than 2. Its last line is "N passed, N failed, N skipped", above it the
# tests that were skipped, each with its reason. Exits 0 only if everything was built and no test
# failed.
set -euo pipefail
exec </dev/null

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${BUILD_DIR:-$root/build/ci}
jobs=${JOBS:-2}
junit=$build/ctest-junit.xml

"$root/tools/install-deps.sh" --tests
cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DWERROR=ON -DENABLE_DOCS=ON
cmake --build "$build" -j "$jobs"

# The verdict is read from the file that ctest writes: that is the same in every language. It exits
# with 8 when tests failed; any other status than 0 means that it did not run them.
rm -f "$junit"
status=0
ctest --test-dir "$build" -j "$jobs" --output-on-failure --no-tests=error \
  --test-output-size-passed 65536 --output-junit "$junit" || status=$?
[[ $status == 0 || $status == 8 ]] || exit "$status"

echo
/usr/bin/python3 "$root/tests/support/ctest-summary.py" "$junit"
exit "$status"
