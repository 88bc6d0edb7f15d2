"""Opens connections: the addresses in turn, encryption, and the settings that every session of ours has.

The settings are pinned here and not left to the server's configuration, because the adapter rests on them: how literals
are read (SQL mode, character set), what a changed row is (FOUND_ROWS: a row that already had the values counts, as in
SQLite), and that one text may hold several statements, which saves a round trip where a transaction begins.
"""

from __future__ import annotations

from typing import Any

import pymysql
from pymysql.constants import CLIENT, CR

from services.stores.access import Address
from services.stores.mysql.errors import ConnectionLostError, code_of, translate
from services.stores.mysql.target import DEFAULT_USERNAME, Target
from services.stores.ports import StoreError

_SQL_MODE = "STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
_GRACE = 5.0
"""Seconds after the statement's own time-out until the server counts as silent."""
OLDEST = {"MySQL": (8, 0, 17), "MariaDB": (10, 6, 0)}


def connect(target: Target, isolation: str, first: int = 0) -> tuple[Any, int]:
    """A connection to the first address that takes writes, beginning with number `first`, and that address's number.

    `isolation` is the level of the session's transactions. Raises StoreError with what was wrong with every address,
    ConnectionLostError if another attempt may succeed.
    """
    problems: list[str] = []
    final = False
    count = len(target.addresses)
    for number in ((first + offset) % count for offset in range(count)):
        host, port = target.addresses[number]
        try:
            return _open(target, (host, port), isolation), number
        except StoreError as error:
            problems.append(f"{host}:{port}: {error}")
            final = final or not error.retryable
    text = "the database cannot be reached: " + "; ".join(problems)
    raise StoreError(text, retryable=False) if final else ConnectionLostError(text)


def dial(target: Target, address: Address) -> Any:
    """A connection to this address, as the library gives it. Raises pymysql.Error, and StoreError for certificates that cannot be
    used."""
    access, patience = target.access, target.patience
    return pymysql.connect(
        host=address[0],
        port=address[1],
        user=access.username or DEFAULT_USERNAME,
        # The driver would encode it as Latin-1.
        password=access.password.encode(),
        database=target.database,
        charset="utf8mb4",
        sql_mode=_SQL_MODE,
        autocommit=True,  # outside transactions, which begin and end by statements
        client_flag=CLIENT.FOUND_ROWS | CLIENT.MULTI_STATEMENTS,
        connect_timeout=patience.connect,
        read_timeout=patience.statement + _GRACE,
        write_timeout=patience.statement + _GRACE,
        local_infile=False,
        ssl=access.tls.context() if access.tls is not None else None,
        ssl_disabled=access.tls is None,
    )


def _open(target: Target, address: Address, isolation: str) -> Any:
    try:
        raw = dial(target, address)
    except pymysql.Error as error:
        if code_of(error) in {CR.CR_CONN_HOST_ERROR, CR.CR_SERVER_LOST, CR.CR_SERVER_GONE_ERROR}:
            raise ConnectionLostError(_unreachable(error)) from None
        if code_of(error) == CR.CR_SSL_CONNECTION_ERROR:
            raise StoreError("it offers no TLS, which CHATSYSTEM_DATABASE_TLS asks for", retryable=False) from None
        raise translate(error) from None
    try:
        _prepare(raw, target, isolation)
    except pymysql.Error as error:
        _drop(raw)
        raise translate(error) from None
    except BaseException:
        _drop(raw)
        raise
    return raw


def _unreachable(error: pymysql.Error) -> str:
    cause = getattr(error, "original_exception", None)
    return f"no connection ({cause or error.args[-1]})"


def _prepare(raw: Any, target: Target, isolation: str) -> None:
    server, version = server_of(raw.get_server_info())
    if version < OLDEST[server]:
        needed = ".".join(map(str, OLDEST[server]))
        raise StoreError(f"{server} {raw.get_server_info()} is too old; {needed} or later is needed", retryable=False)
    patience = target.patience
    limit = (
        f"max_statement_time = {patience.statement:g}"
        if server == "MariaDB"
        else f"max_execution_time = {int(patience.statement * 1000)}"  # of reads alone, which is all that MySQL has
    )
    with raw.cursor() as cursor:
        cursor.execute(f"SET SESSION {limit}, innodb_lock_wait_timeout = {max(1, round(patience.lock))}")
        cursor.execute(f"SET SESSION TRANSACTION ISOLATION LEVEL {isolation}")
        cursor.execute("SELECT @@GLOBAL.read_only")
        if cursor.fetchone()[0]:
            raise ConnectionLostError("it is read-only now")


def server_of(info: str) -> tuple[str, tuple[int, ...]]:
    """Which server it is, and its version, from what it says in its greeting."""
    if "mariadb" in info.lower():
        number = info.removeprefix("5.5.5-").partition("-")[0]
        return "MariaDB", _version(number)
    return "MySQL", _version(info.partition("-")[0])


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:3] if part.isdigit())


def _drop(raw: Any) -> None:
    if raw.open:
        raw.close()
