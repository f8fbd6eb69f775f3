#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# fetch-qemu72.sh DIR: Debian 12's own QEMU 7.2 beside the installed one, as DIR/run-qemu72.
#
# It is the oldest QEMU that the library works with: no ScanoutMap, no ScanoutDMABUF2, and one
# UpdateDMABUF for the whole screen. Unpacked from its packages, it runs with the libraries that
# the newer QEMU of tools/install-deps.sh has brought. Both `-display dbus` and, with the preload,
# `-display dbus,gl=on -device virtio-vga-gl` work. Prints the path of the wrapper.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/apt-fetch.sh"

[[ $# == 1 ]] || fetch_fail "usage: fetch-qemu72.sh DIR"
codename=$(fetch_os_release VERSION_CODENAME)
if [[ $codename != bookworm ]] || ! command -v apt-get >/dev/null; then
  fetch_skip "QEMU 7.2 is in Debian 12's archive alone, and this is ${codename:-another system}"
fi

write_wrapper() {
  cat >"$1" <<'WRAPPER'
#!/usr/bin/env bash
# QEMU 7.2 with its own modules; it finds its firmware by itself, wherever this folder is.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
modules=("$here"/root/usr/lib/*/qemu)
export QEMU_MODULE_DIR=${modules[0]}
exec "$here/root/usr/bin/qemu-system-x86_64" "$@"
WRAPPER
  chmod +x "$1"
}

# A library that is missing would show only when a test starts QEMU, as a display it does not have.
check_libraries() {
  local lacking module
  lacking=$(for module in "$work"/root/usr/bin/qemu-system-x86_64 \
    "$work"/root/usr/lib/*/qemu/{ui-dbus,ui-opengl,hw-display-virtio-*}.so; do
    ldd "$module"
  done | sed -n 's/^[[:space:]]*\(.*\) => not found$/\1/p' | sort -u | tr '\n' ' ')
  [[ -z $lacking ]] || fetch_fail "QEMU 7.2 lacks libraries (run tools/install-deps.sh): $lacking"
}

if fetch_start "$1"; then
  fetch_lists
  # -gui has the module of virtio-vga-gl.
  fetch_packages bookworm qemu-system-{x86,common,data,gui} seabios
  check_libraries
  write_wrapper "$work/run-qemu72"
  "$work/run-qemu72" --version | grep -q 'version 7\.2' || fetch_fail "it is not QEMU 7.2"
  fetch_finish
fi
echo "$target/run-qemu72"
