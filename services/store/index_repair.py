"""An index is compared with the database, and what differs is repaired: what an event did not bring is not missing for ever.

Rows are compared in ranges of their numbers, first by count and checksum, and one by one only where these differ. All of it
can be broken off at any point and be done by several processes at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from services.store.index_source import Marked, Source
from services.stores.ports import Database
from services.stores.projection import Document, Index, Summary

logger = logging.getLogger(__name__)

RANGE = 2000
"""Rows compared at once."""
FILL = 1000
"""Documents read and written at once. With texts of 64 KiB that is 64 MB in memory."""
_LAST = 2**63 - 1


@dataclass(frozen=True)
class Repair:
    """What a comparison came to. `refused`: documents that the index does not take."""

    compared: int = 0
    written: int = 0
    removed: int = 0
    refused: int = 0

    def __add__(self, other: Repair) -> Repair:
        return Repair(
            self.compared + other.compared,
            self.written + other.written,
            self.removed + other.removed,
            self.refused + other.refused,
        )


async def fill(database: Database, source: Source, index: Index, after: int = 0) -> tuple[int, int]:
    """Writes all rows after one, whatever is there. Returns how many, and the last row. Raises StoreError."""
    if not source.numbered:
        return await _fill_on_top(database, source, index, after)

    def following(row: int) -> Awaitable[list[Document]]:
        return database.read(partial(source.after, row=row, limit=FILL))

    written = 0
    documents = await following(after)
    while documents:
        after = documents[-1].row
        # The next ones are read while these are written: neither the database nor the index waits for the other.
        failed, read = await asyncio.gather(index.write(documents), following(after))
        _report(index, failed)
        written += len(documents)
        documents = read
    return written, after


async def _fill_on_top(database: Database, source: Source, index: Index, after: int) -> tuple[int, int]:
    written = 0
    while rows := await database.read(partial(source.marks_after, row=after, limit=FILL)):
        documents, _, failed = await bring(database, source, index, [row.id for row in rows])
        _report(index, failed)
        written += len(documents)
        after = rows[-1].row
    return written, after


async def repair(
    database: Database, source: Source, index: Index, pause: Callable[[], Awaitable[None]] | None = None
) -> Repair:
    """Compares everything and repairs what differs. `pause` is awaited between two ranges. Raises StoreError."""
    last = await database.read(source.last)
    await index.refresh()
    total, after = Repair(), 0
    while rows := await database.read(partial(source.marks_after, row=after, limit=RANGE)):
        rows = [row for row in rows if row.row <= last]
        if not rows:
            break
        total += await _compare(database, source, index, after, rows)
        after = rows[-1].row
        if pause is not None:
            await pause()
    return total + await _leftovers(database, source, index, after)


async def _compare(database: Database, source: Source, index: Index, after: int, rows: Sequence[Marked]) -> Repair:
    compared = Repair(compared=len(rows))
    last = rows[-1].row
    if await index.summary(after, last) == Summary(len(rows), sum(row.mark for row in rows)):
        return compared
    held = {document_id: mark for _, document_id, mark in await _held(index, after, last)}
    wrong = [row.id for row in rows if held.get(row.id) != row.mark]
    extra = sorted(set(held) - {row.id for row in rows})
    return compared + await renew(database, source, index, [*wrong, *extra])


async def _leftovers(database: Database, source: Source, index: Index, after: int) -> Repair:
    """Documents beyond the last row: of a database that was set back, or newer than this comparison."""
    total = Repair()
    while held := await index.marks(after, _LAST, RANGE):
        ids = [document_id for _, document_id, _ in held]
        there = {document.id for document in await database.read(partial(source.by_id, ids=ids))}
        total += await renew(database, source, index, [each for each in ids if each not in there])
        after = held[-1][0]
    return total


async def _held(index: Index, after: int, last: int) -> list[tuple[int, str, int]]:
    held: list[tuple[int, str, int]] = []
    while part := await index.marks(after, last, RANGE):
        held += part
        after = part[-1][0]
    return held


async def renew(database: Database, source: Source, index: Index, ids: Sequence[str]) -> Repair:
    """Makes the index hold what the database has of these ids. Raises StoreError."""
    total = Repair()
    for start in range(0, len(ids), FILL):
        part = ids[start : start + FILL]
        documents, gone, failed = await bring(database, source, index, part)
        _report(index, failed)
        total += Repair(written=len(documents), removed=len(gone), refused=len(failed))
    return total


async def bring(
    database: Database, source: Source, index: Index, ids: Sequence[str]
) -> tuple[list[Document], list[str], dict[str, str]]:
    """One batch: the documents written, the ids taken out, and what failed, id -> why. Raises StoreError."""
    seen = await index.seen(ids) if not source.numbered else {}
    documents = await database.read(partial(source.by_id, ids=ids))
    there = {document.id for document in documents}
    gone = [each for each in ids if each not in there]
    return documents, gone, await index.write(documents, gone, seen)


def _report(index: Index, failed: dict[str, str]) -> None:
    if not failed:
        return
    document_id, why = next(iter(failed.items()))
    logger.error(
        "the index of %s does not take %d documents, %s among them: %s", index.name, len(failed), document_id, why
    )
