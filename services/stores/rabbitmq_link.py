"""One connection to RabbitMQ that is opened when it is needed and again after it was lost, and the library's errors in the
words of the ports.

Several addresses are those of one cluster: they are tried in turn, beginning with the one that answered last. The library's
own reconnecting connection is not used: it knows one address and restores consumers behind the back of those who hold
deliveries that can no longer be acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from aio_pika import Connection
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.connection import make_url
from aio_pika.exceptions import (
    CONNECTION_EXCEPTIONS,
    AuthenticationError,
    DeliveryError,
    InvalidFrameError,
    ProbableAuthenticationError,
    PublishError,
)
from aiormq.exceptions import ChannelAccessRefused, ChannelPreconditionFailed

from services.stores.access import Access, Address, addresses
from services.stores.ports import StoreError
from services.stores.rabbitmq_transport import Transport

T = TypeVar("T")

FAILURES = (*CONNECTION_EXCEPTIONS, TimeoutError)
"""Everything by which the library reports a failure."""

HEARTBEAT = 10
"""Seconds; a link that is dead without being closed is noticed after about three."""

_FAREWELL = 1.0
"""Seconds for a server to answer a goodbye."""

# They log each failed attempt with its traceback; who uses the link tells the same in a line.
for _name in ("aio_pika", "aiormq"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class Link:
    """`name` is shown in the server's list of connections. `timeout` (seconds) bounds each attempt to connect."""

    def __init__(self, url: str, access: Access, *, name: str, timeout: float) -> None:
        self._addresses = addresses(url)
        self._virtual_host = unquote(urlsplit(url).path[1:]) or "/"
        self._access = access
        self._name = name
        self._timeout = timeout
        self._connection: AbstractConnection | None = None
        self._transport: Transport | None = None
        self._opening = asyncio.Lock()
        self._farewells: set[asyncio.Task[None]] = set()

    async def channel(self) -> AbstractChannel:
        """A new channel with publisher confirms; a message that no queue takes is an error. Raises StoreError."""
        connection = await self._connected()
        try:
            return await answered(self._open_channel(connection), self._timeout)
        except StoreError as error:
            self.doubt(error)
            raise

    @asynccontextmanager
    async def brief_channel(self) -> AsyncIterator[AbstractChannel]:
        """A channel for a few steps; it is closed without waiting long. Raises StoreError when it cannot be opened."""
        channel = await self.channel()
        try:
            yield channel
        except StoreError as error:
            self.doubt(error)
            raise
        finally:
            await close_channel(channel, self._timeout)

    async def _open_channel(self, connection: AbstractConnection) -> AbstractChannel:
        channel = connection.channel(publisher_confirms=True, on_return_raises=True)
        await channel.initialize()
        return channel

    async def _connected(self) -> AbstractConnection:
        async with self._opening:
            if self._connection is not None and not _lost(self._connection):
                return self._connection
            self.drop()
            error: StoreError | None = None
            for address in list(self._addresses):
                try:
                    self._connection = await self._connect(address)
                except StoreError as failure:
                    if not failure.retryable:
                        raise
                    error = failure
                    self._addresses.remove(address)
                    self._addresses.append(address)
                else:
                    return self._connection
            raise error or StoreError("there is no RabbitMQ server to connect to")

    async def _connect(self, address: Address) -> AbstractConnection:
        host, port = address
        tls = self._access.tls
        url = make_url(
            host=host,
            port=port,
            login=self._access.username or "guest",
            password=self._access.password or "guest",
            virtualhost=self._virtual_host,
            ssl=tls is not None,
            heartbeat=HEARTBEAT,
        )
        connection = Connection(
            url,
            ssl_context=tls.context() if tls is not None else None,
            client_properties={"connection_name": self._name},
        )
        transport = Transport()
        connection.kwargs["transport_factory"] = transport
        try:
            await answered(connection.connect(), self._timeout)
        except StoreError as error:
            await _close(connection, transport)
            # The library keeps to itself what the server says when it refuses a virtual host.
            if isinstance(error.__cause__, InvalidFrameError) and "Connection.OpenOk" in str(error.__cause__):
                raise StoreError(
                    f"the virtual host {self._virtual_host} of the RabbitMQ server does not exist, or is not open to "
                    f"the user {self._access.username or 'guest'}",
                    retryable=False,
                ) from error
            raise
        self._transport = transport
        return connection

    def drop(self) -> None:
        """Gives up the connection, for example because the server does not answer; the next use opens another one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            farewell = asyncio.create_task(_close(connection, self._transport))
            self._farewells.add(farewell)
            farewell.add_done_callback(self._farewells.discard)

    def doubt(self, error: StoreError) -> None:
        """Gives up the connection if `error` says that the server did not answer on it in time: it may be dead without
        a sign, and waiting longer would only delay the next caller."""
        if isinstance(error.__cause__, TimeoutError):
            self.drop()

    async def close(self) -> None:
        self.drop()
        await asyncio.gather(*self._farewells)


async def close_channel(channel: AbstractChannel, timeout: float) -> None:
    """What is not acknowledged goes back to its queue."""
    with suppress(StoreError):
        await answered(channel.close(), timeout)


async def _close(connection: AbstractConnection, transport: Transport | None) -> None:
    """Says goodbye, and ends the connection if that is not answered. The library is not cancelled before: in the middle of a
    goodbye it would wait for the answer all the same, and without an end if it is cancelled once more."""
    farewell = asyncio.ensure_future(connection.close())
    farewell.add_done_callback(_ignored)
    await asyncio.wait({farewell}, timeout=_FAREWELL)
    if transport is not None:
        transport.abort()
    if not farewell.done():
        await asyncio.wait({farewell}, timeout=_FAREWELL)
        farewell.cancel()


def _lost(connection: AbstractConnection) -> bool:
    transport = connection.transport
    return connection.is_closed or transport is None or transport.connection.is_closed


async def answered(call: Awaitable[T], timeout: float) -> T:
    """Awaits a call of the library. Raises StoreError for whatever goes wrong, and after `timeout` seconds.

    In a task of its own, because the library may wait for a dead connection once more when it is cancelled, and cancels
    what waits on a connection that ends."""
    task = asyncio.ensure_future(call)
    try:
        await asyncio.wait({task}, timeout=timeout)
    finally:
        if not task.done():
            task.cancel()
            task.add_done_callback(_ignored)
    if not task.done():
        raise store_error(TimeoutError()) from TimeoutError()
    try:
        return task.result()
    except (*FAILURES, asyncio.CancelledError) as error:
        raise store_error(error) from error
    except Exception as error:
        if type(error) is Exception:  # what waited on a connection that ended without a reason
            raise store_error(error) from error
        raise


def _ignored(task: asyncio.Future[Any]) -> None:
    if not task.cancelled():
        task.exception()


def store_error(error: BaseException) -> StoreError:
    """The port's error; its text has neither the password nor a payload."""
    match error:
        case ProbableAuthenticationError() | AuthenticationError():
            return StoreError("the RabbitMQ server refused the user name or the password", retryable=False)
        case ChannelAccessRefused():
            return StoreError(
                f"the RabbitMQ user has no permission: {error.args[-1]}; it needs configure, write and read on names that "
                f"begin with chatsystem.",
                retryable=False,
            )
        case ChannelPreconditionFailed():
            return StoreError(
                f"what is in the RabbitMQ server has other settings: {error.args[-1]}; delete it, or use another virtual host",
                retryable=False,
            )
        case PublishError():
            return StoreError("the RabbitMQ server has no queue for the message")
        case DeliveryError():
            return StoreError("the RabbitMQ server did not take the message: its queue is full or has no majority")
        case TimeoutError():
            return StoreError("the RabbitMQ server did not answer in time")
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return StoreError(f"the connection to RabbitMQ cannot be encrypted: {_reason(cause)}", retryable=False)
        cause = cause.__cause__
    return StoreError("the RabbitMQ server cannot be reached")


def _reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    return error.reason or "not a TLS server"
