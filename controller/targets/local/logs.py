"""The output of processes: files that they append to, rotated and read here.

Rotation copies and truncates: the process keeps its file open (in append mode, so that it goes on at the new end) and needs
no process beside it. What is written between the copy and the truncation is lost; that is the price.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

BLOCK = 256 * 1024
POLL = 0.2


def open_log(path: Path) -> int:
    """A descriptor to append to."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def rotate(path: Path, max_size: int, max_files: int) -> bool:
    """Rotates if the file is larger than `max_size` bytes. `max_files` counts the current one too."""
    try:
        if path.stat().st_size <= max_size:
            return False
    except FileNotFoundError:
        return False
    for number in range(max_files - 1, 1, -1):
        older = path.with_name(f"{path.name}.{number - 1}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number}"))
    if max_files > 1:
        shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    os.truncate(path, 0)
    surplus = max_files
    while (extra := path.with_name(f"{path.name}.{surplus}")).exists():
        extra.unlink()
        surplus += 1
    return True


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines of the file, as far as its last 256 KiB hold them."""
    return _last(path, count)[0]


def last_words(path: Path, count: int = 3, longest: int = 200) -> str:
    """The end of a log for a sentence in a status."""
    lines = [line.strip() for line in last_lines(path, 20) if line.strip()]
    return " | ".join(line[:longest] for line in lines[-count:])


def _last(path: Path, count: int) -> tuple[list[str], int]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - BLOCK, 0))
            data = file.read(BLOCK)
    except OSError:
        return [], 0
    # A line that is still being written belongs to what comes next.
    whole = data.rfind(b"\n") + 1 if b"\n" in data else len(data)
    lines = data[:whole].decode("utf-8", "replace").splitlines()
    return (lines[-count:] if count > 0 else []), max(size - len(data), 0) + whole


def _more(path: Path, position: int) -> tuple[list[str], int]:
    try:
        size = path.stat().st_size
        if size < position:
            position = 0  # It was rotated.
        if size == position:
            return [], position
        with path.open("rb") as file:
            file.seek(position)
            data = file.read(BLOCK)
    except OSError:
        return [], position
    whole = data.rfind(b"\n") + 1
    if not whole and len(data) == BLOCK:
        whole = BLOCK
    return data[:whole].decode("utf-8", "replace").splitlines(), position + whole


async def read(files: Callable[[], Iterable[Path]], *, follow: bool, tail: int) -> AsyncIterator[tuple[str, str]]:
    """Yields (name of the log, line). `files` is asked again while following: instances come and go."""
    positions: dict[Path, int] = {}
    for path in files():
        lines, positions[path] = _last(path, tail)
        for line in lines:
            yield path.stem, line
    while follow:
        await asyncio.sleep(POLL)
        for path in files():
            lines, positions[path] = _more(path, positions.get(path, 0))
            for line in lines:
                yield path.stem, line
