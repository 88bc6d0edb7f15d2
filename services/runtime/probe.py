"""The health check of a container: asks the process in it how it is. python -m services.runtime.probe [/readyz]

It runs every few seconds, so it imports nothing that costs time. Exit codes: 0 it is well, 1 it is not.
"""

from __future__ import annotations

import os
import socket
import sys

TIMEOUT = 4.0
"""Seconds."""


def main(arguments: list[str]) -> int:
    path = arguments[0] if arguments else "/healthz"
    port = int(os.environ.get("CHATSYSTEM_METRICS_PORT", "9100"))
    host = os.environ.get("CHATSYSTEM_METRICS_HOST", "127.0.0.1")
    try:
        answer = ask("127.0.0.1" if host in ("0.0.0.0", "::") else host, port, path)
    except OSError as error:
        print(f"{path} of port {port}: {error}")  # noqa: T201 - shown by the container engine
        return 1
    print(answer)  # noqa: T201
    return 0 if answer.startswith("HTTP/1.1 200 ") else 1


def ask(host: str, port: int, path: str) -> str:
    """The answer's first line. Raises OSError."""
    with socket.create_connection((host, port), TIMEOUT) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return connection.makefile("r", encoding="latin-1").readline().strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
