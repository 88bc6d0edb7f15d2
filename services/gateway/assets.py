"""The web client's files, as they are served at / of the HTTP port."""

from __future__ import annotations

import hashlib
import json
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

WEB = Path(__file__).resolve().parent.parent / "web" / "static"

_SAFE_PATH = re.compile(r"/(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*")
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?")
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class Asset:
    body: bytes
    content_type: str
    etag: str


def security_headers(host: str, websocket_port: int) -> dict[str, str]:
    """What a browser may do on a page of the web client: nothing but what the client is made of. `host` is the Host header
    of the request; the WebSocket is on another port of that host."""
    sockets = "ws: wss:"
    match = _HOST.fullmatch(host)
    if match:
        name = match[1]
        sockets = f"ws://{name}:{websocket_port} wss://{name}:{websocket_port} wss://{name}"
    policy = (
        "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'; "
        f"connect-src 'self' {sockets}; img-src 'self' data: blob:; media-src 'self' blob:; worker-src 'self' blob:"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
    }


def configuration(websocket_port: int, limits: Mapping[str, int]) -> Asset:
    """/config.json: what the web client has to know of its server."""
    body = json.dumps({"websocketPort": websocket_port, "protocol": 1, "limits": dict(limits)}).encode()
    return Asset(body, "application/json", _etag(body))


def _etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:24]}"'


class Assets:
    """The files below `root`, read when they are first asked for and again when they have changed."""

    def __init__(self, root: Path = WEB) -> None:
        self._root = root
        self._read: dict[str, tuple[tuple[int, int], Asset]] = {}

    def get(self, path: str) -> Asset | None:
        """The file of a URL path, None if there is none. `/` is the page."""
        if path == "/":
            path = "/index.html"
        if len(path) > 200 or not _SAFE_PATH.fullmatch(path):
            return None
        file = self._root / path[1:]
        try:
            status = file.stat()
            version = (status.st_mtime_ns, status.st_size)
            known = self._read.get(path)
            if known is not None and known[0] == version:
                return known[1]
            body = file.read_bytes()
        except (OSError, ValueError):
            return None
        guessed = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        asset = Asset(body, _TYPES.get(file.suffix, guessed), _etag(body))
        self._read[path] = (version, asset)
        return asset
