"""The images of the stores that tests run: stand-ins built from Debian packages, or the official ones.

Where images can be pulled, CHATSYSTEM_TEST_OFFICIAL_IMAGES=1 has tests use what a declaration names by default.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import subprocess
import tarfile
from pathlib import Path

from tests.testbed import elasticsearch
from tests.testbed.engine import CACHE, docker
from tests.testbed.images.base import debian_base
from tests.testbed.images.names import LABEL, PREFIX

STORES = ("mysql", "redis", "rabbitmq", "rabbitmq-management", "etcd", "elasticsearch")
_SOURCES = Path(__file__).parent
_DISTRIBUTION = "elasticsearch-distribution"


def official() -> bool:
    return os.environ.get("CHATSYSTEM_TEST_OFFICIAL_IMAGES") == "1"


def store_image(store: str) -> str:
    """Its name in the Docker engine. Built when it is not there: all of them from nothing take about two minutes."""
    assert store in STORES
    files = _files(store)
    digest = hashlib.sha256()
    for name, path in files.items():
        digest.update(f"{name}\0{path.stat().st_mode:o}\0".encode() + path.read_bytes())
    if store == "elasticsearch":
        digest.update(elasticsearch.VERSION.encode())
    image = f"{PREFIX}/{store}:{digest.hexdigest()[:12]}"
    with (CACHE / "images.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not docker().has(image):
            _build(store, image, files)
    return image


def _files(store: str) -> dict[str, Path]:
    """What an image is made of: the Dockerfile, and what is in its own folder."""
    own = _SOURCES / store.removesuffix("-management")
    paths = [_SOURCES / "Dockerfile", _SOURCES / "install", *(each for each in own.rglob("*") if each.is_file())]
    return {str(path.relative_to(_SOURCES)): path for path in sorted(paths)}


def _build(store: str, image: str, files: dict[str, Path]) -> None:
    base = debian_base()
    command = docker().command(
        *("build", "--quiet", "--network", "host", "--build-arg", f"BASE={base}", "--target", store),
        *("--label", LABEL, "--tag", image, "-"),
    )
    with subprocess.Popen(
        ["nice", "-n", "10", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=docker().environment,
    ) as build:
        assert build.stdin is not None
        assert build.stdout is not None
        try:
            build.stdin.write(_context(store, files))
            build.stdin.close()
        except BrokenPipeError:
            pass  # it says why
        output = build.stdout.read().decode(errors="replace")
    assert build.returncode == 0, f"{image} could not be built:\n{output[-3000:]}"


def _context(store: str, files: dict[str, Path]) -> bytes:
    """The files as an archive, because the distribution of Elasticsearch is somewhere else."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, path in files.items():
            archive.add(path, name)
        if store == "elasticsearch":
            archive.add(elasticsearch.home(), _DISTRIBUTION)
    return out.getvalue()
