"""What is MySQL's own: a server that stops, hangs or is read-only, transactions in each other's way, TLS, exact text."""

import asyncio
import contextlib
import re
import secrets
import signal
import socket
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from services.stores.access import Access, Tls
from services.stores.migrate import load, sql_directory
from services.stores.mysql.connection import MysqlConnection
from services.stores.mysql.database import MysqlDatabase
from services.stores.mysql.errors import SchemaConflictError
from services.stores.mysql.migrator import migrate
from services.stores.mysql.target import Patience
from services.stores.ports import StoreError, UniqueViolation
from tests.testbed.mariadb import MariaDB
from tests.testbed.process import free_ports


def put(name, value="v"):
    return lambda connection: connection.change("INSERT INTO setting (name, value) VALUES (?, ?)", (name, value))


def names(connection):
    return {row[0] for row in connection.execute("SELECT name FROM setting")} - {"epoch"}


@pytest.fixture
async def open_mysql():
    opened = []

    async def open_one(target, **options):
        opened.append(await MysqlDatabase.open(target, **options))
        return opened[-1]

    yield open_one
    for database in opened:
        await database.close()


@pytest.fixture(scope="module")
def own_server(tmp_path_factory):
    """A server that tests may stop; every test leaves it running."""
    server = MariaDB(tmp_path_factory.mktemp("own-mariadb"))
    server.start()
    yield server
    server.process.stop()


@pytest.fixture
def own_target(own_server):
    with own_server.database() as target:
        yield target


# Text


@pytest.mark.parametrize(
    "other", ["anna", "ANNA", "Änna", "Anna ", " Anna", "Ａnna", "Anna\u0301", "Ann\u0430", "Anna\0"]
)
async def test_names_differ_by_every_byte(open_mysql, mysql_target, other):
    database = await open_mysql(mysql_target)
    await database.write(put("Anna"))
    await database.write(put(other))
    assert await database.read(names) == {"Anna", other}
    found = await database.read(lambda c: c.execute("SELECT name FROM setting WHERE name = ?", (other,)))
    assert found == [(other,)]


@pytest.mark.parametrize(
    "value",
    [
        "'",
        '"',
        "\\",
        "\\'; DROP TABLE setting; -- ",
        "a\0b\n\r\x1a\t",
        "100%s {} ?",
        "👩‍👩‍👧 天 \ufffd",
        "",
        "; ",
        "/* */ -- #",
        "x" * 300_000,
    ],
)
async def test_any_text_comes_back_as_it_was(open_mysql, mysql_target, value):
    database = await open_mysql(mysql_target)
    await database.write(put("k", value))
    assert await database.read(lambda c: c.execute("SELECT value FROM setting WHERE name = 'k'")) == [(value,)]


async def test_any_bytes_come_back_as_they_were(open_mysql, mysql_target):
    database = await open_mysql(mysql_target)
    content = bytes(range(256)) * 3
    rows = [("t", content, 1), ("t", b"", 2), ("t", memoryview(b"\\'"), 3)]
    await database.write(lambda c: c.insert_many("outbox", ("topic", "event", "created_at"), rows))
    found = await database.read(lambda c: c.execute("SELECT event FROM outbox ORDER BY id"))
    assert [row[0] for row in found] == [content, b"", b"\\'"]


async def test_a_text_that_is_no_unicode_is_the_fault_of_its_work_alone(open_mysql, mysql_target):
    database = await open_mysql(mysql_target)
    results = await asyncio.gather(
        database.write(put("a")), database.write(put("bad", "\ud800")), database.write(put("b")), return_exceptions=True
    )
    assert isinstance(results[1], UnicodeEncodeError)
    assert await database.read(names) == {"a", "b"}


async def test_a_row_that_did_not_change_counts_as_found(open_mysql, mysql_target):
    database = await open_mysql(mysql_target)
    await database.write(put("a", "v"))
    change = "UPDATE setting SET value = 'v' WHERE name = ?"
    assert await database.write(lambda c: c.change(change, ("a",))) == 1
    assert await database.write(lambda c: c.change(change, ("nobody",))) == 0


async def test_insert_ignore_passes_over_duplicates_and_nothing_else(open_mysql, mysql_target):
    database = await open_mysql(mysql_target)
    sql = database.dialect.insert_ignore("setting", ("name", "value"))
    with pytest.raises(StoreError, match="TRUNCATED, name"):
        await database.write(lambda c: c.change(sql, ("x" * 100, "v")))
    assert await database.read(names) == set()


