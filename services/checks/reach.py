"""The way to a store: its name, its port, and the handshake of TLS, each failure told apart.

A client library says of all of these that it could not connect.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Sequence

from services.checks.finding import TLS, UNREACHABLE, Finding, Refused, as_warning, error, shown
from services.stores.access import Access, Address, Tls
from services.stores.ports import StoreError

_ALERT = 0.2
"""Seconds in which a server that refuses our certificate says so; TLS 1.3 lets it do that after the handshake."""

_DATES = {9, 10}  # not yet valid, expired
_NAMES = {62, 64}  # another host name, another IP address
"""Of X509_V_ERR_*: https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/"""


async def ways(
    addresses: Sequence[Address], access: Access, timeout: float, *, direct: bool = True
) -> tuple[list[int], list[Finding]]:
    """The numbers of the addresses that can be reached, and what is wrong with the others. `timeout`: seconds for a connection
    and for a handshake. `direct`: TLS, if it is asked for, begins with the first byte. Raises Refused if there is no way at
    all."""
    tls = access.tls if direct else None
    found = await asyncio.gather(
        *(_way(address, tls, f"endpoints[{number}]", timeout) for number, address in enumerate(addresses))
    )
    open_ = [number for number, problem in enumerate(found) if problem is None]
    problems = [problem for problem in found if problem is not None]
    if not open_:
        raise Refused(*dict.fromkeys(problems))
    return open_, [as_warning(problem) for problem in problems]


async def way(address: Address, tls: Tls | None, field: str, timeout: float) -> None:
    """Raises Refused if there is no way."""
    if problem := await _way(address, tls, field, timeout):
        raise Refused(problem)


async def speaks_tls(address: Address, timeout: float) -> bool:
    """Whether a handshake succeeds, whoever it is."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(*address, ssl=context)
    except (OSError, TimeoutError):
        return False
    await _close(writer)
    return True


def wants_tls(address: Address) -> Finding:
    text = f"{shown(address)} speaks TLS, and the declaration does not say so"
    return error(TLS, "tls", text, "declare tls, with caSecret if its authority is one of your own")


async def _way(address: Address, tls: Tls | None, field: str, timeout: float) -> Finding | None:
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(*address)
    except (OSError, TimeoutError) as failure:
        return unreachable(address, failure, field)
    await _close(writer)
    return await _handshake(address, tls, field, timeout) if tls is not None else None


def unreachable(address: Address, failure: Exception, field: str) -> Finding:
    place = shown(address)
    match failure:
        case socket.gaierror():
            return error(
                UNREACHABLE,
                field,
                f"the name {address[0]} is not known here",
                "correct it, or make it known to the DNS",
            )
        case ConnectionRefusedError():
            return error(UNREACHABLE, field, f"nothing listens on {place}", "start the server, or correct the address")
        case TimeoutError():
            remedy = "correct the address, or open the way: a firewall, a security group, a network policy"
            return error(UNREACHABLE, field, f"{place} does not answer", remedy)
    words = getattr(failure, "strerror", None) or type(failure).__name__
    return error(UNREACHABLE, field, f"{place} cannot be reached: {words}", "correct the address, or the network")


async def _handshake(address: Address, tls: Tls, field: str, timeout: float) -> Finding | None:
    try:
        context = tls.context()
    except StoreError as failure:
        return error(TLS, "tls", str(failure), "correct the secrets that tls names: certificates and keys in PEM form")
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(*address, ssl=context, server_hostname=address[0])
    except ssl.SSLError as failure:
        return distrusted(address, failure, field, tls)
    except (OSError, TimeoutError):
        remedy = "name the port on which it speaks TLS, or leave tls out"
        return error(TLS, "tls", f"{shown(address)} does not answer a TLS handshake", remedy)
    try:
        async with asyncio.timeout(_ALERT):
            await reader.read(1)
    except ssl.SSLError as failure:
        return _of_client(address, failure, tls)
    except (OSError, TimeoutError):
        pass
    finally:
        await _close(writer)
    return None


def distrusted(address: Address, failure: ssl.SSLError, field: str, tls: Tls) -> Finding:
    """Why TLS did not come about."""
    place = shown(address)
    if isinstance(failure, ssl.SSLCertVerificationError):
        words = failure.verify_message
        if failure.verify_code in _DATES:
            return error(TLS, field, f"the certificate of {place} is not valid now: {words}", "renew it there")
        if failure.verify_code in _NAMES:
            remedy = "declare an address that is in its certificate, or have this one put in"
            return error(TLS, field, f"the certificate of {place} is one for other names: {words}", remedy)
        remedy = (
            "put the certificate of its authority under the key ca.crt into a secret, and name that in tls.caSecret"
        )
        return error(TLS, "tls.caSecret", f"the certificate of {place} is not trusted: {words}", remedy)
    if failure.reason and "ALERT" in failure.reason:
        return _of_client(address, failure, tls)
    remedy = "name the port on which it speaks TLS, or leave tls out"
    return error(TLS, "tls", f"{place} does not speak TLS", remedy)


def _of_client(address: Address, failure: ssl.SSLError, tls: Tls) -> Finding:
    words = (failure.reason or "no reason given").replace("_", " ").lower()
    if tls.certificate_file:
        remedy = "put a certificate that it trusts, and its key, into the secret that tls.clientSecret names"
        return error(TLS, "tls.clientSecret", f"{shown(address)} refuses our certificate: {words}", remedy)
    remedy = "put tls.crt and tls.key into a secret, and name that in tls.clientSecret"
    return error(TLS, "tls.clientSecret", f"{shown(address)} asks for a certificate of its clients: {words}", remedy)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(1.0):
            await writer.wait_closed()
