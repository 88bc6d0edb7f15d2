"""Which controller drives a system: the one that holds the lock on its file. The kernel lets go of it when that one dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


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
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
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
