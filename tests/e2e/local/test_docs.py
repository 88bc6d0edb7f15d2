"""Every command of the documentation does what the page says: it exits 0, against a real system on this machine.

Ports of the pages are replaced by free ones, so that the test does not depend on what else runs here.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.testbed.pages import ROOT, Command, File, pages, script

WITH_COMMANDS = [page for page in pages() if script(page.read_text())]


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on now, all different."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_work_in_order(page: Path, tmp_path: Path) -> None:
    renumbered: dict[str, str] = {}
    for declared, free in zip(("9000", "9001", "9100", "9101"), free_ports(4), strict=True):
        renumbered[declared] = str(free)

    def on_free_ports(text: str) -> str:
        return re.sub(r"\b(9000|9001|9100|9101)\b", lambda match: renumbered[match.group(0)], text)

    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "CHATSYSTEM_STATE_DIR": str(tmp_path / "state"),
        "PYTHONPATH": str(ROOT),
    }
    (tmp_path / "work").mkdir()
    minimal = on_free_ports((ROOT / "examples/minimal.yaml").read_text())
    (tmp_path / "work/chat.yaml").write_text(re.sub(r"(?m)^(\s*name:).*$", r"\1 chat", minimal, count=1))
    steps = script(page.read_text())
    if not any(isinstance(step, Command) and re.search(r"\b(up|apply)\b", step.line) for step in steps):
        # The page speaks of a system that its reader has already.
        steps = [Command("chatsystem up --detach"), *steps]
    try:
        for step in steps:
            if isinstance(step, File):
                (tmp_path / "work" / step.name).write_text(on_free_ports(step.text))
            else:
                run(step, page, tmp_path / "work", environment)
    finally:
        for name in ("chat", "office"):
            subprocess.run(
                ["chatsystem", "delete", name, "--yes", "--purge"], env=environment, capture_output=True, timeout=60
            )


def run(step: Command, page: Path, folder: Path, environment: dict[str, str]) -> None:
    if step.line.startswith("make "):
        # What make does is proven by CI, which runs it; here the target has only to exist.
        command, folder = f"make -n {step.line.split()[1]}", ROOT
    else:
        command = step.line.replace(".venv/bin/", "")
        # The built-in declaration has the well-known ports; the one written beside it is the same on free ones.
        command = re.sub(r"\bup --detach$", "up --detach -f chat.yaml", command)
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, f"{page.name}: $ {step.line}\n{result.stdout}\n{result.stderr}"
