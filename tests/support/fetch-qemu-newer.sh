#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# fetch-qemu-newer.sh DIR: a QEMU that sends ScanoutDMABUF2 (10.1 or newer), as DIR/run-qemu.
#
# It is that of Debian 13's backports with everything it needs down to its own libc and Mesa, so it
# runs on a Debian 12 as well, without a chroot and without root. softudmabuf.so works as a preload
# of it as with the installed one. Prints the path of the wrapper.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/apt-fetch.sh"

[[ $# == 1 ]] || fetch_fail "usage: fetch-qemu-newer.sh DIR"
codename=$(fetch_os_release VERSION_CODENAME)
if ! command -v apt-get >/dev/null || [[ $(dpkg --print-architecture) != amd64 ]]; then
  fetch_skip "a newer QEMU comes from Debian's backports (amd64); this is another system"
fi
uri=$(fetch_archive_uri "$codename")
[[ -n $uri ]] || fetch_skip "apt has no archive of ${codename:-this system} for a newer QEMU"

# The wrapper names each thing that would otherwise be looked for in the system's own folders. The
# interpreter is called by its path, so that all libraries are those of the folder.
write_wrapper() {
  cat >"$1" <<'WRAPPER'
#!/usr/bin/env bash
# QEMU with its own libc, Mesa, modules and firmware, wherever this folder is.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
libraries=$here/root/usr/lib/x86_64-linux-gnu
export QEMU_MODULE_DIR=$libraries/qemu
export GBM_BACKENDS_PATH=$libraries/gbm
export LIBGL_DRIVERS_PATH=$libraries/dri
export __EGL_VENDOR_LIBRARY_DIRS=$here/root/usr/share/glvnd/egl_vendor.d
exec "$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" \
  "$here/root/usr/bin/qemu-system-x86_64" -L "$here/root/usr/share/qemu" \
  -L "$here/root/usr/share/seabios" "$@"
WRAPPER
  chmod +x "$1"
}

if fetch_start "$1"; then
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  printf 'Package: src:qemu src:seabios\nPin: release n=trixie-backports\nPin-Priority: 900\n' \
    >"$work/apt/preferences"
  fetch_lists "deb [signed-by=$keyring] $uri trixie main" \
    "deb [signed-by=$keyring] $uri trixie-backports main"
  fetch_closure qemu-system-x86 qemu-system-modules-opengl libegl1 libgl1 libgles2 libegl-mesa0 \
    libgl1-mesa-dri
  write_wrapper "$work/run-qemu"
  version=$("$work/run-qemu" --version | sed -n '1s/^QEMU emulator version \([0-9.]*\).*/\1/p')
  dpkg --compare-versions "$version" ge 10.1 ||
    fetch_skip "the newest QEMU for Debian 13 is ${version:-none}, and ScanoutDMABUF2 needs 10.1"
  rm -rf "$work"/root/usr/share/{doc,man,locale}
  fetch_finish
fi
echo "$target/run-qemu"
