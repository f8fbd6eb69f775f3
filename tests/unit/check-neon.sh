#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the NEON kernels for 64-bit Arm and runs them under emulation. Skipped without a cross compiler and qemu-aarch64
# (on Debian: gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, qemu-user); nothing needs them where the tests run on Arm.
#
# Environment: SOURCE_DIR.
set -euo pipefail

compiler=aarch64-linux-gnu-gcc
for tool in "$compiler" qemu-aarch64; do
  command -v "$tool" >/dev/null || { echo "skipped: no $tool"; exit 77; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

detile=$SOURCE_DIR/lib/import/detile
convert=$SOURCE_DIR/lib/convert
"$compiler" -O2 -std=gnu11 -Wall -Wextra -Werror -static -I "$SOURCE_DIR/lib" -I "$SOURCE_DIR/tests" \
  "$SOURCE_DIR/tests/unit/neon-kernels.c" "$detile/kernels-neon.c" "$detile/kernels-c.c" \
  "$convert/matrix-neon.c" "$convert/matrix-c.c" -o "$work/neon-kernels"
qemu-aarch64 "$work/neon-kernels"
