"""Which of several Redis servers a connection goes to, and how it is encrypted.

The addresses are those of one primary and its replicas. Every connection asks the server what it is (HELLO, which any user
may send) and passes over what takes no writes; a server that was demoted says READONLY to the next write, and from then on
every connection looks anew. So a failover needs no restart, whoever makes it: Sentinel, an operator of Redis, or a person.
A Redis Cluster is refused, because its nodes hold only a part of the keys each; so is a Sentinel, which holds none.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any

from redis.asyncio import Connection, SSLConnection
from redis.exceptions import (
    AuthenticationError,
    ConnectionError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,
)

from services.stores.access import Address, Tls
from services.stores.ports import StoreError


class UnusableError(ConnectionError):
    """A server was reached, or nearly, and cannot be used; the text says why. `passing`: that may change by itself."""

    def __init__(self, text: str, *, passing: bool) -> None:
        super().__init__(text)
        self.passing = passing


class Servers:
    """What the connections of one client know together."""

    def __init__(self, addresses: list[Address], tls: Tls | None) -> None:
        self._addresses = addresses
        self.tls = tls
        self._first = 0
        self.generation = 0
        """Connections of an earlier one lead to a server that takes no writes any more."""

    def __iter__(self) -> Iterator[Address]:
        """All, the one that was good last time first."""
        return iter(self._addresses[self._first :] + self._addresses[: self._first])

    def good(self, address: Address) -> None:
        self._first = self._addresses.index(address)

    def demoted(self) -> None:
        self.generation += 1


class PlainConnection(Connection):
    """`servers` are tried in turn; the host and port of the library are those of the last try."""

    def __init__(self, *, servers: Servers, **options: Any) -> None:
        super().__init__(redis_connect_func=_greet, **options)
        self.servers = servers
        self._generation = servers.generation

    async def connect_check_health(self, check_health: bool = True, retry_socket_connect: bool = True) -> None:
        """Does nothing if it is connected to a server that is good still. Raises RedisError."""
        if self.is_connected:
            if self._generation == self.servers.generation:
                return
            await self.disconnect(nowait=True)
        self._generation = self.servers.generation
        failures: list[RedisError] = []
        for address in self.servers:
            self.host, self.port = address
            try:
                self.prepare()
                await super().connect_check_health(check_health, False)
            except (RedisError, OSError) as error:
                failures.append(explained(error, address, encrypted=self.servers.tls is not None))
                continue
            self.servers.good(address)
            return
        raise most_telling(failures)

    def prepare(self) -> None:
        """Before each try. Raises UnusableError."""

    async def read_response(self, *arguments: Any, **options: Any) -> Any:
        """Raises ConnectionError for a server that was demoted, so that the call is tried once more elsewhere."""
        try:
            return await super().read_response(*arguments, **options)
        except ResponseError as error:
            # Before Redis 7 a script tells of it in the middle of its own error.
            if not isinstance(error, ReadOnlyError) and "-READONLY " not in str(error):
                raise
            self.servers.demoted()
            await self.disconnect(nowait=True)
            raise UnusableError("it is read-only now", passing=True) from error


class EncryptedConnection(PlainConnection, SSLConnection):
    def prepare(self) -> None:
        assert self.servers.tls is not None  # noqa: S101 - what this class is chosen by
        try:
            # For every try: renewed certificates are used from the next connection on.
            self.ssl_context.context = self.servers.tls.context()
        except StoreError as error:
            raise UnusableError(str(error), passing=False) from error


async def _greet(connection: Any) -> None:
    """The library's own greeting, and then the question what this server is."""
    try:
        await connection.on_connect()
    except ResponseError:
        # A Sentinel and a node of a cluster have no numbered databases: say what is wrong rather than that.
        await _expect_primary(connection)
        raise
    except ConnectionError as error:
        if type(error) is not ConnectionError:  # what the server answered, or that it is still loading
            raise
        wanted = "asks for a certificate of its clients" if connection.servers.tls else "wants TLS"
        raise UnusableError(
            f"it ended the connection at the greeting; if that goes on, check whether it {wanted}", passing=True
        ) from error
    await _expect_primary(connection)


async def _expect_primary(connection: Any) -> None:
    await connection.send_command("HELLO", check_health=False)
    answer = await connection.read_response()
    # A list of names and values from a server that speaks the older protocol.
    about = answer if isinstance(answer, dict) else dict(zip(answer[::2], answer[1::2], strict=True))
    match about.get(b"mode"), about.get(b"role"):
        case b"cluster", _:
            raise UnusableError(
                "it is a node of a Redis Cluster, whose nodes hold a part of the keys each; name a primary and its replicas",
                passing=False,
            )
        case b"sentinel", _:
            raise UnusableError("it is a Sentinel; name the servers that it watches over", passing=False)
        case _, b"master":
            return
    raise UnusableError("it is a replica, which takes no writes", passing=True)


def explained(error: Exception, address: Address, *, encrypted: bool) -> RedisError:
    """The same failure with the address and, where the cause is known, with what to do."""
    where = f"{address[0]}:{address[1]}"
    cause = error.__cause__ or error.__context__
    match error, cause:
        case TimeoutError(), _ if encrypted:
            # A server without encryption takes the greeting for the beginning of a command and waits for the rest.
            return UnusableError(f"{where}: no answer in time; check that this port speaks TLS", passing=True)
        case UnusableError(), _:
            return UnusableError(f"{where}: {error}", passing=error.passing)
        case (ssl.SSLCertVerificationError() as refused, _) | (_, ssl.SSLCertVerificationError() as refused):
            return UnusableError(
                f"{where}: its certificate is not accepted ({refused.verify_message}); check the file of the variable with "
                "_CA_FILE, and that the address is the one of the certificate",
                passing=False,
            )
        case (ssl.SSLError(), _) | (_, ssl.SSLError()):
            return UnusableError(
                f"{where}: the connection cannot be encrypted; check that this port speaks TLS and that the server accepts "
                "the certificate of the variable with _CERTIFICATE_FILE",
                passing=True,
            )
        case RedisError(), _:
            return error
    return ConnectionError(f"{where}: {type(error).__name__}")


def most_telling(failures: list[RedisError]) -> RedisError:
    """Of one failure for each address: what a person has to mend, before what may pass."""

    def weight(error: RedisError) -> int:
        match error:
            case AuthenticationError():
                return 3
            case UnusableError():
                return 1 if error.passing else 2
        return 0

    return max(failures, key=weight)
