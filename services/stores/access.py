"""How a process reaches a store: its addresses, who it says it is, and how the connection is encrypted.

Plain data, shared by all adapters of stores that are servers. What is secret is never shown by `repr`.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from services.stores.ports import StoreError

Address = tuple[str, int]
"""Host and port."""

DATABASE_NAME = re.compile(r"[A-Za-z0-9_$-]{1,64}")
"""What the database of a URL may be called."""


@dataclass(frozen=True)
class Tls:
    """Files in PEM form. `ca_file` empty: the system's authorities. The certificate is for stores that ask for one."""

    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    verify: bool = True

    def context(self) -> ssl.SSLContext:
        """For a client. The files are read anew, so that renewed certificates are used from the next connection on.
        Raises StoreError for a file that cannot be used."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file or None)
            if self.certificate_file:
                context.load_cert_chain(self.certificate_file, self.key_file or None, password="")
        except (OSError, ssl.SSLError) as error:
            files = ", ".join(filter(None, (self.ca_file, self.certificate_file, self.key_file)))
            raise StoreError(f"the certificates cannot be used ({files}): {error}", retryable=False) from error
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def contents(self) -> tuple[bytes | None, bytes | None, bytes | None]:
        """Authorities, key and certificate, for libraries that take no context. Raises StoreError."""
        files = [self.ca_file, self.key_file, self.certificate_file]
        try:
            authorities, key, certificate = (Path(file).read_bytes() if file else None for file in files)
        except OSError as error:
            raise StoreError(f"{error.filename} cannot be read: {error.strerror}", retryable=False) from error
        return authorities, key, certificate


@dataclass(frozen=True)
class Access:
    """What a store asks of those who connect. `tls` None: the connection is plain."""

    username: str = ""
    password: str = field(default="", repr=False)
    tls: Tls | None = None


def addresses(url: str) -> list[Address]:
    """The `host:port,host:port` of a store's URL, in order. An IPv6 address stands in brackets. Raises ValueError."""
    found: list[Address] = []
    for text in urlsplit(url).netloc.rpartition("@")[2].split(","):
        parts = urlsplit(f"//{text}")
        if not parts.hostname or not parts.port:
            raise ValueError(f"{text!r} is not host:port")
        found.append((parts.hostname, parts.port))
    return found
