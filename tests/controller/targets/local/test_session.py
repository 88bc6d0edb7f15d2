"""A whole system on this machine: real services, real Valkey, a controller in a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.engine.ports import TargetError
from controller.targets.local import identity
from controller.targets.local.session import LocalSession, open_session
from tests.testbed.local_system import Here, declaration, eventually


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Here]:
    made = Here(tmp_path / "state")
    yield made
    made.end()


async def test_a_system_goes_on_without_its_controller_and_comes_back_when_everything_was_killed(here: Here) -> None:
    document = declaration()
    await here.session.store.put(document, author="ann")
    await here.session.start_controller("acme")
    await eventually(here.ready)
    assert await here.answers(document) == 200

    driver = here.session.controller_pid("acme")
    assert driver is not None
    os.kill(driver, signal.SIGKILL)
    before = here.processes()
    await here.session.start_controller("acme")
    await eventually(here.ready)
    assert here.processes() == before

    second = here.session.controller_pid("acme")
    assert second not in {None, driver}
    for process in (*before, identity.identify(second or 0)):
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)

    async def dead() -> bool:
        return not any(identity.is_alive(process) for process in before)

    await eventually(dead)
    await here.session.start_controller("acme")

    async def back() -> bool:
        return await here.ready() and all(identity.is_alive(process) for process in here.processes())

    await eventually(back)
    assert await here.answers(document) == 200

    with pytest.raises(TargetError, match="another controller"):
        await here.session.drive("acme", asyncio.Event(), halt=True)

    await here.session.store.mark_deleted("acme")

    async def ended() -> bool:
        return here.session.controller_pid("acme") is None

    await eventually(ended)
    assert await here.session.store.get("acme") is None
    assert [path.name for path in here.session.data_directories("acme")] == ["data", "secrets"]
    await here.session.purge("acme")
    assert not here.paths.root.exists()


async def test_of_several_who_start_a_controller_at_once_one_does_whatever_lies_in_their_folder(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "controller").mkdir()
    (tmp_path / "controller" / "__init__.py").write_text("raise SystemExit('not the one that was meant')")
    monkeypatch.chdir(tmp_path)
    await here.session.store.put(declaration(suspend=True), author="ann")
    spawned = []
    spawn = LocalSession._spawn

    def counted(session: LocalSession, system: str, log: Path) -> subprocess.Popen[bytes]:
        spawned.append(spawn(session, system, log))
        return spawned[-1]

    monkeypatch.setattr(LocalSession, "_spawn", counted)
    await asyncio.gather(*(open_session(here.state.root).start_controller("acme") for _ in range(3)))
    assert [child.pid for child in spawned] == [here.session.controller_pid("acme")]
    spawned[0].kill()
    spawned[0].wait()


async def test_stopping_in_the_foreground_leaves_no_process_and_all_data(here: Here) -> None:
    await here.session.store.put(declaration(services={"speech": {"replicas": 0}}), author="ann")
    stopped = asyncio.Event()
    driving = asyncio.create_task(here.session.drive("acme", stopped, halt=True))
    await eventually(here.ready)
    running = here.processes()
    stopped.set()
    await driving
    assert not any(identity.is_alive(process) for process in running)
    assert (here.paths.data / "database" / "chat.db").exists()
    stored = await here.session.store.get("acme")
    assert stored is not None
    assert stored.status["phase"] == "Stopped; the data is kept"
    assert here.session.controller_pid("acme") is None
