#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests check-includes.sh: each rule is broken once in a copy of the tree, and the check must name the file.
#
# Environment: SOURCE_DIR.
set -euo pipefail

: "${SOURCE_DIR:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

check() {
  SOURCE_DIR=$work/tree "$SOURCE_DIR/tests/install/check-includes.sh" >"$work/output" 2>&1
}

# breaks FILE TEXT [NAMED]: a file with that text must be complained of, as NAMED. (Headers: a new .c file would be found
# by the rule on lists of sources whatever it says.)
breaks() {
  mkdir -p "$work/tree/$(dirname "$1")"
  printf '%s\n' "$2" >"$work/tree/$1"
  if check || ! grep -qE "^    ${3:-$1:}" "$work/output"; then
    echo "not found: $1 with: $2"
    cat "$work/output"
    failed=1
  fi
  rm -r "${work:?}/tree/${1%%/*}"
  cp -r "$SOURCE_DIR/${1%%/*}" "$work/tree/" 2>/dev/null || true
}

mkdir "$work/tree"
for name in include lib tools examples tests docs; do
  cp -r "$SOURCE_DIR/$name" "$work/tree/"
done
if ! check; then
  echo "the tree itself is not clean:"
  cat "$work/output"
  exit 1
fi

breaks lib/buffer/planted.h '#include "deliver/pool.h"'
breaks lib/deliver/planted.h '#include "flow/flow.h"'
breaks lib/convert/planted.h '#include "import/backend.h"'
breaks lib/listen/planted.h '# include "import/chooser.h"'
breaks lib/import/planted.h '#include "listen/listener.h"'
breaks lib/display/planted.h '#include "import/chooser.h"'
breaks lib/buffer/planted.h '#include "layout.h"'
breaks lib/import/planted.h '#include <epoxy/egl.h>'
breaks tools/dump/planted.h '#include <EGL/egl.h>'
breaks lib/flow/planted.h '#include <gbm.h>'
breaks lib/flow/planted.h '  g_dbus_connection_flush (connection, NULL, NULL, NULL);'
breaks lib/import/planted.h '#include <libyuv.h>'
breaks lib/buffer/planted.h '  close (fd);'
breaks lib/import/planted.h '  close (buffer_plane_fd (buffer, 0));'
breaks tools/dump/planted.h '#include "buffer/buffer.h"'
breaks tests/unit/planted.h '#include "../support/fds.h"'
breaks lib/attic/planted.h '/* a room with no rule */' 'lib/attic$'
breaks lib/flow/planted.c '/* built by nobody */' 'lib/flow/planted.c$'
breaks planted.txt planted 'planted.txt$'

exit $failed
