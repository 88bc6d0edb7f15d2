"""The certificate of the public ports, where the gateway encrypts them itself.

CHATSYSTEM_TLS_CERTIFICATE_FILE holds the chain, CHATSYSTEM_TLS_KEY_FILE the key, both in PEM. They are read once: another certificate comes with
another process, which takes its place without a connection being refused.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

_CERTIFICATE, _KEY = "CHATSYSTEM_TLS_CERTIFICATE_FILE", "CHATSYSTEM_TLS_KEY_FILE"


HANDSHAKE = 10.0
"""Seconds. A connection counts, and is bounded like all others, from the end of its handshake on."""


class CertificateError(Exception):
    """The public ports cannot be encrypted; the text says why and names the variable."""


def read_tls(environment: Mapping[str, str]) -> ssl.SSLContext | None:
    """None: nothing is encrypted here. Raises CertificateError."""
    certificate, key = environment.get(_CERTIFICATE, ""), environment.get(_KEY, "")
    if not certificate and not key:
        return None
    if not certificate or not key:
        missing = _KEY if certificate else _CERTIFICATE
        raise CertificateError(f"{missing} is not set; name both files, or neither")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # A key with a passphrase must not make the process ask for it.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        words = f"{error.reason or error}"
        raise CertificateError(
            f"{_CERTIFICATE} and {_KEY}: no certificate with its key in PEM and without a passphrase: {words}"
        ) from None
    except OSError as error:
        raise CertificateError(f"{_CERTIFICATE} or {_KEY} cannot be read: {error.strerror}") from None
    return context


def encrypted_by(context: ssl.SSLContext | None) -> dict[str, Any]:
    """What a server is made with."""
    return {} if context is None else {"ssl": context, "ssl_handshake_timeout": HANDSHAKE}
