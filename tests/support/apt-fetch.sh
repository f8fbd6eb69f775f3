# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# apt-fetch.sh, to be sourced: unpack Debian packages into a folder of their own, from the archive
# that this machine's apt uses, without installing them and without a change to the system.
#
#   if fetch_start DIR [FILE]...; then  false: DIR is there, made by this script of these
#     fetch_lists [SOURCE]...           apt's lists, of the system's sources or of those given
#     fetch_packages SUITE PACKAGE...   unpacked into $work/root
#     fetch_closure PACKAGE...          the same with all that they depend on, down to libc
#     fetch_finish                      $work becomes DIR ($target): whole, or not at all
#   fi
#
# A script that cannot do its work on this system prints one line and exits 77, which CTest takes
# for a skipped test; 1 is a failure.

fetch_skip() {
  printf '%s\n' "$*"
  exit 77
}

fetch_fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# The value that os-release gives a key such as VERSION_CODENAME; empty where it has none.
fetch_os_release() {
  sed -n "s/^$1=\"\\?\\([^\"]*\\)\"\\?\$/\\1/p" /etc/os-release 2>/dev/null || true
}

# Two that want the same DIR take turns: the second finds it made.
fetch_start() {
  target=$(realpath -m -- "$1")
  work=$target.partial
  fetch_stamp=$(cat "$0" "${BASH_SOURCE[0]}" "${@:2}" | cksum)
  mkdir -p "$(dirname "$target")"
  exec {fetch_lock}>"$target.lock"
  flock "$fetch_lock"
  [[ ! -f $target/.complete || $(<"$target/.complete") != "$fetch_stamp" ]] || return 1
  rm -rf "$work"
  mkdir -p "$work"/apt/{lists/partial,cache/archives/partial,debs,none} "$work/root"
}

fetch_apt() {
  local tool=$1
  shift
  LC_ALL=C "$tool" -qq -c "$work/apt/apt.conf" "$@" </dev/null
}

# Always with lists of its own: the system's may be missing, or name files that are gone. A source
# that fails may be one that nothing here needs, so what is missing shows when it is asked for.
# With sources of its own, apt also knows nothing of what the system has installed or prefers.
fetch_lists() {
  cat >"$work/apt/apt.conf" <<CONF
Dir::State::lists "$work/apt/lists";
Dir::Cache "$work/apt/cache";
Debug::NoLocking "true";
APT::Sandbox::User "root";
APT::Get::List-Cleanup "false";
Acquire::Retries "2";
Acquire::Languages "none";
CONF
  if [[ $# -gt 0 ]]; then
    printf '%s\n' "$@" >"$work/apt/sources.list"
    : >>"$work/apt/preferences"
    : >"$work/apt/status"
    cat >>"$work/apt/apt.conf" <<CONF
Dir::State::status "$work/apt/status";
Dir::Etc::sourcelist "$work/apt/sources.list";
Dir::Etc::sourceparts "$work/apt/none";
Dir::Etc::preferences "$work/apt/preferences";
Dir::Etc::preferencesparts "$work/apt/none";
CONF
  fi
  fetch_apt apt-get update >&2 || true
}

# The address that this machine gets the given release of Debian from.
fetch_archive_uri() {
  LC_ALL=C apt-get update --print-uris </dev/null |
    sed -n "s|^'\\(.*/\\)dists/$1/[A-Za-z]*Release' .*|\\1|p" | head -n 1
}

# The packages that one depends on, a line each, as the suite has it.
fetch_dependencies() {
  fetch_apt apt-cache show "$2/$1" | sed -n 's/^Depends: //p' | head -n 1 | tr ',' '\n' |
    sed 's/^ *\([^ ]*\).*/\1/'
}

fetch_unpack() {
  local deb
  for deb in "$@"; do
    dpkg -x "$deb" "$work/root"
    rm "$deb"
  done
}

fetch_packages() {
  local suite=$1
  shift
  (cd "$work/apt/debs" && fetch_apt apt-get download "${@/%//$suite}" >&2) ||
    fetch_fail "apt could not download from $suite: $*"
  fetch_unpack "$work"/apt/debs/*.deb
}

fetch_closure() {
  fetch_apt apt-get install -y --download-only --no-install-recommends "$@" >&2 ||
    fetch_fail "apt could not download, with all that they need: $*"
  fetch_unpack "$work"/apt/cache/archives/*.deb
}

fetch_finish() {
  rm -rf "$work/apt" "$target"
  printf '%s\n' "$fetch_stamp" >"$work/.complete"
  mv "$work" "$target"
}
