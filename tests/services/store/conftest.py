"""A runtime with the store service and those it works with, three people and their conversations."""

from __future__ import annotations

import pytest_asyncio

from services.file import service as file_service
from services.store import service as store_service
from services.transmit import service as transmit_service
from services.user import service as user_service
from tests.testbed.messaging import add_conversation, add_people
from tests.testbed.runtime import TestRuntime, make_runtime, runtime, valkey

__all__ = ["make_runtime", "runtime", "valkey"]


@pytest_asyncio.fixture
async def chat(runtime: TestRuntime) -> TestRuntime:
    """ann and bob talk in `pair`, ann, bob and cid in `group`; dan is in neither."""
    await add_people(runtime, "ann", "bob", "cid", "dan")
    await add_conversation(runtime, "pair", "ann", "bob", kind=1)
    await add_conversation(runtime, "group", "ann", "bob", "cid")
    await runtime.host(
        file_service.create(runtime),
        user_service.create(runtime),
        transmit_service.create(runtime),
        store_service.create(runtime),
    )
    return runtime
