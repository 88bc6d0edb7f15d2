"""A search index that follows the database is told of new and changed accounts, in the transaction of the change."""

from __future__ import annotations

from services.runtime.context import Runtime
from services.runtime.events import PEOPLE, UserEvent
from services.stores.ports import Connection


def announce(runtime: Runtime, connection: Connection, user_id: str) -> None:
    """Nothing where searches look at the rows themselves."""
    if runtime.search.needs_events:
        now = int(runtime.clock() * 1000)
        connection.insert_many("outbox", ("topic", "event", "created_at"), [(PEOPLE, UserEvent(user_id).encode(), now)])
