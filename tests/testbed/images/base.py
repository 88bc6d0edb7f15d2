"""The image that images of the test bed stand on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.testbed.engine import docker

ROOT = Path(__file__).parents[3]


def base() -> str:
    """What the project's images stand on in tests, as `make images` takes it: CHATSYSTEM_TEST_BASE, or `debian`."""
    return os.environ.get("CHATSYSTEM_TEST_BASE", "debian")


def debian_base() -> str:
    """Debian, for images that install packages of it."""
    if base() != "debian":
        return "debian:bookworm-slim"
    one = docker()
    done = subprocess.run(
        [ROOT / "images" / "debian.sh", one.program], capture_output=True, text=True, env=one.environment
    )
    assert done.returncode == 0, f"the base image could not be made:\n{done.stderr}"
    return "localhost/chatsystem-base/python"
