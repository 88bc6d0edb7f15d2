"""Where a MySQL database is and how patient its clients are. Plain data, and how a URL is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from services.stores.access import DATABASE_NAME, Access, Address, addresses

DEFAULT_USERNAME = "chatsystem"


@dataclass(frozen=True)
class Patience:
    """Seconds. `connect`: for one address. `statement`: after that long the server breaks a statement off; the answer is
    awaited a little longer. `lock`: for a row that another transaction holds. `reconnect`: how long a work waits for a
    server that does not answer before its caller is told."""

    connect: float = 3.0
    statement: float = 20.0
    lock: float = 5.0
    reconnect: float = 5.0


@dataclass(frozen=True)
class Target:
    """`addresses` are tried in turn; those that only read are passed over."""

    addresses: tuple[Address, ...]
    database: str
    access: Access = field(default_factory=Access)
    patience: Patience = field(default_factory=Patience)

    @property
    def shown(self) -> str:
        """For messages."""
        return f"{', '.join(f'{host}:{port}' for host, port in self.addresses)}/{self.database}"


def read_target(url: str, access: Access, patience: Patience | None = None) -> Target:
    """From `mysql://host:port,host:port/database`. Raises ValueError."""
    database = unquote(urlsplit(url).path.strip("/"))
    if not DATABASE_NAME.fullmatch(database):
        raise ValueError("names no database")
    return Target(tuple(addresses(url)), database, access, patience or Patience())
