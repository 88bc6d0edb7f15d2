"""TLS between the processes, off by default: both sides show a certificate of the same authority.

Replicas are found by address, and addresses change. So the name that must stand in a certificate is not the address but
one name for all services.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import grpc

_PREFIX = "CHATSYSTEM_RPC_TLS_"
_FILES = ("CERT_FILE", "KEY_FILE", "CA_FILE")
DEFAULT_NAME = "chatsystem-services"


@dataclass(frozen=True)
class RpcTls:
    """PEM contents."""

    certificate: bytes
    key: bytes = field(repr=False)
    authority: bytes
    name: str
    """Stands as a DNS name in every certificate."""

    def server_credentials(self) -> grpc.ServerCredentials:
        import grpc

        return grpc.ssl_server_credentials(
            [(self.key, self.certificate)], root_certificates=self.authority, require_client_auth=True
        )

    def channel_credentials(self) -> grpc.ChannelCredentials:
        import grpc

        return grpc.ssl_channel_credentials(self.authority, self.key, self.certificate)

    def lives(self) -> Lives:
        from cryptography import x509

        leaf = x509.load_pem_x509_certificate(self.certificate)
        trusted = x509.load_pem_x509_certificates(self.authority)
        return Lives(
            leaf.not_valid_before_utc.timestamp(),
            leaf.not_valid_after_utc.timestamp(),
            max(one.not_valid_after_utc.timestamp() for one in trusted),
        )


@dataclass(frozen=True)
class Lives:
    """Unix seconds between which the certificate is valid, and until when the longest-lived authority is."""

    since: float
    until: float
    authority_until: float


def read_rpc_tls(environment: Mapping[str, str], problems: list[str]) -> RpcTls | None:
    """None if TLS is off. What is wrong is added to `problems`."""
    paths = {name: environment.get(_PREFIX + name, "") for name in _FILES}
    if not any(paths.values()):
        return None
    missing = [_PREFIX + name for name in _FILES if not paths[name]]
    if missing:
        problems.append(
            f"{', '.join(missing)} not set; TLS between processes needs {', '.join(_PREFIX + f for f in _FILES)}"
        )
        return None
    contents: dict[str, bytes] = {}
    for name, path in paths.items():
        try:
            contents[name] = Path(path).read_bytes()
        except OSError as error:
            problems.append(f"{_PREFIX}{name}: {path} cannot be read: {error.strerror}")
    if len(contents) < len(paths):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(paths["CA_FILE"])
    except (OSError, ssl.SSLError):
        problems.append(f"{_PREFIX}CA_FILE: {paths['CA_FILE']} holds no certificate in PEM form")
        return None
    try:
        # A key with a passphrase must not make the process ask for it.
        context.load_cert_chain(paths["CERT_FILE"], paths["KEY_FILE"], password="")
    except (OSError, ssl.SSLError):
        problems.append(
            f"{_PREFIX}CERT_FILE and {_PREFIX}KEY_FILE: {paths['CERT_FILE']} and {paths['KEY_FILE']} are not a certificate and "
            "its key, both in PEM form and without a passphrase"
        )
        return None
    name = environment.get(_PREFIX + "NAME") or DEFAULT_NAME
    if problem := _misfit(contents["CERT_FILE"], name, time.time()):
        problems.append(f"{_PREFIX}CERT_FILE: {paths['CERT_FILE']} {problem}")
        return None
    return RpcTls(contents["CERT_FILE"], contents["KEY_FILE"], contents["CA_FILE"], name)


def _misfit(certificate: bytes, name: str, now: float) -> str:
    """Why the others would not accept the certificate, or nothing: their refusal tells only that there was one."""
    from cryptography import x509

    leaf = x509.load_pem_x509_certificate(certificate)
    if leaf.not_valid_after_utc.timestamp() <= now:
        return f"ended on {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC; put a new one in its place"
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        known = names.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        known = []
    if name not in known:
        return f"is not for the DNS name {name}; have it issued with that subject alternative name"
    return ""
