"""A MySQL server that stops, is killed, hangs or cuts connections: what is repeated, and what the caller is told."""

import asyncio
import contextlib
import signal
import socket
import threading
from dataclasses import replace

import pytest

from services.stores.mysql.target import Patience
from services.stores.ports import StoreError
from tests.testbed.rows import names, put


async def test_a_restarted_server_is_used_again(open_mysql, own_server, own_target):
    database = await open_mysql(own_target)
    await database.write(put("before"))
    own_server.process.stop()
    own_server.start()
    assert await database.write(put("after")) == 1
    assert await database.write(put("beside"), concurrent=True) == 1
    assert await database.read(names) == {"before", "after", "beside"}


async def test_works_wait_for_a_server_that_comes_back_soon(open_mysql, own_server, own_target):
    database = await open_mysql(replace(own_target, patience=replace(own_target.patience, reconnect=20.0)))
    own_server.process.kill()
    writing = [asyncio.create_task(database.write(put(f"k{number}"))) for number in range(10)]
    reading = asyncio.create_task(database.read(names))
    await asyncio.sleep(0.3)
    await asyncio.to_thread(own_server.start)
    assert await asyncio.gather(*writing) == [1] * 10
    assert await reading <= {f"k{number}" for number in range(10)}


async def test_a_server_that_stays_away_is_a_retryable_error_and_no_more(open_mysql, own_server, own_target):
    patience = Patience(connect=0.5, statement=5.0, lock=1.0, reconnect=0.3)
    database = await open_mysql(replace(own_target, patience=patience))
    own_server.process.kill()
    try:
        for call in (database.write(put("a")), database.read(names), database.ping()):
            with pytest.raises(StoreError, match="cannot be reached") as caught:
                await call
            assert caught.value.retryable
            assert type(caught.value) is StoreError
    finally:
        own_server.start()
    assert await database.write(put("b")) == 1
    assert await database.read(names) == {"b"}


async def test_what_was_acknowledged_before_a_kill_is_there(open_mysql, own_server, own_target):
    database = await open_mysql(replace(own_target, patience=replace(own_target.patience, reconnect=0.2)))
    acknowledged, enough = set(), asyncio.Event()

    async def write(number):
        try:
            await database.write(put(f"k{number}"), concurrent=number % 2 == 0)
        except StoreError:
            return
        acknowledged.add(f"k{number}")
        if len(acknowledged) > 40:
            enough.set()

    async def flow():
        for start in range(0, 400, 8):
            await asyncio.gather(*(write(number) for number in range(start, start + 8)))

    flowing = asyncio.create_task(flow())
    await enough.wait()
    own_server.process.kill()
    await asyncio.sleep(0.4)
    await asyncio.to_thread(own_server.start)
    await flowing
    stored = await database.read(names)
    assert acknowledged <= stored
    assert len(acknowledged) > 200


async def test_a_killed_connection_costs_no_work(open_mysql, mysql, mysql_target):
    database = await open_mysql(mysql_target)
    for turn in range(5):
        connections = await database.write(lambda c: c.execute("SELECT CONNECTION_ID()"))
        mysql.run(f"KILL {connections[0][0]}")
        assert await database.write(put(f"k{turn}")) == 1
    assert len(await database.read(names)) == 5


async def test_a_connection_killed_in_the_middle_of_a_work_has_the_work_done_again(open_mysql, mysql, mysql_target):
    database = await open_mysql(mysql_target)
    runs = []

    def work(connection):
        runs.append(connection.execute("SELECT CONNECTION_ID()")[0][0])
        put("a")(connection)
        if len(runs) == 1:
            mysql.run(f"KILL {runs[0]}")
        return put("b")(connection)

    assert await database.write(work) == 1
    assert len(runs) == 2
    assert await database.read(names) == {"a", "b"}


async def test_a_commit_without_an_answer_is_not_repeated(open_mysql, own_server, own_target):
    """The connection goes through a relay that swallows the answer to COMMIT."""
    with Relay(own_server.port) as relay:
        database = await open_mysql(replace(own_target, addresses=(("127.0.0.1", relay.port),)))
        await database.write(put("first"))
        relay.cut_at = b"COMMIT"
        with pytest.raises(StoreError, match="not known whether") as caught:
            await database.write(put("second"))
        assert caught.value.retryable
        relay.cut_at = None
        assert await database.read(names) == {"first", "second"}


async def test_a_server_that_hangs_is_an_error_in_time(open_mysql, own_server, own_target, monkeypatch):
    monkeypatch.setattr("services.stores.mysql.connect._GRACE", 0.3)
    patience = Patience(connect=0.5, statement=0.3, lock=1.0, reconnect=0.3)
    database = await open_mysql(replace(own_target, patience=patience))
    own_server.process.signal(signal.SIGSTOP)
    try:
        with pytest.raises(StoreError) as caught:
            await asyncio.wait_for(database.read(names), 10)
        assert caught.value.retryable
    finally:
        own_server.process.signal(signal.SIGCONT)
    assert await database.write(put("a")) == 1


class Relay:
    """Passes bytes between a client and a server, until what the client sends holds `cut_at`: that is passed on, and the
    connection is closed before the answer."""

    def __init__(self, port):
        self.server = ("127.0.0.1", port)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.cut_at = None
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listening.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            server = socket.create_connection(self.server)
            threading.Thread(target=self.pass_on, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self.pass_on, args=(server, client, False), daemon=True).start()

    def pass_on(self, source, sink, of_client):
        try:
            while data := source.recv(65536):
                if of_client and self.cut_at and self.cut_at in data:
                    source.shutdown(socket.SHUT_RDWR)
                    sink.sendall(data)
                    return
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
