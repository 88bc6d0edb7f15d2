#!/usr/bin/env bash
# Make the base images from Debian packages, without a registry of images: images/debian.sh DOCKER
#
#   localhost/chatsystem-base/python     Debian with Python: what images stand on
#   localhost/chatsystem-base/builder    the same with pip: what they are built in
#
# Packages come from where this machine's come from. Made once; `docker image rm` of the two has them made anew.
set -euo pipefail

docker="$1"
say() { printf 'images: %s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

. /etc/os-release
[ "${ID:-}" = debian ] || stop "BASE=debian needs Debian; name an image with Python 3.11 or later instead: BASE=..."
command -v mmdebstrap >/dev/null || stop "mmdebstrap is missing: apt-get install mmdebstrap"
[ "$(id -u)" = 0 ] || stop "BASE=debian needs root"
sources=/etc/apt/sources.list.d/debian.sources
[ -s "$sources" ] || sources=/etc/apt/sources.list

make_base() {
  local name="localhost/chatsystem-base/$1"
  shift
  "$docker" image inspect "$name" >/dev/null 2>&1 && return
  say "making $name from Debian packages (about half a minute)"
  mmdebstrap --quiet --variant=minbase --include="$(IFS=,; echo "$*")" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    "$VERSION_CODENAME" - "$sources" | "$docker" import - "$name" >/dev/null
}

make_base python ca-certificates python3 tzdata
make_base builder ca-certificates python3 python3-pip tzdata
