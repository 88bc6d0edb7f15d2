"""A certificate authority of a test's own, made with the openssl program."""

from __future__ import annotations

import itertools
import subprocess
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Authority:
    """`certificate` is what clients are told to trust."""

    folder: Path
    certificate: Path
    key: Path
    _serial: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def sign(self, name: str) -> tuple[Path, Path]:
        """A certificate and its key for a host name or an IP address, good for servers and for clients."""
        stem = self.folder / f"{name}-{next(self._serial)}"
        certificate, key, request, extensions = (
            stem.with_suffix(suffix) for suffix in (".crt", ".key", ".csr", ".ext")
        )
        kind = "IP" if name.replace(".", "").isdigit() else "DNS"
        extensions.write_text(f"subjectAltName={kind}:{name}\nextendedKeyUsage=serverAuth,clientAuth\n")
        _openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        _openssl(
            *("x509", "-req", "-in", request, "-out", certificate, "-days", "2", "-extfile", extensions),
            *("-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial"),
        )
        return certificate, key


def authority(folder: Path) -> Authority:
    folder.mkdir(parents=True)
    certificate, key = folder / "ca.crt", folder / "ca.key"
    _openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2"),
        *("-subj", f"/CN=authority of {folder.name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign"),
    )
    return Authority(folder, certificate, key)


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
