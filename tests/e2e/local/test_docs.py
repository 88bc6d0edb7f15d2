"""Every command of the documentation does what the page says: it exits 0, against a real system on this machine.

Ports of the pages are replaced by free ones, so that the test does not depend on what else runs here.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed.etcd import Etcd
from tests.testbed.pages import ROOT, Command, File, needs_cluster, pages, run, script
from tests.testbed.rabbitmq import SERVER, RabbitMQ
from tests.testbed.valkey import Valkey

WITH_COMMANDS = [page for page in pages() if script(page.read_text()) and not needs_cluster(page)]


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
        with administered_servers(steps, tmp_path) as found_by:
            for step in steps:
                if isinstance(step, File):
                    (tmp_path / "work" / step.name).write_text(on_free_ports(step.text))
                else:
                    run(typed(step.line), page.name, tmp_path / "work", environment | found_by)
    finally:
        for name in ("chat", "office"):
            subprocess.run(
                ["chatsystem", "delete", name, "--yes", "--purge"], env=environment, capture_output=True, timeout=60
            )


@contextlib.contextmanager
def administered_servers(steps: list[File | Command], folder: Path) -> Iterator[dict[str, str]]:
    """The servers whose own tools a page uses, started; yields the environment in which those tools find them."""
    tools = {step.line.split()[0] for step in steps if isinstance(step, Command)}
    found_by: dict[str, str] = {}
    with contextlib.ExitStack() as running:
        if "rabbitmqctl" in tools:
            queue = RabbitMQ(folder / "rabbitmq")
            running.callback(queue.stop)
            queue.start()
            found_by |= {
                name: value for name, value in queue.environment.items() if name.startswith(("ERL_", "RABBITMQ_"))
            }
            # Debian's script on the PATH would become another user, who has another cookie.
            found_by |= {
                "HOME": str(queue.directory),
                "PATH": f"{SERVER.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            }
        if "etcdctl" in tools:
            registry = Etcd(folder / "etcd")
            running.callback(registry.stop)
            registry.start()
            found_by |= {"ETCDCTL_API": "3", "ETCDCTL_ENDPOINTS": registry.address}
            subprocess.run(["etcdctl", "role", "add", "registry"], env=os.environ | found_by, check=True, timeout=30)
        if "redis-cli" in tools:
            cache = Valkey(folder / "redis")
            running.callback(cache.process.stop)
            cache.start()
            # It takes the address of its server from its arguments alone.
            wrapper = folder / "bin" / "redis-cli"
            wrapper.parent.mkdir()
            wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("redis-cli")} -p {cache.port} "$@"\n')
            wrapper.chmod(0o755)
            path = found_by.get("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
            found_by |= {"PATH": f"{wrapper.parent}:{path}", "REDISCLI_AUTH": cache.password}
        yield found_by


def typed(line: str) -> str:
    """A command as it is run here."""
    # The built-in declaration has the well-known ports; the one written beside it is the same on free ones.
    return re.sub(r"\bup --detach$", "up --detach -f chat.yaml", line.replace(".venv/bin/", ""))
