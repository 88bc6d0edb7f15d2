"""The product's own loop: it brings back what dies, follows the declaration while people talk, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed.client import Api, Refused
from tests.testbed.process import alive, wait_for
from tests.testbed.product import Product
from tests.testbed.traffic import Traffic

SOME = 60


@pytest.fixture
def product(tmp_path) -> Iterator[Product]:
    """A system that `up --detach` has started."""
    one = Product(tmp_path)
    try:
        yield one.up()
    finally:
        one.delete()


async def begin(product: Product) -> Traffic:
    traffic = Traffic(Api(product.host, product.http_port, product.websocket_port))
    await traffic.begin()
    await traffic.flow(SOME)
    return traffic


async def test_every_process_killed_comes_back_and_nothing_is_lost(product: Product):
    traffic = await begin(product)
    for _ in range(2):
        killed = product.kill_all()
        assert len(killed) >= 2
        await asyncio.to_thread(wait_for, lambda pids=killed: not any(map(alive, pids)), 5.0, "they are dead")
        await asyncio.to_thread(product.wait_ready)
        await traffic.flow(SOME)
    assert await traffic.end() == []
    assert traffic.longest_silence < 20.0


async def test_one_killed_process_comes_back_alone(product: Product):
    before = product.pids()
    name = next(each for each in before if "services" in each)
    os.kill(before[name], signal.SIGKILL)
    await asyncio.to_thread(
        wait_for, lambda: len(product.pids()) == len(before) and product.ready(), 20.0, "it is back", pause=0.3
    )
    after = product.pids()
    kept = set(before.values()) & set(after.values())
    assert len(kept) == len(before) - 1


@pytest.mark.timeout(240)
async def test_the_conversation_goes_on_through_edits_of_the_declaration(product: Product):
    traffic = await begin(product)

    async def apply() -> None:
        await asyncio.to_thread(product.apply)
        traffic.api.move(product.http_port, product.websocket_port)
        await traffic.flow(SOME)

    product.move()
    await apply()
    product.spec["services"]["speech"] = {"replicas": 0}
    await apply()
    with pytest.raises(Refused, match=r"不可用|未启用"):
        await traffic.members[0].person.call("recognition", speech_content=bytes(3200))
    product.spec["services"]["speech"] = {"replicas": 1}
    await apply()
    product.spec["local"] = {"processes": "PerService"}
    await apply()
    assert len(product.pids()) >= 8
    product.spec["services"]["gateway"]["replicas"] = 2
    await apply()
    assert len(product.pids()) >= 9
    product.spec["local"] = {"processes": "Shared"}
    product.spec["services"]["gateway"]["replicas"] = 1
    await apply()
    assert len(product.pids()) == 2
    assert await traffic.end() == []
    assert product.done("plan", product.name).strip().endswith("nothing to do")


async def test_delete_leaves_nothing_running(product: Product):
    pids = [*product.pids().values(), product.controller]
    product.done("delete", product.name, "--yes")
    wait_for(lambda: not any(alive(pid) for pid in pids if pid), 20.0, "nothing runs any more")
    for port in (product.http_port, product.websocket_port):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


async def test_deleted_with_its_data_kept_a_system_comes_back_with_its_history(product: Product):
    traffic = await begin(product)
    traffic_end = await traffic.end()
    assert traffic_end == []
    one = traffic.members[0].person
    (chat, *_) = await one.conversations()
    before = await one.history(chat)
    product.done("delete", product.name, "--yes")
    product.up()
    await traffic.api.close()
    assert await one.history(chat) == before


async def test_a_controller_killed_and_started_again_adopts_what_runs(product: Product):
    before = product.pids()
    controller = product.controller
    assert controller is not None
    os.kill(controller, signal.SIGKILL)
    wait_for(lambda: not alive(controller), 5.0, "the loop is dead")
    api = Api(product.host, product.http_port, product.websocket_port)
    await api.register()
    product.done("apply", "-f", product.declaration())
    product.done("wait", product.name, "--timeout", "30s")
    assert product.controller not in (None, controller)
    assert product.pids() == before
    os.kill(before[next(iter(before))], signal.SIGKILL)
    wait_for(lambda: product.ready() and product.pids() != before, 20.0, "the new loop works", pause=0.3)
    await api.close()


async def test_a_strangers_process_on_the_port_is_named_and_left_alone(product: Product):
    stranger = socket.socket()
    stranger.bind(("0.0.0.0", 0))
    stranger.listen()
    before = product.pids()
    product.spec["exposure"]["http"] = stranger.getsockname()[1]
    product.done("apply", "-f", product.declaration())
    result = product.command("wait", product.name, "--timeout", "15s")
    assert result.returncode in (1, 4), result.stdout
    assert str(stranger.getsockname()[1]) in result.stdout + result.stderr
    assert set(before.values()) & set(product.pids().values())
    stranger.close()
    product.done("wait", product.name, "--timeout", "40s")
    api = Api(product.host, product.spec["exposure"]["http"], product.websocket_port)
    await api.register()
    await api.close()


def test_secrets_are_in_no_argument_and_no_log(product: Product):
    secrets = [path.read_text().strip() for path in (product.root / "secrets").rglob("*") if path.is_file()]
    assert secrets
    for path in (product.root / "secrets").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0 or path.is_dir()
    texts = [product.log_tail(10_000), product.done("plan", product.name, "-o", "json"), str(product.state())]
    pids = [*product.pids().values(), product.controller]
    texts += [Path(f"/proc/{pid}/cmdline").read_text() for pid in pids]
    for secret in secrets:
        assert all(secret not in text for text in texts)


@pytest.mark.parametrize("removed", ["state", "state/systems", "state/systems/acme/declaration.json"])
async def test_what_runs_is_stopped_when_its_state_is_removed_under_it(product: Product, removed: str) -> None:
    pids = [*product.pids().values(), product.controller]
    path = product.directory / removed

    def gone() -> bool:
        # The controller may write a record while the folder is being removed.
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        path.unlink(missing_ok=True) if path.is_file() else None
        return not path.exists()

    wait_for(gone, 20.0, "what is to be removed is gone")
    wait_for(lambda: not any(alive(pid) for pid in pids if pid), 60.0, "nothing runs any more")
    for port in (product.http_port, product.websocket_port):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert carriers(product.directory) == []


def carriers(folder: Path) -> list[str]:
    """The processes of this machine whose environment names a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and str(folder).encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_text())
    return found
