"""A private certificate authority and the certificate it issued, kept together in one document that no process is given.

The document is the truth, what processes read is made from it (`published`). So a target has one thing to write atomically, and a
crash between two files is found and mended. Which change is due is decided in `certificates`; here it is carried out.
Keys are ECDSA on P-256: every TLS library knows them, and a handshake costs a fraction of what RSA takes.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from controller.blueprint.workload import Certificate
from controller.engine.certificates import AUTHORITY_LIVES, CertificateState, Change, Phase, lifetime

BACKDATED = 300.0
"""Seconds before its making from which a certificate is valid: clocks of machines differ."""


class DamagedAuthority(ValueError):
    """The document is not one of this module, or not whole."""


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, PEM."""

    certificate: str
    key: str

    def __repr__(self) -> str:
        return "Pair(...)"


@dataclass(frozen=True)
class Authority:
    """`issuing` signed `leaf`; `trusted` has the certificates that processes accept; `next` is the successor that was
    announced."""

    issuing: Pair
    leaf: Pair
    trusted: tuple[str, ...]
    next: Pair | None = None

    def document(self) -> bytes:
        """To be kept as a secret: it holds the keys."""
        return json.dumps(asdict(self), indent=1).encode()

    def published(self) -> dict[str, bytes]:
        """What processes read, by key of their secret."""
        return {
            "ca.crt": "".join(self.trusted).encode(),
            "tls.crt": self.leaf.certificate.encode(),
            "tls.key": self.leaf.key.encode(),
        }

    def state(self, published: dict[str, bytes]) -> CertificateState:
        """In the words of decisions; `published` is what processes read now."""
        leaf, issuer = _parsed(self.leaf.certificate), _parsed(self.issuing.certificate)
        phase = Phase.ANNOUNCED if self.next else Phase.SWITCHED if len(self.trusted) > 1 else Phase.STEADY
        return CertificateState(
            until=leaf.not_valid_after_utc.timestamp(),
            since=leaf.not_valid_before_utc.timestamp(),
            authority_until=issuer.not_valid_after_utc.timestamp(),
            phase=phase,
            published=published == self.published(),
        )


def read_authority(document: bytes) -> Authority:
    """Raises DamagedAuthority."""
    try:
        kept: dict[str, Any] = json.loads(document)
        successor = kept["next"]
        made = Authority(
            issuing=Pair(**kept["issuing"]),
            leaf=Pair(**kept["leaf"]),
            trusted=tuple(kept["trusted"]),
            next=Pair(**successor) if successor else None,
        )
        made.state({})
    except (ValueError, TypeError, KeyError) as error:
        raise DamagedAuthority("the kept authority cannot be read") from error
    return made


def changed(authority: Authority | None, change: Change, certificate: Certificate, now: float) -> Authority:
    """The authority after a change that is due. `now` in Unix seconds."""
    if authority is None or change is Change.CREATE:
        issuing = _new_authority(certificate, now)
        return Authority(issuing, _issued(issuing, certificate, now), (issuing.certificate,))
    match change:
        case Change.RENEW:
            return replace(authority, leaf=_issued(authority.issuing, certificate, now))
        case Change.ANNOUNCE:
            successor = _new_authority(certificate, now)
            return replace(authority, next=successor, trusted=(*authority.trusted, successor.certificate))
        case Change.SWITCH if authority.next is not None:
            return Authority(authority.next, _issued(authority.next, certificate, now), authority.trusted)
        case Change.WITHDRAW:
            return replace(authority, trusted=(authority.issuing.certificate,))
    return authority


def ends(pem: bytes) -> CertificateState:
    """Of a person's own certificate. Raises DamagedAuthority if it is none."""
    try:
        leaf = x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise DamagedAuthority("it is not a certificate in PEM form") from error
    return CertificateState(leaf.not_valid_after_utc.timestamp(), leaf.not_valid_before_utc.timestamp())


def _new_authority(certificate: Certificate, now: float) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    # Two authorities of one system must not share a name, or the wrong one is looked at.
    subject = _name(f"chatsystem authority {serial % 2**32:08x}")
    builder = (
        _builder(subject, subject, key.public_key(), serial)
        .not_valid_before(_time(now - BACKDATED))
        .not_valid_after(_time(now + AUTHORITY_LIVES * certificate.validity))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    return _pair(builder.sign(key, hashes.SHA256()), key)


def _issued(issuing: Pair, certificate: Certificate, now: float) -> Pair:
    issuer = _parsed(issuing.certificate)
    issuer_key = serialization.load_pem_private_key(issuing.key.encode(), password=None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)  # noqa: S101 - this module made it
    key = ec.generate_private_key(ec.SECP256R1())
    life = lifetime(certificate, issuer.not_valid_after_utc.timestamp(), now)
    authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = (
        _builder(_name(certificate.name), issuer.subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(_time(now - BACKDATED))
        .not_valid_after(_time(now + life))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(authority_key, critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(certificate.name)]), critical=False)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
    )
    return _pair(builder.sign(issuer_key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, serial: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(serial)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pair(made: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Pair(made.public_bytes(pem).decode(), private.decode())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _parsed(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def _time(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC)
