"""A MariaDB server of its own data directory, or the MySQL server that CHATSYSTEM_TEST_MYSQL_URL names.

The variable is `mysql://name:password@host:port`; its user may create and drop databases. Tests that stop the server start
one of their own.
"""

from __future__ import annotations

import atexit
import functools
import getpass
import itertools
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql
import pytest
import pytest_asyncio

from services.stores.access import Access
from services.stores.migrate import load, sql_directory
from services.stores.mysql.database import MysqlDatabase
from services.stores.mysql.migrator import migrate
from services.stores.mysql.target import Patience, Target
from tests.testbed.process import Process, free_ports, wait_for

_serial = itertools.count()

BRIEF = Patience(connect=2.0, statement=10.0, lock=3.0, reconnect=3.0)


class Server:
    """Where a server is, and who may do everything on it."""

    def __init__(self, host: str, port: int, username: str, password: str) -> None:
        self.host, self.port = host, port
        self.access = Access(username, password)

    def connect(self, database: str | None = None) -> pymysql.Connection:
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.access.username,
            password=self.access.password.encode(),
            database=database,
            autocommit=True,
            init_command="SET lock_wait_timeout = 10",  # a test that left a transaction open fails instead of hanging
            ssl_disabled=True,
        )

    def run(self, *statements: str, database: str | None = None) -> list[tuple]:
        """Runs statements and returns the rows of the last one."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def target(self, database: str, patience: Patience = BRIEF) -> Target:
        return Target(((self.host, self.port),), database, self.access, patience)

    @contextmanager
    def database(self, *, migrated: bool = True) -> Iterator[Target]:
        """A new database, dropped in the end."""
        name = f"chen_im_{os.getpid()}_{next(_serial)}"
        self.run(f"CREATE DATABASE {name}")
        try:
            if migrated:
                migrate(self.target(name), load(sql_directory() / "mysql"))
            yield self.target(name)
        finally:
            self.run(f"DROP DATABASE {name}")

    def empty(self, target: Target) -> None:
        """Back to what `database` gave, which is quicker than a new one. Nobody may be using it."""
        connection = self.connect(target.database)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
                " AND table_name <> 'schema_migration'"
            )
            for (table,) in cursor.fetchall():
                if cursor.execute(f"SELECT 1 FROM `{table}` LIMIT 1"):
                    cursor.execute(f"TRUNCATE `{table}`")
        connection.close()


class MariaDB(Server):
    """A server that a test may stop and start. `options` are further ones of mariadbd."""

    def __init__(self, directory: Path, options: Sequence[str] = ()) -> None:
        assert shutil.which("mariadbd", path=_PATH), "mariadb-server is not installed: requirements/install.sh dev"
        super().__init__("127.0.0.1", free_ports(1)[0], "chatsystem", secrets.token_urlsafe(24))
        directory.mkdir(parents=True, exist_ok=True)
        # A socket's path has to be short; the server also writes its temporary files here.
        common = ["--no-defaults", f"--datadir={directory / 'data'}", f"--user={getpass.getuser()}"]
        subprocess.run(
            [
                "mariadb-install-db",
                *common,
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-log-bin",
            ],
            check=True,
            capture_output=True,
            env={**os.environ, "PATH": _PATH},
        )
        setup = directory / "setup.sql"
        setup.touch(mode=0o600)
        setup.write_text(
            "DROP USER IF EXISTS root@localhost;\n"
            f"CREATE OR REPLACE USER chatsystem@'127.0.0.1' IDENTIFIED BY '{self.access.password}';\n"
            "GRANT ALL ON *.* TO chatsystem@'127.0.0.1' WITH GRANT OPTION;\n"
        )
        command = [
            str(shutil.which("mariadbd", path=_PATH)),
            *common,
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            f"--socket={directory / 's'}"[:100],
            f"--pid-file={directory / 'pid'}",
            f"--init-file={setup}",
            "--innodb-flush-log-at-trx-commit=1",
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=32M",
            "--skip-name-resolve",
            "--performance-schema=OFF",
            # Nothing of ours may rest on the server's own character set.
            "--character-set-server=latin1",
            *options,
        ]
        self.process = Process("mariadb", command, directory / "mariadb.log", dict(os.environ))

    def start(self) -> None:
        self.process.start()
        wait_for(self.answers, 30.0, f"mariadb answers\n{self.process.output()[-2000:]}", pause=0.02)

    def answers(self) -> bool:
        assert self.process.running, self.process.output()[-3000:]
        try:
            self.connect().close()
        except pymysql.Error:
            return False
        return True


_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


@functools.cache
def shared_server() -> Server:
    """One for the whole run, started when it is first asked for."""
    if named := os.environ.get("CHATSYSTEM_TEST_MYSQL_URL"):
        parts = urlsplit(named)
        username, password = unquote(parts.username or ""), unquote(parts.password or "")
        return Server(str(parts.hostname), parts.port or 3306, username, password)
    directory = Path(tempfile.mkdtemp(prefix="mariadb-"))
    server = MariaDB(directory)
    server.start()
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    atexit.register(server.process.stop)
    return server


_free: list[Target] = []


@contextmanager
def clean_database() -> Iterator[Target]:
    """A database of the shared server with the schema and nothing in it. Databases are used again: that is quicker."""
    server = shared_server()
    if _free:
        target = _free.pop()
        server.empty(target)
    else:
        # Dropped when the run ends, before the server is stopped.
        opened = ExitStack()
        target = opened.enter_context(server.database())
        atexit.register(opened.close)
    yield target
    _free.append(target)


@pytest.fixture
def mysql() -> Server:
    """The shared server."""
    return shared_server()


@pytest.fixture
def mysql_target() -> Iterator[Target]:
    with clean_database() as target:
        yield target


@pytest_asyncio.fixture
async def open_mysql() -> AsyncIterator[Callable[..., Awaitable[MysqlDatabase]]]:
    """Opens databases, and closes them after the test."""
    opened: list[MysqlDatabase] = []

    async def open_one(target: Target, **options: Any) -> MysqlDatabase:
        opened.append(await MysqlDatabase.open(target, **options))
        return opened[-1]

    yield open_one
    for database in opened:
        await database.close()


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """A server that tests may stop; every test leaves it running."""
    server = MariaDB(tmp_path_factory.mktemp("own-mariadb"))
    server.start()
    yield server
    server.process.stop()


@pytest.fixture
def own_target(own_server: MariaDB) -> Iterator[Target]:
    with own_server.database() as target:
        yield target
