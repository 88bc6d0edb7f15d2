"""The ports: what the services need of a store, each with an embedded and a production adapter.

A service depends on these protocols only. One contract test suite per port runs against every adapter
(tests/stores/). A failure of the store itself is a StoreError, whatever library it came from.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from services.stores.projection import Projection

T = TypeVar("T")

Row = tuple[Any, ...]


class StoreError(Exception):
    """A store failed or did not answer. `retryable` says that the same call may succeed later."""

    def __init__(self, message: str, *, retryable: bool = True) -> None:
        super().__init__(message)
        self.retryable = retryable


class UniqueViolation(Exception):
    """A unique key already holds the value. Raised inside a transaction function; only that function is rolled back."""


class NotNow(Exception):
    """Raised by the handler of a queue: nothing can be handled at the moment, whatever it is. The batch comes again, and that
    counts as no attempt."""


class InvalidPage(Exception):
    """The token of a page was not given by this search."""


class Connection(Protocol):
    """A database connection inside one transaction. SQL is written once, with `?` for parameters; `dialect` covers the
    few places where SQLite and MySQL differ."""

    dialect: Dialect

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Runs one statement and returns all its rows. Raises UniqueViolation, StoreError."""
        ...

    def change(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Runs one INSERT, UPDATE or DELETE and returns the number of rows it touched. Raises UniqueViolation, StoreError."""
        ...

    def insert_many(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Inserts all rows with as few statements as the database allows (none for no rows)."""
        ...

    def together(self) -> AbstractContextManager[None]:
        """What is changed inside may be sent as one: a change then returns 0, and an error of any of them may be raised only
        at the end. Those before the one that failed may have been done, as without it."""
        ...


class Dialect(Protocol):
    """The differences between the databases, as SQL fragments."""

    name: str
    prepares: bool
    """Whether a statement that was run before costs less: its values then do not count as a part of it."""
    for_update: str
    """At the end of a SELECT in a write: locks its rows until the transaction ends. Empty where writes are one at a time."""

    def insert_ignore(self, table: str, columns: Sequence[str]) -> str:
        """INSERT of one row that does nothing when a unique key already holds it."""
        ...

    def upsert(self, table: str, columns: Sequence[str], key: Sequence[str], update: Sequence[str]) -> str:
        """INSERT of one row that, when `key` already exists, sets the columns `update` to the new values."""
        ...

    def placeholders(self, count: int) -> str:
        """`?, ?, ?` for an IN list."""
        ...

    def contains(self, column: str) -> str:
        """A condition with one parameter: the column holds the parameter as a substring, byte for byte."""
        ...


class Database(Protocol):
    """Durable truth. `write` returns only when the change would survive a power cut."""

    dialect: Dialect
    long_reads: int
    """Reads that are more than a look-up which can go on at the same time."""

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in a read-only snapshot, off the event loop or so briefly that it does not matter. `work` may be
        broken off and run again, so it must have no effect at all."""
        ...

    async def write(self, work: Callable[[Connection], T], *, concurrent: bool = False) -> T:
        """Runs `work` in a transaction. Works submitted at the same time share one commit, each behind its own savepoint:
        an exception in one is raised to its caller and undoes only its own changes. `work` may run again if the
        transaction has to be repeated, so it must have no effect outside the connection.

        Works are serializable: each is done as if it were alone. `concurrent` gives that up for works that do not need
        it, because they are a single statement or lock the rows they rest on (`Dialect.for_update`): they may then run
        beside others and in any order, and each of their statements sees what was committed before it."""
        ...

    async def ping(self) -> None:
        """Raises StoreError if the database does not answer."""
        ...

    async def close(self) -> None: ...


class Subscription(Protocol):
    """Messages published to some channels from the moment of subscription on."""

    def __aiter__(self) -> AsyncIterator[tuple[str, bytes]]:
        """Yields (channel, payload); goes on by itself after a lost connection (messages of the gap are lost)."""
        ...

    async def close(self) -> None: ...


class Cache(Protocol):
    """Fast state with an expiry, shared by all processes, that may be lost at any time without breaking a promise."""

    async def get(self, key: str, *, extend: float | None = None) -> bytes | None:
        """`extend`: whatever is there lives for so many seconds from now."""
        ...

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]: ...

    async def set(self, key: str, value: bytes, *, ttl: float | None = None, only_new: bool = False) -> bool:
        """Sets a key; with `only_new` only if it is not there. Returns whether it was set. `ttl` in seconds."""
        ...

    async def replace(self, key: str, old: bytes, new: bytes, *, ttl: float) -> bool:
        """Sets a key that still has the value `old`, in one step. Returns whether it had."""
        ...

    async def delete(self, *keys: str) -> int:
        """Deletes keys and returns how many there were."""
        ...

    async def increment(self, key: str, amount: int = 1, *, ttl: float | None = None) -> int:
        """Adds to a counter, which begins at 0 and gets its `ttl` with the first increment."""
        ...

    async def take(self, key: str) -> bytes | None:
        """Gets and deletes in one step: of several callers one gets the value."""
        ...

    async def set_add(self, key: str, member: str, *, ttl: float | None = None) -> None: ...

    async def set_remove(self, key: str, member: str) -> None: ...

    async def set_members(self, keys: Sequence[str]) -> list[frozenset[str]]: ...

    async def publish(self, channel: str, payload: bytes) -> int:
        """Returns how many subscribers got it."""
        ...

    async def subscribe(self, *channels: str, renewed: Callable[[], None] | None = None) -> Subscription:
        """Returns once it hears everything that is published. `renewed` is called whenever the subscription was lost and
        made again: until then, publishers have found nobody listening."""
        ...

    async def ping(self) -> None: ...

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Parcel:
    """One queued payload as a consumer gets it. `attempt` starts at 1."""

    id: str
    payload: bytes
    attempt: int


@dataclass(frozen=True)
class DeadLetter:
    id: str
    topic: str
    payload: bytes
    reason: str
    attempts: int


class Queue(Protocol):
    """At-least-once delivery of events to consumer groups; consumers are idempotent."""

    async def publish(self, topic: str, payloads: Sequence[bytes]) -> None:
        """Returns when the queue has taken responsibility for all of them. Raises StoreError."""
        ...

    async def consume(
        self,
        topic: str,
        group: str,
        handler: Callable[[Sequence[Parcel]], Awaitable[Mapping[str, Exception]]],
        *,
        prefetch: int = 64,
        attempts: int = 5,
    ) -> Consumption:
        """Hands batches to `handler` until closed. It returns the parcels that failed (id -> why); the others are
        acknowledged. A parcel that failed `attempts` times goes to the dead letters with its reason. An exception from the
        handler fails the whole batch, except NotNow."""
        ...

    async def dead_letters(self, topic: str, group: str, limit: int = 100) -> list[DeadLetter]: ...

    async def replay(self, topic: str, group: str, ids: Sequence[str] | None = None) -> int:
        """Puts dead letters back (all, or the named ones) and returns how many."""
        ...

    async def depth(self, topic: str, group: str) -> int:
        """Parcels not yet acknowledged. Where one message of the store carries several parcels, those that wait count as
        messages, and what other processes have in hand may be missing: it is at least so many."""
        ...

    async def dead_depth(self, topic: str, group: str) -> int:
        """How many dead letters there are, counted as the store counts them: cheap, and 0 only if there are none."""
        ...

    async def drop_dead_letters(self, topic: str, group: str, *, keep: int, before: float) -> int:
        """Drops the oldest dead letters beyond `keep` of them, counted as `dead_depth` counts, and those that were given up on
        before a time (Unix seconds). Returns how many."""
        ...

    async def ping(self) -> None: ...

    async def close(self) -> None: ...


class Consumption(Protocol):
    async def close(self) -> None:
        """Stops taking new parcels and waits for the batch in hand."""
        ...


@dataclass(frozen=True)
class MessageHit:
    chat_session_id: str
    seq: int


class Search(Protocol):
    """Substring search. `needs_events`: it is a projection of the database that must be fed from the outbox, through
    `projection`."""

    needs_events: bool

    @property
    def projection(self) -> Projection | None: ...

    async def messages(
        self, key: str, chat_session_ids: Sequence[str], *, limit: int, before: str = ""
    ) -> tuple[list[MessageHit], str]:
        """Messages of these conversations whose text or transcript contains `key` (folded: width, case), newest first.
        Returns the hits and the token of the next page ("" at the end). Raises InvalidPage."""
        ...

    async def users(self, key: str, *, exclude: Sequence[str], limit: int, after: str = "") -> tuple[list[str], str]:
        """User ids: exact phone or id first, then nicknames that contain `key` (folded). With a next-page token.
        Raises InvalidPage."""
        ...

    async def ping(self) -> None: ...

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Instance:
    """One running replica of a service. `address` is host:port."""

    service: str
    id: str
    address: str
    metadata: Mapping[str, str] = field(default_factory=dict)


class Registry(Protocol):
    """Which replicas of which service are alive."""

    async def register(self, instance: Instance) -> None:
        """Registers and keeps registered (also after a lost lease) until `deregister` or `close`."""
        ...

    async def deregister(self, instance: Instance) -> None: ...

    async def instances(self, service: str) -> list[Instance]: ...

    async def watch(self, changed: Callable[[str, list[Instance]], None]) -> None:
        """Calls `changed(service, instances)` now for every known service and at every change, until `close`."""
        ...

    async def ping(self) -> None: ...

    async def close(self) -> None: ...


class Files(Protocol):
    """Contents by id. Ids are made by the file service, never by a client; an adapter refuses any other form."""

    async def put(self, file_id: str, content: bytes) -> None:
        """Returns when the content would survive a power cut. Writing the same id again replaces it as a whole."""
        ...

    async def get(self, file_id: str) -> bytes | None: ...

    async def delete(self, file_id: str) -> None: ...

    async def ping(self) -> None: ...

    async def close(self) -> None: ...