async def test_errors_quote_no_value(open_mysql, mysql_target):
    database = await open_mysql(mysql_target)
    await database.write(put("secret-name"))
    with pytest.raises(UniqueViolation) as taken:
        await database.write(put("secret-name"))
    with pytest.raises(StoreError) as wrong:
        await database.write(lambda c: c.change("INSERT INTO setting VALUES ('secret-name', 'x',)"))
    with pytest.raises(StoreError) as kind:
        await database.write(lambda c: c.change("INSERT INTO relation VALUES ('a', 'b', 'secret-name')"))
    for caught in (taken, wrong, kind):
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None


async def test_the_wrong_number_of_parameters_is_a_store_error(open_mysql, mysql_target):
    database = await open_mysql(mysql_target)
    with pytest.raises(StoreError, match="parameters"):
        await database.read(lambda c: c.execute("SELECT ?", (1, 2)))


# In each other's way


async def test_works_that_deadlock_are_both_done(open_mysql, mysql_target):
    one, other = await open_mysql(mysql_target), await open_mysql(mysql_target)
    await one.write(lambda c: c.insert_many("setting", ("name", "value"), [("a", "0"), ("b", "0")]))
    meeting = threading.Barrier(2)
    runs = []

    def add(first, second):
        def work(connection):
            runs.append(first)
            connection.change("UPDATE setting SET value = value + 1 WHERE name = ?", (first,))
            if len(runs) <= 2:
                meeting.wait(5)
            connection.change("UPDATE setting SET value = value + 1 WHERE name = ?", (second,))

        return work

    await asyncio.gather(one.write(add("a", "b"), concurrent=True), other.write(add("b", "a"), concurrent=True))
    rows = await one.read(lambda c: c.execute("SELECT value FROM setting WHERE name IN ('a', 'b')"))
    assert rows == [("2",), ("2",)]
    assert len(runs) == 3, "one of them was run again"


async def test_a_row_locked_by_somebody_else_for_ever_is_a_retryable_error(open_mysql, mysql_target):
    patience = replace(mysql_target.patience, lock=1.0)
    database = await open_mysql(replace(mysql_target, patience=patience))
    await database.write(put("a"))
    holder = MysqlConnection(mysql_target, isolation="READ COMMITTED")
    holder.begin()
    holder.change("UPDATE setting SET value = 'held' WHERE name = 'a'")
    monkey = pytest.MonkeyPatch()
    monkey.setattr("services.stores.mysql.writer._REPETITIONS", 1)
    try:
        with pytest.raises(StoreError, match="in the way") as caught:
            await database.write(lambda c: c.change("UPDATE setting SET value = 'mine' WHERE name = 'a'"))
        assert caught.value.retryable
        assert await database.write(put("b")) == 1
    finally:
        monkey.undo()
        holder.rollback()
        holder.close()


async def test_a_statement_that_takes_too_long_is_broken_off(open_mysql, mysql_target):
    patience = replace(mysql_target.patience, statement=0.3)
    database = await open_mysql(replace(mysql_target, patience=patience))
    with pytest.raises(StoreError, match="too long") as caught:
        await database.read(lambda c: c.execute("SELECT SLEEP(20), count(*) FROM setting"))
    assert caught.value.retryable
    assert await database.read(names) == set()


async def test_too_many_waiting_works_are_refused_at_once(open_mysql, mysql_target):
    database = await open_mysql(mysql_target, write_limit=10)
    gate = threading.Event()
    blocked = asyncio.create_task(database.write(lambda _: gate.wait(10)))
    await asyncio.sleep(0.1)
    tasks = [asyncio.create_task(database.write(put(f"k{number}"))) for number in range(30)]
    await asyncio.sleep(0.1)
    gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [result for result in results if isinstance(result, StoreError)]
    assert len(refused) == 20
    assert all("overloaded" in str(error) and error.retryable for error in refused)
    await blocked


# A server that goes away


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


# Addresses, names and encryption


async def test_addresses_are_tried_in_turn(open_mysql, mysql_target):
    nobody = ("127.0.0.1", free_ports(1)[0])
    database = await open_mysql(replace(mysql_target, addresses=(nobody, *mysql_target.addresses)))
    assert await database.write(put("a")) == 1


async def test_a_server_that_is_read_only_is_left_until_one_takes_writes(open_mysql, own_server, own_target):
    run = own_server.run  # as a user who may write all the same
    run("CREATE USER chat@'127.0.0.1' IDENTIFIED BY 'pw'", f"GRANT ALL ON {own_target.database}.* TO chat@'127.0.0.1'")
    target = replace(own_target, access=Access("chat", "pw"), addresses=own_target.addresses * 2)
    try:
        run("SET GLOBAL read_only = ON")
        with pytest.raises(StoreError, match=r"read-only now.*read-only now"):
            await open_mysql(replace(target, patience=replace(target.patience, reconnect=0.2)))
        run("SET GLOBAL read_only = OFF")
        database = await open_mysql(replace(target, patience=replace(target.patience, reconnect=10.0)))
        await database.write(put("a"))
        run("SET GLOBAL read_only = ON")
        writing = asyncio.create_task(database.write(put("b")))
        await asyncio.sleep(0.3)
        assert not writing.done()
        run("SET GLOBAL read_only = OFF")
        assert await writing == 1
        assert await database.read(names) == {"a", "b"}
    finally:
        run("SET GLOBAL read_only = OFF", "DROP USER chat@'127.0.0.1'")


