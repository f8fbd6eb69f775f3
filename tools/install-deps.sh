#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# install-deps.sh [--tests] [--check]: install what is missing to build libqemudmabuf and to run
# QEMU's D-Bus display, and with --tests what the tests need as well.
#
# On Debian 12 and 13, with apt, as root or through sudo, without a question. Debian 12's own QEMU
# and Mesa are too old for gl=on without a GPU, so its backports are enabled for those two. With
# nothing missing it does nothing, quickly. On another system, and with --check, it installs
# nothing: it names what is missing and exits 1 if that is anything.
set -euo pipefail
export LC_ALL=C

# One line a package: what for ("tests12": tests too, of what only Debian 12 has); Debian's name;
# the least version, where Debian 12's own is older and its backports have it, or "any" where one
# that did not come from Debian will do as well; how another system is asked whether it has it (a
# command, a pkg-config module, a header, a module of the system's Python, a shared library; - is
# not asked).
package_table() {
  cat <<'TABLE'
build  build-essential                   -         cmd:c++
build  cmake                             -         cmd:cmake
build  pkgconf                           -         cmd:pkg-config
build  libglib2.0-dev                    -         pc:gio-unix-2.0
build  libepoxy-dev                      -         pc:epoxy
build  libegl-dev                        -         pc:egl
build  libgbm-dev                        24.1      pc:gbm
build  libdrm-dev                        2.4.121   pc:libdrm
build  libyuv-dev                        -         header:libyuv.h
build  libpng-dev                        -         pc:libpng
build  libcairo2-dev                     -         pc:cairo
build  libgstreamer1.0-dev               -         pc:gstreamer-1.0
build  libgstreamer-plugins-base1.0-dev  -         pc:gstreamer-app-1.0
build  libgstreamer-plugins-bad1.0-dev   -         pc:gstreamer-webrtc-1.0
build  libsoup-3.0-dev                   -         pc:libsoup-3.0
build  libjson-glib-dev                  -         pc:json-glib-1.0
build  libgnutls28-dev                   -         pc:gnutls
run    gstreamer1.0-plugins-base         -         -
run    gstreamer1.0-plugins-good         -         -
run    gstreamer1.0-plugins-bad          -         -
run    gstreamer1.0-plugins-ugly         -         -
run    gstreamer1.0-nice                 -         -
run    qemu-system-x86                   1:10.0    cmd:qemu-system-x86_64
run    qemu-system-modules-opengl        1:10.0    -
run    libegl-mesa0                      24.1      -
run    libgl1-mesa-dri                   24.1      -
run    libglx-mesa0                      24.1      -
run    libgbm1                           24.1      lib:libgbm.so.1
run    libdrm2                           2.4.121   lib:libdrm.so.2
run    libegl1                           -         lib:libEGL.so.1
run    libgl1                            -         lib:libGL.so.1
run    libgles2                          -         lib:libGLESv2.so.2
tests  libcmocka-dev                     -         pc:cmocka
tests  gstreamer1.0-libav                -         -
tests  gobject-introspection             -         cmd:g-ir-scanner
tests  libgirepository1.0-dev            -         pc:gobject-introspection-1.0
tests  python3-gi                        -         python:gi
tests  python3-numpy                     -         python:numpy
tests  gi-docgen                         -         cmd:gi-docgen
tests  abigail-tools                     -         cmd:abidiff
tests  dbus-daemon                       -         cmd:dbus-daemon
tests  busybox-static                    -         cmd:busybox
tests  cpio                              -         cmd:cpio
tests  xz-utils                          -         cmd:xz
tests  clang                             -         cmd:clang
tests  libclang-rt-dev                   -         -
tests  gcc-aarch64-linux-gnu             -         cmd:aarch64-linux-gnu-gcc
tests  libc6-dev-arm64-cross             -         -
tests  qemu-user                         -         cmd:qemu-aarch64
tests  chromium                          any       cmd:chromium
tests  nodejs                            any       cmd:node
tests  npm                               any       cmd:npm
tests  openssl                           -         cmd:openssl
tests  curl                              -         cmd:curl
tests  iproute2                          -         cmd:ip
tests12 janus                            -         cmd:janus
TABLE
}

