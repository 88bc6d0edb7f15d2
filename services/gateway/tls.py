"""The certificate of the public ports, where the gateway encrypts them itself.

CHATSYSTEM_TLS_CERTIFICATE_FILE holds the chain, CHATSYSTEM_TLS_KEY_FILE the key, both in PEM. They are read once: another certificate comes with
another process, which takes its place without a connection being refused.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping

_CERTIFICATE, _KEY = "CHATSYSTEM_TLS_CERTIFICATE_FILE", "CHATSYSTEM_TLS_KEY_FILE"


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
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        words = f"{error.reason or error}"
        raise CertificateError(f"{_CERTIFICATE} and {_KEY}: no certificate with its key in PEM: {words}") from None
    except OSError as error:
        raise CertificateError(f"{_CERTIFICATE} or {_KEY} cannot be read: {error.strerror}") from None
    return context
