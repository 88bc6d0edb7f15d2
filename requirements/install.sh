#!/usr/bin/env bash
# Set up the environment in .venv: requirements/install.sh local|dev
#
#   local   what `make up` needs: the controller, the services, the embedded stores
#   dev     the above, and everything the tests and linters need, with the Debian packages for them
#
# Safe to run again at any time: what is there already is left alone. Nothing is installed outside .venv except Debian
# packages, and those only as root. VENV and PYTHON override the folder and the interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."

group="${1:?usage: requirements/install.sh local|dev}"
venv="${VENV:-.venv}"
python="${PYTHON:-python3}"

say() { printf 'setup: %s\n' "$*" >&2; }
stop() { printf 'setup: %s\n' "$*" >&2; exit 1; }
can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

# Installs Debian packages, or says which are missing and how to get them.
debian_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ "${#missing[@]}" = 0 ] && return 0
  can_apt || stop "these packages are missing: ${missing[*]}. Install them, on Debian with: sudo apt-get install ${missing[*]}"
  say "installing Debian packages: ${missing[*]}"
  apt-get update -qq
  # RUNLEVEL=1: the servers among the packages are not started; the tests start their own.
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

command -v "$python" >/dev/null || { can_apt && debian_packages python3 python3-venv; }
command -v "$python" >/dev/null || stop "Python 3.11 or later is missing. Install it, on Debian with: sudo apt-get install python3 python3-venv"
version="$("$python" --version 2>&1)" ||
  stop "$python cannot be run: ${version%%$'\n'*}. Name another interpreter with: make setup PYTHON=python3.12"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  stop "$version is too old: Python 3.11 or later is needed. Name another interpreter with: make setup PYTHON=python3.12"

# One whose making was interrupted, or whose interpreter was removed, is completed.
if ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
  "$python" -c 'import ensurepip' 2>/dev/null || debian_packages python3-venv
  say "creating $venv with $version"
  rm -f "$venv"/bin/python* "$venv"/.installed-*  # a link to what is gone would be kept
  "$python" -m venv "$venv"
fi

stamp="$venv/.installed-$group"
wanted="$(cat "requirements/$group.txt" pyproject.toml requirements/install.sh | sha256sum | cut -d' ' -f1) $PWD"
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
  say "installing $(grep -c '==' "requirements/$group.txt") Python packages (about a minute the first time)"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "requirements/$group.txt"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
  printf '%s' "$wanted" >"$stamp"
  say "Python packages are ready"
fi

if [ "$group" = dev ]; then
  # chromium and fonts: the browser tests; espeak-ng and sox: the speech that is recognised in tests; maven and Java: the
  # search index of the store tests, which fetch it themselves (as they do the S3 gateway, with Go).
  debian_packages chromium fonts-noto-cjk espeak-ng sox maven openjdk-17-jre-headless openssl
  command -v go >/dev/null ||
    say "Go is missing: the tests of files on S3 will fail until Go 1.24 or later is installed (https://go.dev/dl)"
  # Queue and registry of the store tests.
  debian_packages rabbitmq-server etcd-server etcd-client
  # The database of the store tests, and a Redis that is encrypted and replicated.
  debian_packages mariadb-server redis-server
  # A Kubernetes node and images. Where Docker is there already, it is left as it is.
  command -v dockerd >/dev/null || debian_packages docker.io
  debian_packages containernetworking-plugins iproute2 iptables conntrack socat mmdebstrap
  command -v containerd >/dev/null || debian_packages containerd
  command -v runc >/dev/null || debian_packages runc
fi
say "done"