say() { printf 'install-deps: %s\n' "$*"; }
fail() { printf 'install-deps: %s\n' "$*" >&2; exit 1; }

# The table's lines for the purposes that were asked for.
wanted_rows() {
  local purpose package version probe
  while read -r purpose package version probe; do
    [[ $purpose == tests* && $with_tests == no ]] && continue
    [[ $purpose == tests12 && $system != debian-12 ]] && continue
    echo "$package $version $probe"
  done < <(package_table)
}

# What dpkg has of the table: name and version. One query for all: this is what runs when there is
# nothing to do. It exits 1 when it does not know one of the names.
installed_versions() {
  local native names
  native=$(dpkg --print-architecture)
  mapfile -t names < <(wanted_rows | cut -d ' ' -f 1)
  { dpkg-query -W -f '${Package} ${Version} ${Architecture} ${db:Status-Status}\n' "${names[@]}" \
      2>/dev/null || true; } |
    awk -v native="$native" '($3 == native || $3 == "all") && $4 == "installed" { print $1, $2 }'
}

# The packages that are not installed, or in too old a version.
missing_on_debian() {
  local -A installed=()
  local name version package least rest
  while read -r name version; do
    installed[$name]=$version
  done < <(installed_versions)

  while read -r package least rest; do
    version=${installed[$package]:-}
    if [[ $least == any ]]; then
      probe_succeeds "$rest" || echo "$package"
    elif [[ -z $version ]]; then
      echo "$package"
    elif [[ $least != - ]] && ! dpkg --compare-versions "$version" ge "$least"; then
      echo "$package"
    fi
  done < <(wanted_rows)
}

has_library() { PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep -qF "$1 "; }
has_header() { printf '#include <%s>\n' "$1" | c++ -E -x c++ - >/dev/null 2>&1; }

probe_succeeds() {
  local what=${1#*:}
  case $1 in
    cmd:*) command -v "$what" >/dev/null ;;
    pc:*) pkg-config --exists "$what" 2>/dev/null ;;
    header:*) has_header "$what" ;;
    python:*) /usr/bin/python3 -c "import $what" 2>/dev/null ;;
    lib:*) has_library "$what" ;;
    *) true ;;
  esac
}

missing_elsewhere() {
  local package least probe
  while read -r package least probe; do
    probe_succeeds "$probe" || echo "$package"
  done < <(wanted_rows)
}

# "debian-12", "fedora-40": what this system calls itself.
system_name() {
  (
    ID=unknown VERSION_ID=
    [[ -r /etc/os-release ]] && . /etc/os-release
    echo "$ID-${VERSION_ID:-rolling}"
  )
}

as_root() {
  if [[ $(id -u) == 0 ]]; then
    "$@"
  else
    sudo -n "$@"
  fi
}

check_root() {
  [[ $(id -u) == 0 ]] && return
  if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
    fail "run it as root, or with a sudo that asks for no password, to install:" "${missing[@]}"
  fi
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 LC_ALL=C apt-get -q -y \
    -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 -o Acquire::Retries=2 \
    -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" </dev/null
}

apt_install() { apt --no-install-recommends install "$@"; }

# A source that fails may be one that nothing here needs: what is really missing shows afterwards.
update_lists() {
  apt update || say "some package lists could not be updated; going on with the others"
}

# The address that this machine gets the given release of Debian from.
archive_uri() {
  apt-get indextargets --format '$(ORIGIN)|$(CODENAME)|$(COMPONENT)|$(IDENTIFIER)|$(REPO_URI)' |
    awk -F '|' -v codename="$1" '
      $1 ~ /^Debian/ && $2 == codename && $3 == "main" && $4 == "Packages" && $5 !~ /^cdrom:/ {
        print $5
        exit
      }'
}

# Whether apt is set up for that release, be its lists there or not: a second entry for the same
# archive could contradict the first, and then apt refuses everything.
is_configured() {
  apt-get update --print-uris 2>/dev/null | grep -q "/dists/$1/[A-Za-z]*Release'"
}

