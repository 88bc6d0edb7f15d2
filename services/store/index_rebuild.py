"""An index is built anew while messages are written and searched: a further generation is filled, then takes the place.

Until then everything goes on with the old one. What was written to that in the meantime is brought to the new one by the
filling itself, by a second filling after the change, and by the comparison that ends it. A rebuild that was broken off is
gone on with by the next one.
"""

from __future__ import annotations

import logging
import time

from services.store.index_repair import fill, repair
from services.store.index_source import Messages, Source, Users
from services.stores.ports import Database
from services.stores.projection import Index, Projection

logger = logging.getLogger(__name__)


async def rebuild(database: Database, source: Source, index: Index) -> int:
    """Returns how many documents the new index began with. Raises StoreError; the old index is then still in use."""
    started = time.monotonic()
    await index.prepare()
    generation = await index.next_generation()
    written, last = await fill(database, source, generation)
    await generation.refresh()
    await index.replace(generation)
    more, _ = await fill(database, source, index, last)
    result = await repair(database, source, index)
    logger.info(
        "the index of %s is new: %d documents in %.1f s, %d brought in after the change, %d repaired, %d refused",
        index.name,
        written,
        time.monotonic() - started,
        more,
        result.written + result.removed,
        result.refused,
    )
    return written + more


async def rebuild_all(database: Database, projection: Projection) -> int:
    """Both indexes. Raises StoreError."""
    messages = await rebuild(database, Messages(), projection.messages)
    return messages + await rebuild(database, Users(), projection.users)
