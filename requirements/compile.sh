#!/usr/bin/env bash
# Pin every dependency group with hashes. The files name no download address, so any index or mirror serves them.
# Usage: requirements/compile.sh [--upgrade]      (needs `uv` on the PATH)
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
  local out="requirements/$1.txt"
  shift
  uv pip compile "$@" --output-file "$out" --generate-hashes --universal \
    --python-version 3.11 --no-annotate --no-header --no-emit-index-url --quiet
  echo "pinned $(grep -c '==' "$out") packages in $out"
}

compile controller pyproject.toml --extra controller "${@}"
compile services pyproject.toml --extra services --extra stores --extra tracing "${@}"
compile speech pyproject.toml --extra services --extra stores --extra speech --extra tracing "${@}"
compile local pyproject.toml --extra local --group build "${@}"
compile dev pyproject.toml --extra local --extra stores --extra tracing --group build --group dev "${@}"
# What wheels are built with.
compile build --group build "${@}"