enable_backports() {
  local release=$1 uri keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  local file=/etc/apt/sources.list.d/qemu-dmabuf-backports.sources
  if ! is_configured "$release-backports"; then
    uri=$(archive_uri "$release")
    [[ -n $uri ]] || fail "apt knows no network source of $release/main to find its backports by"
    say "enabling $release-backports for QEMU 10 and Mesa 25, in $file"
    {
      printf 'Types: deb\nURIs: %s\nSuites: %s-backports\nComponents: main\n' "$uri" "$release"
      [[ ! -r $keyring ]] || printf 'Signed-By: %s\n' "$keyring"
    } | as_root tee "$file" >/dev/null
    update_lists
  fi
  [[ -n $(archive_uri "$release-backports") ]] || fail "apt cannot get $release-backports"
}

# Sources whose packages fit together only in one version: what is here of them already has to come
# along. (One that ended with the older version has nothing newer, and stays.)
installed_siblings() {
  dpkg-query -W -f '${source:Package} ${db:Status-Status} ${Package}:${Architecture}\n' |
    sed -n 's/:all$//; s/^\(mesa\|libdrm\|qemu\) installed //p'
}

# Only these come from backports; everything else stays with the release, as its user chose.
write_preferences() {
  [[ ! -r /etc/apt/preferences ]] || cat /etc/apt/preferences
  printf '\nPackage: src:qemu src:seabios src:mesa src:libdrm\n'
  printf 'Pin: release n=%s\nPin-Priority: 900\n' "$1-backports"
}

needs_backports() {
  wanted_rows | awk '$2 != "-" && $2 != "any" { print $1 }' | grep -qxF "$(printf '%s\n' "${missing[@]}")"
}

# A package that someone took from backports earlier can bar the way for the release's own ones:
# then all that is missing is taken from there.
install_with_backports() {
  local release=$1 siblings preferences
  enable_backports "$release"
  mapfile -t siblings < <(installed_siblings)
  preferences=$(mktemp)
  trap "rm -f '$preferences'" EXIT
  write_preferences "$release" >"$preferences"
  if ! apt_install -o Dir::Etc::preferences="$preferences" "${missing[@]}" "${siblings[@]}"; then
    say "once more, with everything from $release-backports that it has"
    apt_install -t "$release-backports" "${missing[@]}" "${siblings[@]}"
  fi
}

# The test starts a Janus of its own: this machine is not to serve the world with another.
mask_janus() {
  if printf '%s\n' "${missing[@]}" | grep -qx janus && command -v systemctl >/dev/null; then
    as_root systemctl mask --quiet janus.service
  fi
}

install_missing() {
  check_root
  say "missing:" "${missing[@]}"
  update_lists
  mask_janus
  if [[ $system == debian-12 ]] && { needs_backports || is_configured bookworm-backports; }; then
    install_with_backports bookworm
  else
    apt_install "${missing[@]}"
  fi

  mapfile -t missing < <(missing_on_debian)
  [[ ${#missing[@]} == 0 ]] || fail "apt did not bring them, or too old ones:" "${missing[@]}"
  say "everything is installed"
}

with_tests=no
check_only=no
for argument in "$@"; do
  case $argument in
    --tests) with_tests=yes ;;
    --check) check_only=yes ;;
    *)
      echo "usage: install-deps.sh [--tests] [--check]" >&2
      exit 2
      ;;
  esac
done

system=$(system_name)
case $system in
  debian-12 | debian-13) mapfile -t missing < <(missing_on_debian) ;;
  *) mapfile -t missing < <(missing_elsewhere) ;;
esac

if [[ ${#missing[@]} == 0 ]]; then
  exit 0
elif [[ $check_only == yes ]]; then
  fail "missing:" "${missing[@]}"
elif [[ $system != debian-12 && $system != debian-13 ]]; then
  fail "on $system it installs nothing; missing, by their names in Debian:" "${missing[@]}"
else
  install_missing
fi
