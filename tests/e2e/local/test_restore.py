"""A person restores the database from a dump, under running services and beside them: clients begin anew by themselves."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed.client import Api, befriend
from tests.testbed.mariadb import MariaDB
from tests.testbed.process import wait_for
from tests.testbed.schema import text
from tests.testbed.system import System

DATABASE = "chen_im"


@pytest.fixture
def mariadb(tmp_path: Path) -> Iterator[MariaDB]:
    server = MariaDB(tmp_path / "mariadb")
    server.start()
    yield server
    server.process.stop()


def settings(server: MariaDB, folder: Path) -> dict[str, str]:
    server.run(f"CREATE DATABASE {DATABASE}")
    (folder / "mysql-username").write_text(server.access.username)
    (folder / "mysql-password").write_text(server.access.password)
    return {
        "CHATSYSTEM_DATABASE_URL": f"mysql://127.0.0.1:{server.port}/{DATABASE}",
        "CHATSYSTEM_DATABASE_USERNAME_FILE": str(folder / "mysql-username"),
        "CHATSYSTEM_DATABASE_PASSWORD_FILE": str(folder / "mysql-password"),
    }


def client(server: MariaDB, program: str, *arguments: str) -> list[str]:
    return [
        program,
        "--no-defaults",
        "--protocol=tcp",
        f"--host={server.host}",
        f"--port={server.port}",
        f"--user={server.access.username}",
        *arguments,
        DATABASE,
    ]


def dump(server: MariaDB) -> str:
    done = subprocess.run(
        client(server, "mariadb-dump", "--single-transaction", "--hex-blob"),
        env=secret(server),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def restore(server: MariaDB, saved: str) -> None:
    done = subprocess.run(client(server, "mariadb"), env=secret(server), input=saved, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def secret(server: MariaDB) -> dict[str, str]:
    return {**os.environ, "MYSQL_PWD": server.access.password}


def beats(server: MariaDB) -> int:
    rows = server.run("SELECT value FROM setting WHERE name = 'beat'", database=DATABASE)
    return int(rows[0][0]) if rows else 0


@pytest.mark.timeout(300)
@pytest.mark.parametrize("stopped", [False, True], ids=["while the services run", "while they are stopped"])
async def test_clients_notice_that_somebody_restored_an_older_dump(start_system, mariadb, tmp_path, stopped):
    own: System = await asyncio.to_thread(start_system, settings=settings(mariadb, tmp_path))
    api = Api(own.host, own.http_port, own.websocket_port)
    one, other = await api.register(), await api.register()
    chat = await befriend(one, other)
    device = await other.connect()
    epoch = device.welcome["epoch"]
    await one.send(chat, text("kept"))
    await asyncio.to_thread(wait_for, lambda: beats(mariadb) > 0, 60.0, "the history is watched")
    saved = await asyncio.to_thread(dump, mariadb)
    saved_at = beats(mariadb)
    for number in range(20):
        await one.send(chat, text(f"lost {number}"))
    await asyncio.to_thread(wait_for, lambda: beats(mariadb) > saved_at, 60.0, "a beat after the dump")
    assert (await device.sync({chat: 21}))["delta"] == []

    if stopped:
        await asyncio.to_thread(own.processes["all"].stop)
    await asyncio.to_thread(restore, mariadb, saved)
    if stopped:
        own.restart("all")
        await asyncio.to_thread(own.wait_ready)
    else:
        closed = await device.closing(60.0)
        assert closed.code == 1012
    fresh = await _connect_in_another_epoch(other, epoch)
    answer = await fresh.sync({chat: 21}, epoch=epoch)
    assert answer["epoch"] not in {"", epoch}
    (delta,) = answer["delta"]
    assert [(item["seq"], item["info"]["message"]["string_message"]["content"]) for item in delta["message"]] == [
        (1, "kept")
    ]
    await one.send(chat, text("numbered a second time"))
    assert (await fresh.message(timeout=30.0))["seq"] == 2
    await api.close()


async def _connect_in_another_epoch(person, epoch):
    """A gateway that has just heard of it says so in its Welcome."""
    deadline = time.monotonic() + 60.0
    while True:
        device = await person.connect()
        if device.welcome["epoch"] not in {"", epoch}:
            return device
        await device.close()
        assert time.monotonic() < deadline, "the epoch has not changed"
        await asyncio.sleep(0.2)
