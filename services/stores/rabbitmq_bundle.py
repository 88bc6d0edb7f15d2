"""How payloads travel through RabbitMQ: many in one message, each with an id and a count of its failures. Pure.

A message costs the same with one payload in it as with sixty. Its body is the id of the publish (16 bytes), then for each
payload its place in the publish (4 bytes), its failures (2), its length (4), and the payload; big-endian.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MOST_ENTRIES = 64
MOST_BYTES = 64 * 1024
"""A message takes no further payload beyond these. One larger payload is a message of its own."""

CONTENT_TYPE = "application/x-chatsystem-bundle"

_ENTRY = struct.Struct(">IHI")
_MOST_FAILURES = 0xFFFF


@dataclass(frozen=True)
class Entry:
    """One payload. `failures`: attempts that have failed so far."""

    number: int
    failures: int
    payload: bytes


@dataclass(frozen=True)
class Bundle:
    """What one message holds. `origin` names the publish that its entries come from, also after they were parted."""

    origin: bytes
    entries: tuple[Entry, ...]

    def id(self, entry: Entry) -> str:
        """The same from the publish to the dead letters."""
        return f"{self.origin.hex()}.{entry.number}"

    def encode(self) -> bytes:
        parts = [self.origin]
        for entry in self.entries:
            parts.append(_ENTRY.pack(entry.number, min(entry.failures, _MOST_FAILURES), len(entry.payload)))
            parts.append(entry.payload)
        return b"".join(parts)

    @classmethod
    def decode(cls, body: bytes) -> Bundle:
        """Raises ValueError for anything that `encode` did not make."""
        entries = []
        at = 16
        while at < len(body):
            if at + _ENTRY.size > len(body):
                raise ValueError("an entry is cut off")
            number, failures, length = _ENTRY.unpack_from(body, at)
            at += _ENTRY.size
            payload = body[at : at + length]
            if len(payload) != length:
                raise ValueError("a payload is cut off")
            entries.append(Entry(number, failures, payload))
            at += length
        if not entries:
            raise ValueError("there is no entry")
        return cls(body[:16], tuple(entries))

    def parts(self, most: int) -> Iterator[Bundle]:
        """The same entries, at most `most` in each bundle."""
        for start in range(0, len(self.entries), most):
            yield Bundle(self.origin, self.entries[start : start + most])


def pack(payloads: Sequence[bytes], origin: bytes | None = None) -> Iterator[Bundle]:
    """The payloads of one publish, in order, in as few bundles as the limits allow."""
    origin = origin or uuid.uuid4().bytes
    entries: list[Entry] = []
    size = 0
    for number, payload in enumerate(payloads):
        if entries and (len(entries) == MOST_ENTRIES or size + len(payload) > MOST_BYTES):
            yield Bundle(origin, tuple(entries))
            entries, size = [], 0
        entries.append(Entry(number, 0, payload))
        size += len(payload)
    if entries:
        yield Bundle(origin, tuple(entries))


def foreign(body: bytes) -> Bundle:
    """A message that is not ours, as the one entry of a bundle, so that it can be a dead letter."""
    return Bundle(uuid.uuid5(uuid.NAMESPACE_OID, body.hex()).bytes, (Entry(0, 0, body),))
