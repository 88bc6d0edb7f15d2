"""What a connection makes of a server that takes no writes any more."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Connection
from redis.exceptions import ReadOnlyError, ResponseError

from services.stores.redis_servers import PlainConnection, Servers, UnusableError

DEMOTED = [
    ReadOnlyError("You can't write against a read only replica."),
    ResponseError(
        "Error running script (call to f_1): @user_script:2: -READONLY You can't write against a read only replica."
    ),
]


def answering(error: Exception, monkeypatch: pytest.MonkeyPatch) -> PlainConnection:
    async def refused(self: Connection, *arguments: Any, **options: Any) -> Any:
        raise error

    monkeypatch.setattr(Connection, "read_response", refused)
    return PlainConnection(servers=Servers([("127.0.0.1", 1)], None))


@pytest.mark.parametrize("error", DEMOTED)
async def test_a_server_that_was_demoted_is_left_however_it_says_so(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = answering(error, monkeypatch)
    with pytest.raises(UnusableError, match="read-only"):
        await connection.read_response()
    assert connection.servers.generation == 1


async def test_another_error_of_a_server_is_no_sign_of_that(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = answering(ResponseError("WRONGTYPE Operation against a key"), monkeypatch)
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await connection.read_response()
    assert connection.servers.generation == 0
