"""One connection, and the transactions on it: statements in, rows out, errors in the words of the ports.

A transaction begins with its first statement, in the same round trip; one without statements costs nothing. The connection
is opened when it is needed and again after it was lost. It belongs to one thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pymysql

from services.stores.mysql.connect import connect
from services.stores.mysql.dialect import INSERT_IGNORE, MysqlDialect
from services.stores.mysql.errors import ConnectionLostError, TransactionLostError, translate
from services.stores.mysql.literals import LARGEST_STATEMENT, filled, inserts
from services.stores.mysql.target import Target
from services.stores.ports import Dialect, Row, StoreError

_DUPLICATE = 1062


class MysqlConnection:
    """See services.stores.ports.Connection. `isolation` is the level of its transactions, `begin` the statement that
    begins one."""

    def __init__(self, target: Target, *, isolation: str, begin: str = "START TRANSACTION") -> None:
        self.dialect: Dialect = MysqlDialect()
        self._target = target
        self._isolation = isolation
        self._begin = begin
        self._address = 0
        self._raw: Any = None
        self._cursor: Any = None
        self._due: list[str] = []
        """Sent before the next statement."""
        self._gathered: list[str] | None = None
        """Inside `together`: what is not sent yet."""
        self.lost: StoreError | None = None
        """Why the transaction under way cannot go on, whatever its work made of the exception."""
        self.in_transaction = False

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        self._send_gathered()
        self._run(self._filled(sql, parameters))
        return list(self._cursor.fetchall())

    def change(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        if self._gathered is not None and not sql.startswith(INSERT_IGNORE):
            self._gather(self._filled(sql, parameters))
            return 0
        self._send_gathered()
        self._run(self._filled(sql, parameters))
        if self._cursor.warning_count and sql.startswith(INSERT_IGNORE):
            return self._ignored(self._cursor.rowcount)
        return int(self._cursor.rowcount)

    def insert_many(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        for sql in inserts(table, columns, rows):
            if self._gathered is not None:
                self._gather(sql)
            else:
                self._run(sql)

    @contextmanager
    def together(self) -> Iterator[None]:
        self._gathered = []
        try:
            yield
            self._send_gathered()
        finally:
            self._gathered = None

    def open(self) -> None:
        """Connects if need be; statements outside a transaction are then committed each by itself.
        Raises ConnectionLostError, StoreError."""
        self.lost = None
        if self._raw is None or not self._raw.open:
            self._raw, self._address = connect(self._target, self._isolation, self._address)
            self._cursor = self._raw.cursor()

    def begin(self) -> None:
        """Connects if need be. Raises ConnectionLostError, StoreError."""
        self.open()
        self._due = [self._begin]
        self.in_transaction = True

    def savepoint(self) -> None:
        """From here on `undo` undoes. A further one takes its place."""
        self._due.append("SAVEPOINT work")

    def undo(self) -> None:
        """Undoes what was done since `savepoint`."""
        if self._due and self._due[-1] == "SAVEPOINT work":
            self._due.pop()
        else:
            self._due.append("ROLLBACK TO SAVEPOINT work")

    def commit(self) -> None:
        """Raises StoreError; whether it is done is unknown if that is a ConnectionLostError."""
        if self._begin in self._due:
            self._due.clear()
        else:
            self._run("COMMIT")
        self.in_transaction = False

    def rollback(self) -> None:
        """Ends the transaction, if there is one. Never fails: a connection that does not answer is given up."""
        self.lost = None
        if self.in_transaction and self._begin not in self._due and self._raw is not None and self._raw.open:
            self._due.clear()
            with suppress(StoreError):
                self._run("ROLLBACK")
        self._due.clear()
        self.in_transaction = False

    def close(self) -> None:
        if self._raw is not None and self._raw.open:
            self._raw.close()
        self._raw = None

    def _filled(self, sql: str, parameters: Sequence[Any]) -> str:
        try:
            return filled(sql, parameters)
        except ValueError as error:
            raise StoreError(f"a statement was not understood: {error}", retryable=False) from None

    def _gather(self, sql: str) -> None:
        assert self._gathered is not None  # noqa: S101 - asked by who calls
        if sum(map(len, self._gathered)) + len(sql) > LARGEST_STATEMENT:
            self._send_gathered()
        self._gathered.append(sql)

    def _send_gathered(self) -> None:
        if self._gathered:
            statements, self._gathered = self._gathered, []
            self._run(*statements)

    def _run(self, *statements: str) -> None:
        if self.lost is not None:
            raise self.lost
        texts = [*self._due, *statements]
        # Encoded before anything counts as sent: a text that cannot be is the fault of this statement alone.
        text = "; ".join(texts).encode()
        self._due.clear()
        try:
            self._cursor.execute(text)
            for _ in texts[1:]:
                self._cursor.nextset()
        except pymysql.Error as error:
            raise self._failed(translate(error)) from None
        except (OSError, ValueError, IndexError) as error:  # an answer that is none: out of step with the server
            raise self._failed(ConnectionLostError(f"the database's answer was not understood: {error}")) from None

    def _failed(self, error: Exception) -> Exception:
        if isinstance(error, TransactionLostError | ConnectionLostError):
            self.lost = error
            if isinstance(error, ConnectionLostError):
                self._address += 1
                with suppress(pymysql.Error):
                    self.close()
        return error

    def _ignored(self, inserted: int) -> int:
        for row in self.execute("SHOW WARNINGS"):
            if row[1] != _DUPLICATE:
                raise translate(pymysql.err.DataError(row[1], row[2])) from None
        return inserted
