#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# install-packages.sh NPM: installs the packages of package-lock.json beside the build, unless they are there.
#
# Environment: SOURCE_DIR, BUILD_DIR.
set -euo pipefail

npm=$1
source=${SOURCE_DIR:?}/tests/browser
target=${BUILD_DIR:?}/tests/browser
mkdir -p "$target"
if [[ -d $target/node_modules ]] && cmp -s "$source/package-lock.json" "$target/installed-lock.json"; then
  exit 0
fi
cp "$source"/{package.json,package-lock.json,.npmrc} "$target"
(cd "$target" && "$npm" ci --no-progress)
cp "$source/package-lock.json" "$target/installed-lock.json"
