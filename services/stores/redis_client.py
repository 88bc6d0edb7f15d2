"""What the adapters on Redis share: the client, and its errors in the words of the ports.

Any server that speaks the Redis protocol will do (Redis 6.2 and later, Valkey), and so will a primary with its replicas.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import (
    AuthenticationError,
    ConnectionError,
    NoPermissionError,
    RedisError,
    ResponseError,
    TimeoutError,
)

from services.stores.access import Access, addresses
from services.stores.ports import StoreError
from services.stores.redis_servers import EncryptedConnection, PlainConnection, Servers, UnusableError

T = TypeVar("T")


CONNECT_TIMEOUT = 2.0
"""Seconds for one address, where there are several."""


def connect(url: str, access: Access | None = None, *, timeout: float = 5.0, connections: int = 32) -> Any:
    """A client that connects on first use and reconnects by itself. `url`: `redis://host:port,host:port/database`; of
    several addresses the one that takes writes is used. `timeout` (seconds) bounds each exchange; `connections`: at most so
    many at once, further calls wait.

    Any, because the library's types cover decoded and raw answers alike; the adapters give theirs."""
    access = access or Access()
    found = addresses(url)
    pool: Any = BlockingConnectionPool(
        connection_class=EncryptedConnection if access.tls else PlainConnection,
        servers=Servers(found, access.tls),
        host=found[0][0],
        port=found[0][1],
        db=int(urlsplit(url).path.strip("/") or 0),
        username=access.username or None,
        password=access.password or None,
        max_connections=connections,
        timeout=timeout,
        socket_timeout=timeout,
        socket_connect_timeout=timeout if len(found) == 1 else min(timeout, CONNECT_TIMEOUT),
        socket_keepalive=True,
        health_check_interval=30,
        # A connection that the server closed fails only at its next use: once more, on a new one.
        # One that does not answer in time is not asked again: the caller has waited long enough.
        retry=Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.2), 2, supported_errors=(ConnectionError,)),
        retry_on_error=[ConnectionError],
    )
    return Redis(connection_pool=pool)


async def answered(call: Awaitable[T]) -> T:
    """Awaits a call of the client. Raises StoreError for whatever goes wrong."""
    try:
        return await call
    except (RedisError, OSError, RuntimeError) as error:  # a transport that was closed meanwhile is a RuntimeError
        raise store_error(error) from error


def store_error(error: Exception) -> StoreError:
    """The port's error; its text has neither the password nor a value."""
    match error:
        case AuthenticationError():
            return StoreError("the Redis server refused the name or the password", retryable=False)
        case UnusableError():
            return StoreError(f"the Redis server cannot be used: {error}", retryable=error.passing)
        case NoPermissionError():
            return StoreError("the Redis server does not permit this to the user (NOPERM)", retryable=False)
        case TimeoutError():
            return StoreError("the Redis server did not answer in time")
        case ConnectionError() | OSError():
            return StoreError("the Redis server cannot be reached")
        case ResponseError():
            word = str(error).split(" ", 1)[0]
            return StoreError(
                f"the Redis server answered {word}", retryable=word in {"OOM", "LOADING", "READONLY", "MISCONF"}
            )
    return StoreError(f"the Redis client failed: {type(error).__name__}")
