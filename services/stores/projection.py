"""How a search index is fed: the documents, and the port of an index that holds them.

A document is what the index keeps of one row of the database. The index can be thrown away and built anew at any time, so
nothing here is a truth: services/store reads the rows and decides, an adapter writes.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Document:
    """`row` is the number of the row, by which hits are ordered and ranges compared. `mark` is a checksum that is another
    one when the document should be. `version` grows with every change; None where the database does not number changes,
    and then a write has to say on top of what it goes (see Index.seen)."""

    id: str
    row: int
    mark: int
    version: int | None
    fields: Mapping[str, str | int | None]


@dataclass(frozen=True)
class Seen:
    """The state of a document in the index when it was looked at; an adapter's own numbers."""

    sequence: int
    term: int


@dataclass(frozen=True)
class Summary:
    """What a range of rows amounts to: number of documents, sum of their marks."""

    count: int
    marks: int


DELETED = 1 << 40
"""Version of a deletion: higher than that of any message, so that a write that comes late does not bring one back."""

_WRITTEN, _TRANSCRIBED = 1, 2


def message_mark(message_id: str, *, transcribed: bool) -> int:
    """Mark of a message: its text never changes, but a transcript may come."""
    return zlib.crc32(message_id.encode(), _TRANSCRIBED if transcribed else _WRITTEN)


def message_document(  # noqa: PLR0917 - the columns of a row
    row: int, message_id: str, chat_session_id: str, seq: int, text: str, transcribed: bool
) -> Document:
    """`text` is folded (services/stores/folding.py)."""
    return Document(
        message_id,
        row,
        message_mark(message_id, transcribed=transcribed),
        _TRANSCRIBED if transcribed else _WRITTEN,
        {"session": chat_session_id, "seq": seq, "text": text},
    )


def user_document(row: int, user_id: str, nickname: str, phone: str | None) -> Document:
    """`nickname` is folded."""
    mark = zlib.crc32(f"{user_id}\n{nickname}\n{phone or ''}".encode())
    return Document(user_id, row, mark, None, {"user": user_id, "text": nickname, "phone": phone})


class Index(Protocol):
    """One kind of documents in a search index. Everything raises StoreError while the index does not answer.

    Searches see an index when it is `searchable`; it can be written before that. A further generation is filled unseen and
    then takes the place of the one in use.
    """

    name: str
    visible_within: float
    """Seconds after a write in which searches come to see it."""

    async def prepare(self) -> None:
        """Creates what is not there. Any number of processes may do so at the same time."""
        ...

    async def searchable(self) -> bool: ...

    async def make_searchable(self) -> None: ...

    async def outdated(self) -> bool:
        """Whether another version of this program made it, so that it has to be built anew."""
        ...

    async def write(
        self, documents: Sequence[Document], gone: Sequence[str] = (), seen: Mapping[str, Seen] | None = None
    ) -> dict[str, str]:
        """Brings documents in and takes those of the ids `gone` out. What is there already in this or a later version is
        left alone. Documents without a version are written only where the index still holds what `seen` tells (nothing, if
        it does not name them). Returns id -> why for what was not done; the reasons contain no text of a document.
        Raises StoreError if the index takes nothing at all; a part may be written then."""
        ...

    async def seen(self, ids: Sequence[str]) -> dict[str, Seen]:
        """The present state of those documents that are there. Read the database after it, then write: what another
        process has read later is then never overwritten."""
        ...

    async def summary(self, after: int, last: int) -> Summary:
        """Of the rows after < row <= last, as searches see them."""
        ...

    async def marks(self, after: int, last: int, limit: int) -> list[tuple[int, str, int]]:
        """Row, id and mark of at most `limit` documents of a range, in order of rows."""
        ...

    async def refresh(self) -> None:
        """Returns when searches see everything that was written."""
        ...

    async def next_generation(self) -> Index:
        """An index of its own that nothing sees yet. One that was left unfinished is gone on with."""
        ...

    async def replace(self, generation: Index) -> None:
        """Puts `generation` in the place of what is in use, in one step, and removes that."""
        ...


@dataclass(frozen=True)
class Projection:
    """The indexes of a search that has to be fed."""

    messages: Index
    users: Index
