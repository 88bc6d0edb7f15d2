"""The other end of the generic text message adapter: an HTTP endpoint that keeps what it is told to send."""

from __future__ import annotations

import json
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.testbed.process import wait_for


def new_phone() -> str:
    """A valid number that no other test uses."""
    return f"1{random.randint(3, 9)}{random.randint(0, 10**9 - 1):09d}"


class SmsEndpoint:
    """Listens on a port of 127.0.0.1. Messages arrive in `sent` as (phone, code)."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                endpoint.sent.append((body["phone"], body["code"]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Codes stay out of the output of the tests."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/sms"

    def code(self, phone: str) -> str:
        """The newest code for a phone."""
        wait_for(lambda: any(to == phone for to, _ in self.sent), 5.0, "a text message arrives", pause=0.01)
        return next(code for to, code in reversed(self.sent) if to == phone)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
