"""A system on MySQL with two processes of every service that writes: the promises hold while the server is killed or hangs."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed.client import Api
from tests.testbed.mariadb import MariaDB
from tests.testbed.process import wait_for
from tests.testbed.traffic import Traffic

SOME = 100
"""Messages between two events."""


@pytest.fixture
def mariadb(tmp_path: Path) -> Iterator[MariaDB]:
    server = MariaDB(tmp_path / "mariadb")
    server.start()
    yield server
    server.process.stop()


def settings(server: MariaDB, folder: Path) -> dict[str, str]:
    server.run("CREATE DATABASE chen_im")
    (folder / "mysql-username").write_text(server.access.username)
    (folder / "mysql-password").write_text(server.access.password)
    return {
        "CHATSYSTEM_DATABASE_URL": f"mysql://127.0.0.1:{server.port}/chen_im",
        "CHATSYSTEM_DATABASE_USERNAME_FILE": str(folder / "mysql-username"),
        "CHATSYSTEM_DATABASE_PASSWORD_FILE": str(folder / "mysql-password"),
    }


@pytest.mark.timeout(180)
async def test_messages_flow_on_through_a_server_and_a_transmit_that_are_killed_and_stand_still(
    start_system, mariadb, tmp_path
):
    own = await asyncio.to_thread(
        start_system,
        split=True,
        replicas={"transmit": 2, "store": 2, "friend": 2, "user": 2},
        settings=settings(mariadb, tmp_path),
    )
    traffic = Traffic(Api(own.host, own.http_port, own.websocket_port))
    await traffic.begin()
    await traffic.flow(SOME)

    mariadb.process.kill()
    await asyncio.sleep(1.0)
    await asyncio.to_thread(mariadb.start)
    await traffic.flow(SOME)

    mariadb.process.signal(signal.SIGSTOP)
    await asyncio.sleep(3.0)
    mariadb.process.signal(signal.SIGCONT)
    await traffic.flow(SOME)

    own.processes["transmit-2"].kill()
    await traffic.flow(SOME)
    own.restart("transmit-2")
    mariadb.process.stop()
    await asyncio.to_thread(mariadb.start)
    await asyncio.to_thread(wait_for, own.ready, 30.0, "everything is ready again")
    await traffic.flow(SOME)
    assert await traffic.end() == []
    await traffic.api.close()


async def test_one_process_on_mysql(start_system, mariadb, tmp_path):
    own = await asyncio.to_thread(start_system, settings=settings(mariadb, tmp_path))
    traffic = Traffic(Api(own.host, own.http_port, own.websocket_port))
    await traffic.begin()
    await traffic.flow(SOME)
    mariadb.process.kill()
    await asyncio.to_thread(mariadb.start)
    await traffic.flow(SOME)
    own.processes["all"].kill()
    own.restart("all")
    await asyncio.to_thread(own.wait_ready)
    await traffic.flow(SOME)
    assert await traffic.end() == []
    await traffic.api.close()
