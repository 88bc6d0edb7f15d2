"""The project's own images, built as `make images` builds them, once for the content of the sources."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.testbed.engine import CACHE, docker
from tests.testbed.images.base import ROOT, base
from tests.testbed.images.names import PREFIX

REPOSITORY = f"{PREFIX}/chatsystem"
_SOURCES = ("Dockerfile", ".dockerignore", "pyproject.toml", "README.md", "LICENSE", "requirements", "images")
_PACKAGES = ("controller", "services", "sql")


def image(target: str) -> str:
    """The name in the Docker engine of `services`, `speech` or `controller`. About two minutes from nothing, seconds after a
    change of the code."""
    name = f"{REPOSITORY}:{tag()}" if target == "services" else f"{REPOSITORY}-{target}:{tag()}"
    with (CACHE / "images.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not docker().has(name):
            _build(target)
    return name


def tag() -> str:
    """Says what they are made of: the sources as they are now, and the base."""
    digest = hashlib.sha256(base().encode())
    for path in _files():
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _files() -> Iterator[Path]:
    for name in (*_SOURCES, *_PACKAGES):
        top = ROOT / name
        found = [top] if top.is_file() else (path for path in top.rglob("*") if path.is_file())
        yield from sorted(path for path in found if "__pycache__" not in path.parts)


def _build(target: str) -> None:
    one = docker()
    path = f"{Path(one.program).parent}{os.pathsep}{one.environment.get('PATH', '')}"
    environment = {**one.environment, "PATH": path, "BASE": base(), "REPOSITORY": REPOSITORY, "TAG": tag()}
    done = subprocess.run(
        ["nice", "-n", "10", ROOT / "images" / "build.sh", target], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, f"the image {target} could not be built:\n{done.stderr[-3000:]}"
