"""The declarations of this machine: files in the state directory. Any number of processes may use it at once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from controller.engine.model import Event, Revision, Verdict
from controller.engine.ports import Stored
from controller.targets.local.atomic import read_as, read_json, write_bytes, write_json
from controller.targets.local.layout import StateDir, is_name
from controller.targets.local.lease import exclusively

POLL = 0.1
"""Seconds between two looks at the declarations."""
EVENTS_KEPT = 500
EVENTS_SIZE = 256 * 1024
HISTORY = 10
_REVISION = TypeAdapter(Revision)


class LocalStore:
    """Implements SystemStore on a state directory."""

    def __init__(self, state: StateDir) -> None:
        self._state = state

    async def names(self) -> list[str]:
        return sorted(self._signatures())

    async def get(self, name: str) -> Stored | None:
        return self._read(name)

    async def put(self, document: Mapping[str, Any], *, author: str) -> Stored:
        name = str(document["metadata"]["name"])
        paths = self._state.system(name)
        with self._exclusive(name):
            before = _parts(read_json(paths.declaration))
            same = before["document"].get("spec") == document.get("spec")
            kept = {
                "document": document,
                "generation": before["generation"] + (0 if same else 1),
                "author": author,
                "paused": before.get("paused", False),
                "deleting": False,
            }
            if {**before, "author": author} != kept:
                write_json(paths.declaration, kept, durable=True)
        stored = self._read(name)
        assert stored is not None  # noqa: S101 - it was just written
        return stored

    async def set_paused(self, name: str, paused: bool) -> None:
        self._mark(name, paused=paused)

    async def mark_deleted(self, name: str) -> None:
        self._mark(name, deleting=True)

    async def guard(self, stored: Stored) -> None:
        """A deletion mark waits for the loop anyway."""

    async def remove(self, name: str) -> None:
        paths = self._state.system(name)
        for path in (paths.declaration, paths.status, paths.events):
            path.unlink(missing_ok=True)
        shutil.rmtree(paths.revisions, ignore_errors=True)
        with contextlib.suppress(OSError):
            paths.root.rmdir()  # Only if nothing is kept in it.

    async def write_status(self, name: str, status: Mapping[str, Any]) -> None:
        paths = self._state.system(name)
        if read_json(paths.status) != status and paths.declaration.exists():
            write_json(paths.status, status)

    async def record_event(self, name: str, event: Event) -> None:
        path = self._state.system(name).events
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        line = json.dumps(asdict(event), ensure_ascii=False).encode() + b"\n"
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line)
            size = os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)
        if size > EVENTS_SIZE:
            lines = path.read_bytes().splitlines(keepends=True)
            write_bytes(path, b"".join(lines[-EVENTS_KEPT // 2 :]))

    async def events(self, name: str) -> list[Event]:
        path = self._state.system(name).events
        found = []
        for line in path.read_bytes().splitlines()[-EVENTS_KEPT:] if path.exists() else []:
            with contextlib.suppress(ValueError, TypeError):  # A line that a crash cut off.
                found.append(Event(**json.loads(line)))
        return found

    async def record_revision(self, name: str, revision: Revision) -> None:
        folder = self._state.system(name).revisions
        write_json(folder / f"{revision.number}.json", asdict(revision), durable=True)
        revisions = await self.revisions(name)
        good = [item.number for item in revisions if item.verdict is Verdict.RELEASED]
        for item in revisions[: -_kept(revision.document)]:
            # The last good one is what a person goes back to, however many failed since.
            if item.number not in good[-1:]:
                (folder / f"{item.number}.json").unlink(missing_ok=True)

    async def revisions(self, name: str) -> list[Revision]:
        read = [read_as(path, _REVISION) for path in self._state.system(name).revisions.glob("*.json")]
        return sorted((item for item in read if item is not None), key=lambda item: item.number)

    async def watch(self) -> AsyncIterator[str]:
        seen: dict[str, tuple[int, ...]] = {}
        while True:
            now = self._signatures()
            for name in sorted({*seen, *now}):
                if seen.get(name) != now.get(name):
                    yield name
            seen = now
            await asyncio.sleep(POLL)

    def _signatures(self) -> dict[str, tuple[int, ...]]:
        found: dict[str, tuple[int, ...]] = {}
        folders = list(os.scandir(self._state.systems)) if self._state.systems.is_dir() else []
        for folder in folders:
            if not is_name(folder.name):
                continue
            with contextlib.suppress(OSError):
                stat = (Path(folder.path) / "declaration.json").stat()
                found[folder.name] = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
        return found

    def _read(self, name: str) -> Stored | None:
        if not is_name(name):
            return None
        paths = self._state.system(name)
        if not paths.declaration.exists():
            return None
        # A damaged file is a declaration that is not valid, not one that was deleted.
        kept = _parts(read_json(paths.declaration))
        status = read_json(paths.status)
        return Stored(
            name=name,
            document=kept["document"],
            generation=kept["generation"],
            author=kept.get("author", ""),
            paused=kept.get("paused", False),
            deleting=kept.get("deleting", False),
            status=status if isinstance(status, dict) else {},
        )

    def _mark(self, name: str, **marks: bool) -> None:
        paths = self._state.system(name)
        with self._exclusive(name):
            if not paths.declaration.exists():
                raise KeyError(name)
            # One that is damaged can be marked too: it must be possible to delete it.
            write_json(paths.declaration, {**_parts(read_json(paths.declaration)), **marks}, durable=True)

    def _exclusive(self, name: str) -> contextlib.AbstractContextManager[None]:
        """One writer of a declaration at a time."""
        return exclusively(self._state.lock(f"{name}.declaration"))


def _parts(kept: Any) -> dict[str, Any]:
    """What was kept, as far as it can be read."""
    found = dict(kept) if isinstance(kept, dict) else {}
    if not isinstance(found.get("document"), dict):
        found["document"] = {}
    if not isinstance(found.get("generation"), int):
        found["generation"] = 0
    return found


def _kept(document: Mapping[str, Any]) -> int:
    spec = document.get("spec")
    release = spec.get("release") if isinstance(spec, Mapping) else None
    limit = release.get("historyLimit") if isinstance(release, Mapping) else None
    return limit if isinstance(limit, int) and limit > 0 else HISTORY
