"""Whether two processes accept each other's certificates: a TLS handshake in memory."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path
from typing import Protocol


class Published(Protocol):
    """What a process is given: `ca.crt`, `tls.crt`, `tls.key`."""

    def published(self) -> dict[str, bytes]: ...


def agree(client: Published, server: Published, name: str) -> None:
    """Raises ssl.SSLError if one of them refuses. `name` has to stand in the server's certificate."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = _context(client, ssl.PROTOCOL_TLS_CLIENT).wrap_bio(incoming, outgoing, server_hostname=name)
    other = _context(server, ssl.PROTOCOL_TLS_SERVER).wrap_bio(outgoing, incoming, server_side=True)
    pending = [one, other]
    for _ in range(10):
        for side in list(pending):
            try:
                side.do_handshake()
                pending.remove(side)
            except ssl.SSLWantReadError:
                continue
        if not pending:
            # With TLS 1.3 a client knows only after its first read whether its own certificate was accepted.
            other.write(b"x")
            assert one.read(1) == b"x"
            return
    raise AssertionError("the handshake does not come to an end")


def _context(process: Published, protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.verify_mode = ssl.CERT_REQUIRED
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / name for name in ("ca.crt", "tls.crt", "tls.key")}
        for name, content in process.published().items():
            paths[name].write_bytes(content)
        context.load_verify_locations(paths["ca.crt"])
        context.load_cert_chain(paths["tls.crt"], paths["tls.key"])
    return context