async def test_a_wrong_password_is_told_and_not_tried_again(mysql_target):
    wrong = replace(mysql_target, access=Access(mysql_target.access.username, "not-the-password"))
    with pytest.raises(StoreError, match="CHATSYSTEM_DATABASE_PASSWORD_FILE") as caught:
        await MysqlDatabase.open(wrong)
    assert not caught.value.retryable
    assert "not-the-password" not in str(caught.value)


async def test_the_rights_that_the_manual_names_are_enough(open_mysql, mysql):
    manual = (Path(__file__).parents[2] / "docs/operations/stores.md").read_text()
    rights = re.search(r"^GRANT (.*) ON chen_im", manual, re.MULTILINE)[1]
    with mysql.database(migrated=False) as target:
        mysql.run(
            "CREATE USER few@'127.0.0.1' IDENTIFIED BY 'pw'",
            f"GRANT {rights} ON {target.database}.* TO few@'127.0.0.1'",
        )
        try:
            limited = replace(target, access=Access("few", "pw"))
            migrate(limited, load(sql_directory() / "mysql"))
            database = await open_mysql(limited)
            assert await database.write(put("a")) == 1
            await database.close()
        finally:
            mysql.run("DROP USER few@'127.0.0.1'")


async def test_a_database_that_does_not_exist_is_told(mysql_target):
    with pytest.raises(StoreError, match="does not exist"):
        await MysqlDatabase.open(replace(mysql_target, database="nowhere"))


async def test_a_password_may_hold_any_character(open_mysql, mysql, mysql_target):
    password = "pa'ss 密码 \\" + secrets.token_urlsafe(4)
    quoted = password.replace("\\", "\\\\").replace("'", "\\'")
    mysql.run(
        f"CREATE USER odd@'127.0.0.1' IDENTIFIED BY '{quoted}'",
        f"GRANT ALL ON {mysql_target.database}.* TO odd@'127.0.0.1'",
    )
    try:
        database = await open_mysql(replace(mysql_target, access=Access("odd", password)))
        await database.ping()
    finally:
        mysql.run("DROP USER odd@'127.0.0.1'")


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory):
    """A server with a certificate of an authority of its own, and that authority's file."""
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")  # fmt: skip
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=db",
            "-keyout", "server.key", "-out", "server.csr")  # fmt: skip
    (folder / "names").write_text("subjectAltName = IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2",
            "-extfile", "names", "-out", "server.pem")  # fmt: skip
    server = MariaDB(folder / "mariadb", [f"--ssl-cert={folder / 'server.pem'}", f"--ssl-key={folder / 'server.key'}"])
    server.start()
    yield server, folder / "ca.pem"
    server.process.stop()


async def test_tls_with_an_authority_of_ones_own(open_mysql, encrypted):
    server, authority = encrypted
    with server.database() as target:
        access = replace(target.access, tls=Tls(str(authority)))
        database = await open_mysql(replace(target, access=access))
        rows = await database.read(lambda c: c.execute("SHOW STATUS LIKE 'Ssl_cipher'"))
        assert rows[0][1]
        await database.close()


async def test_a_certificate_of_an_unknown_authority_is_refused(encrypted):
    server, _ = encrypted
    target = server.target("mysql")
    with pytest.raises(StoreError, match="certificate"):
        await MysqlDatabase.open(
            replace(target, access=replace(target.access, tls=Tls()), patience=Patience(reconnect=0.2))
        )


async def test_tls_is_never_given_up_for_a_server_without_it(mysql_target):
    with pytest.raises(StoreError, match="offers no TLS") as caught:
        await MysqlDatabase.open(replace(mysql_target, access=replace(mysql_target.access, tls=Tls(verify=False))))
    assert not caught.value.retryable


def test_what_is_there_already_is_told_apart_for_the_migrator(mysql_target):
    connection = MysqlConnection(mysql_target, isolation="READ COMMITTED")
    connection.open()
    with pytest.raises(SchemaConflictError, match="setting"):
        connection.change("CREATE TABLE setting (name INTEGER)")
    connection.close()


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
