#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# fetch-linux-guest.sh DIR: a small Linux guest with a real virtio-gpu driver, as DIR/kernel and
# DIR/initrd: this Debian's own kernel, a busybox, and linux-guest-draw. Prints
#
#     -kernel DIR/kernel -initrd DIR/initrd -append 'CMDLINE'
#
# to give to a QEMU with a virtio-vga, virtio-vga-gl or virtio-gpu-pci and a serial port. Once its
# picture is on the screen, the guest says "guest: drawn WxH" on the serial port. draw=FPS at the
# end of the command line makes it flip pages (see linux-guest-draw.c for what it shows).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/apt-fetch.sh"

# Nothing but the guest's own program may draw, so no console is put on the screen; the rest is for
# a quick start under emulation.
cmdline='console=ttyS0 quiet panic=-1 fbcon=map:9'
cmdline+=' nokaslr mitigations=off cryptomgr.notests tsc=reliable no_timer_check'

[[ $# == 1 ]] || fetch_fail "usage: fetch-linux-guest.sh DIR"
suite=$(fetch_os_release VERSION_CODENAME)
if ! command -v apt-get >/dev/null || [[ $(dpkg --print-architecture) != amd64 ]]; then
  fetch_skip "the kernel of the Linux guest comes from Debian for amd64, and this is another system"
fi

module_file() {
  find "$work/root" -regex ".*/${1//_/[-_]}\.ko\(\.xz\)?" -print -quit
}

# Puts a module into the initrd's lib, after those that it names as its own needs, and its name into
# the list to load. One that has no file is built into the kernel.
add_module() {
  local name=$1 file need
  grep -qxF "$name" "$tree/modules" && return
  file=$(module_file "$name")
  [[ -n $file ]] || return 0
  case $file in
    *.xz) xz -dc "$file" >"$tree/lib/$name.ko" ;;
    *) cp "$file" "$tree/lib/$name.ko" ;;
  esac
  for need in $(tr '\0' '\n' <"$tree/lib/$name.ko" | sed -n 's/^depends=//p' | tr ',-' ' _'); do
    add_module "$need"
  done
  echo "$name" >>"$tree/modules"
}

write_init() {
  cat >"$tree/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
exec >/dev/ttyS0 2>&1
while read -r name; do
  /bin/busybox insmod "/lib/$name.ko" || echo "guest: no $name"
done </modules
fps=0
for word in $(/bin/busybox cat /proc/cmdline); do
  case $word in draw=*) fps=${word#draw=} ;; esac
done
/bin/draw "$fps"
echo "guest: ended"
/bin/busybox poweroff -f
INIT
  chmod +x "$tree/init"
}

make_initrd() {
  tree=$work/initrd-tree
  mkdir -p "$tree"/{bin,lib,dev,proc}
  : >"$tree/modules"
  # PCI's half of virtio is loaded by nobody's need, so it is named.
  add_module virtio_pci
  add_module virtio_gpu
  cp "$(command -v busybox)" "$tree/bin/busybox"
  # shellcheck disable=SC2046
  cc -O2 -static -std=gnu11 $(pkg-config --cflags libdrm) -o "$tree/bin/draw" \
    "$here/linux-guest-draw.c"
  write_init
  (cd "$tree" && find . | cpio -o -H newc --quiet -R 0:0) >"$work/initrd"
}

# The number of so many bytes at that offset of a file, little-endian as on amd64.
number_at() {
  od -An -t "u$2" -j "$(($1))" -N "$2" "$3" | tr -d ' '
}

# A kernel unpacked here starts seconds sooner than one that unpacks itself under emulation: QEMU
# takes the ELF file inside (PVH). Where it is inside is in the setup header. One that is not packed
# by xz unpacks itself quickly enough.
unpack_kernel() {
  local image=$1 sectors offset length
  sectors=$(number_at 0x1f1 1 "$image")
  offset=$(number_at 0x248 4 "$image")
  length=$(number_at 0x24c 4 "$image")
  tail -c "+$(((sectors + 1) * 512 + offset + 1))" "$image" | head -c "$length" |
    xz -dc --single-stream 2>/dev/null || cat "$image"
}

if fetch_start "$1" "$here/linux-guest-draw.c"; then
  fetch_lists
  # linux-image-amd64 is a name for the newest one.
  image=$(fetch_dependencies "$suite" linux-image-amd64 | grep '^linux-image-')
  fetch_packages "$suite" "$image"
  make_initrd
  unpack_kernel "$(echo "$work"/root/boot/vmlinuz-*)" >"$work/kernel"
  rm -rf "$work/root" "$work/initrd-tree"
  fetch_finish
fi
echo "-kernel $target/kernel -initrd $target/initrd -append '$cmdline'"
