#!/usr/bin/env bash
# Build the images: images/build.sh [services|speech|controller]...     without arguments all three
#
# From the environment:
#   REPOSITORY  what the images are called: REPOSITORY, REPOSITORY-speech, REPOSITORY-controller (chatsystem)
#   TAG         their tag (the version of this project)
#   BASE        the image with Python that they stand on (python:3.12-slim); `debian` makes one from this machine's Debian packages,
#               so that no registry of images is needed
#   CA_FILE     a bundle of certificate authorities that downloads are checked with, where yours are not the usual ones
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'images: %s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

# The first docker program that can build with BuildKit; from version 23 on that takes its plugin buildx.
export DOCKER_BUILDKIT=1
docker=""
for candidate in $(type -ap docker) /usr/bin/docker; do
  if "$candidate" build --help 2>/dev/null | grep -q -- --secret; then
    docker="$candidate"
    break
  fi
done
[ -n "$docker" ] || stop "docker with BuildKit is missing. Install Docker and its plugin buildx (on Debian: apt-get install docker.io)"
"$docker" version >/dev/null 2>&1 ||
  stop "no Docker engine answers. Start one, or let the test bed lend you its own: python -m tests.testbed.engine make images"

repository="${REPOSITORY:-chatsystem}"
base="${BASE:-python:3.12-slim}"
ca="${CA_FILE:-${PIP_CERT:-}}"
tag="${TAG:-$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)}"
revision="$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)"
builder="$base"
if [ "$base" = debian ]; then
  images/debian.sh "$docker"
  base=localhost/chatsystem-base/python
  builder=localhost/chatsystem-base/builder
fi

arguments=(--build-arg "BASE=$base" --build-arg "BUILDER=$builder" --build-arg "VERSION=$tag" --build-arg "REVISION=$revision" --network host)
[ -z "$ca" ] || arguments+=(--secret "id=ca,src=$ca")
for target in "${@:-services speech controller}"; do
  for each in $target; do
    case "$each" in
      services) name="$repository:$tag" ;;
      speech | controller) name="$repository-$each:$tag" ;;
      *) stop "unknown image $each. One of: services, speech, controller" ;;
    esac
    say "building $name on $base"
    "$docker" build --quiet "${arguments[@]}" --target "$each" --tag "$name" . >/dev/null ||
      stop "$name could not be built. Where $base cannot be pulled: make images BASE=debian"
    echo "$name"
  done
done
