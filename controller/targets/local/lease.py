"""Which controller drives a system: the one that holds the lock on its file. The kernel lets go of it when that one dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

LOOK = 0.2
"""Seconds for which looks at a lock may follow each other."""


class Lease:
    """The locks that this process holds."""

    def __init__(self) -> None:
        self._held: dict[Path, int] = {}

    def acquire(self, path: Path) -> bool:
        """Takes the lock unless another process has it. Taking it again changes nothing."""
        if path in self._held:
            return True
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _take(descriptor):
                os.close(descriptor)
                return False
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        except OSError:
            os.close(descriptor)  # On a full disk, say: a lock that is forgotten would shut out this process, too.
            raise
        self._held[path] = descriptor
        return True

    def holds(self, path: Path) -> bool:
        return path in self._held

    def release(self, path: Path) -> None:
        # The file stays: removing it would let two processes lock two files of one name.
        descriptor = self._held.pop(path, None)
        if descriptor is not None:
            os.ftruncate(descriptor, 0)
            os.close(descriptor)


@contextlib.contextmanager
def exclusively(path: Path) -> Iterator[None]:
    """Waits for the lock on the file and holds it for the block: for work of milliseconds."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    """Locks the file. Whoever only looks at the lock holds it shared for an instant, and is waited for."""
    until = time.monotonic() + LOOK
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until or not _is_only_looked_at(descriptor):
                return False
            time.sleep(0.001)
        else:
            return True


def _is_only_looked_at(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def holder(path: Path) -> int | None:
    """The process id of whoever holds the lock; None if nobody does."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        with contextlib.suppress(ValueError):
            return int(os.pread(descriptor, 32, 0) or b"0") or None
        return None
    finally:
        os.close(descriptor)
    return None
