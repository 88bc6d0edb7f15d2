"""Transactions that change something: works that wait together share one commit, each behind a savepoint of its own.

What an InnoDB transaction may meet and SQLite's never does: the server undoes it in favour of another one (deadlock), or
the connection is lost. Both are repeated here, because works may run more than once. What is never repeated is a
transaction whose COMMIT was sent and not answered: whether it is done is not known, and the caller is told so.
"""

from __future__ import annotations

import logging
import random
import time
from collections import deque
from collections.abc import Callable

from services.stores.connection_pools import CONNECTION, DEADLOCK
from services.stores.mysql.connection import MysqlConnection
from services.stores.mysql.errors import ConnectionLostError, TransactionLostError
from services.stores.mysql.target import Target
from services.stores.mysql.threads import Done, Job
from services.stores.ports import StoreError

log = logging.getLogger(__name__)

LARGEST_GROUP = 128
"""Works of one commit at most: the more they are, the more rows stay locked for the others' sake."""
_REPETITIONS = 12
"""How often one work is begun again because others were in its way."""
_PAUSE = 0.002
"""Seconds before the first repetition; it doubles, and is drawn at random so that two do not meet again."""
_LONGEST_PAUSE = 0.1
_RECONNECT_PAUSE = 0.1


class _UnknownError(Exception):
    """The connection was lost after COMMIT had been sent."""


class WriteWorker:
    """One connection's transactions. `isolation` is their level."""

    def __init__(self, target: Target, isolation: str) -> None:
        self._connection = MysqlConnection(target, isolation=isolation)
        self._patience = target.patience.reconnect
        self._began = 0.0
        """Monotonic seconds at which the transaction began that was last tried."""

    def run(self, jobs: list[Job], done: Done, repeated: Callable[[str], None]) -> None:
        groups = deque([jobs])
        while groups:
            group = groups.popleft()
            try:
                if not self._group(group, repeated):
                    # Shorter transactions get along with others better, and one work takes no other down with it.
                    groups.extendleft([job] for job in reversed(group))
                    continue
            except Exception as error:  # whatever it is, callers must not wait for ever
                log.exception("a transaction failed in a way that is not foreseen")
                self._connection.rollback()
                for job in group:
                    job.error = job.error or error
            done(group, time.monotonic() - self._began)

    def close(self) -> None:
        self._connection.close()

    def _group(self, jobs: list[Job], repeated: Callable[[str], None]) -> bool:
        """Sets every job's result or error. False: the server undid the transaction of several, so each is to have its own."""
        repetitions = 0
        deadline: float | None = None
        while True:
            self._began = time.monotonic()
            try:
                self._transaction(jobs)
            except TransactionLostError as error:
                repetitions += 1
                if repetitions > _REPETITIONS:
                    return _fail(jobs, StoreError(f"{error}, {repetitions} times in a row"))
                repeated(DEADLOCK)
                if len(jobs) > 1:
                    return False
                time.sleep(random.uniform(0.5, 1.0) * min(_LONGEST_PAUSE, _PAUSE * 2**repetitions))  # noqa: S311
            except ConnectionLostError as error:
                now = time.monotonic()
                deadline = deadline or now + self._patience
                if now >= deadline:
                    return _fail(jobs, StoreError(str(error)))
                repeated(CONNECTION)
                time.sleep(_RECONNECT_PAUSE)
            except _UnknownError:
                text = "the connection to the database was lost during a commit: it is not known whether the change was stored"
                return _fail(jobs, StoreError(text))
            except StoreError as error:
                return _fail(jobs, error)
            else:
                return True

    def _transaction(self, jobs: list[Job]) -> None:
        """Raises TransactionLostError, ConnectionLostError (nothing is done), _UnknownError, StoreError (of COMMIT)."""
        connection = self._connection
        try:
            connection.begin()
            for job in jobs:
                self._work(job, alone=len(jobs) == 1)
            if not connection.in_transaction:
                return
            try:
                connection.commit()
            except ConnectionLostError as error:
                raise _UnknownError from error
        except BaseException:
            connection.rollback()
            raise

    def _work(self, job: Job, *, alone: bool) -> None:
        connection = self._connection
        job.result = job.error = None
        if not alone:
            connection.savepoint()
        try:
            job.result = job.work(connection)
        except Exception as error:  # noqa: BLE001 - raised to the work's caller
            job.error = error
        if connection.lost is not None:
            raise connection.lost
        if job.error is not None:
            if alone:
                connection.rollback()
            else:
                connection.undo()


def _fail(jobs: list[Job], error: StoreError) -> bool:
    for job in jobs:
        job.error = error
    return True
