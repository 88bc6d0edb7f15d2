"""Reads: each sees one state of the database, and is done again if the connection is lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from services.stores.connection_pools import CONNECTION, DEADLOCK
from services.stores.mysql.connection import MysqlConnection
from services.stores.mysql.errors import ConnectionLostError, TransactionLostError
from services.stores.mysql.target import Target
from services.stores.mysql.threads import Done, Job
from services.stores.ports import StoreError

log = logging.getLogger(__name__)

_RECONNECT_PAUSE = 0.05


class ReadWorker:
    """One connection's reads. The snapshot is taken by a read's first statement."""

    def __init__(self, target: Target) -> None:
        self._connection = MysqlConnection(target, isolation="REPEATABLE READ", begin="START TRANSACTION READ ONLY")
        self._patience = target.patience.reconnect

    def run(self, jobs: list[Job], done: Done, repeated: Callable[[str], None]) -> None:
        for job in jobs:
            began = time.monotonic()
            try:
                self._read(job, repeated)
            except Exception as error:  # noqa: BLE001 - raised to the work's caller
                job.error = error
            done([job], time.monotonic() - began)  # before the transaction ends: the caller need not wait for that
            self._connection.rollback()

    def close(self) -> None:
        self._connection.close()

    def _read(self, job: Job, repeated: Callable[[str], None]) -> None:
        connection = self._connection
        deadline: float | None = None
        while True:
            lost: StoreError | None = None
            try:
                connection.begin()
                job.result = job.work(connection)
            except ConnectionLostError as error:
                lost = error
            except Exception:
                if connection.lost is None:
                    raise
            lost = connection.lost or lost
            if lost is None:
                return
            connection.rollback()
            deadline = deadline or time.monotonic() + self._patience
            if time.monotonic() >= deadline:
                raise StoreError(str(lost))
            repeated(DEADLOCK if isinstance(lost, TransactionLostError) else CONNECTION)
            if not isinstance(lost, TransactionLostError):
                time.sleep(_RECONNECT_PAUSE)
