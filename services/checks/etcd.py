"""The check of etcd: version, leader, alarms, and the rights on the keys of the registry. Nothing is written: the transaction
that asks for the rights has a condition that is never true."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import grpc

from services.checks.finding import (
    DENIED,
    FULL,
    TLS,
    UNHEALTHY,
    UNREACHABLE,
    UNSUPPORTED,
    Finding,
    Refused,
    Report,
    Wanted,
    error,
    shown,
    version_of,
)
from services.checks.reach import speaks_tls, wants_tls, ways
from services.checks.threads import in_thread
from services.stores.access import Address, addresses
from services.stores.etcd_client import EtcdClient
from services.stores.ports import StoreError

OLDEST = (3, 4)
_FULL = "space exceeded"
_OWN_WORDS = ("etcdserver:", "context deadline exceeded")
"""How a failure begins that a member tells, and not the way to it."""


async def check(wanted: Wanted) -> Report:
    """Raises Refused."""
    if wanted.access.tls is not None and not wanted.access.tls.verify:
        text = "insecureSkipVerify is not possible with etcd, whose client always verifies"
        raise Refused(error(TLS, "tls.insecureSkipVerify", text, "name its authority in tls.caSecret"))
    if bool(wanted.access.username) != bool(wanted.access.password):
        text = "the secret has a user name or a password, but not both"
        raise Refused(error(DENIED, "secretName", text, "give it both, or leave secretName out"))
    members = addresses(wanted.url)
    numbers, findings = await ways(members, wanted.access, wanted.timeout)
    last = Refused()
    for number in numbers:
        try:
            version = await in_thread(lambda number=number: _look(members[number], number, wanted))  # type: ignore[misc]
        except Refused as refused:
            last = refused
            silent = refused.findings[0].reason == UNREACHABLE and wanted.access.tls is None
            if silent and await speaks_tls(members[number], wanted.timeout):
                last = Refused(wants_tls(members[number]))
            continue
        if version_of(version) < OLDEST:
            text = f"etcd {version} is too old"
            findings.append(error(UNSUPPORTED, f"endpoints[{number}]", text, "use etcd 3.4 or later"))
        return Report(f"etcd {version}", shown(members[number]), findings=tuple(findings))
    raise Refused(*last.findings, *findings)


def _look(member: Address, number: int, wanted: Wanted) -> str:
    """The version of a member on which the services can work. Raises Refused."""
    prefix = urlsplit(wanted.url).path.rstrip("/")
    host = f"[{member[0]}]" if ":" in member[0] else member[0]
    client = EtcdClient(f"etcd://{host}:{member[1]}{prefix}", wanted.access, timeout=wanted.timeout)
    try:
        status = client.call(lambda etcd: _status(client.messages, etcd, wanted.timeout))
        if not status.leader:
            raise Refused(
                error(UNHEALTHY, "", "etcd has no leader, so it takes no writes", "start enough members for a majority")
            )
        for key in (f"{prefix}/check", f"/metadata{prefix}/check"):
            client.call(lambda etcd, key=key: _may_write(client.messages, etcd, key, wanted.timeout))  # type: ignore[misc]
    except StoreError as failure:
        raise Refused(_refusal(failure, member, number, wanted, prefix)) from failure
    finally:
        client.close()
    return str(status.version)


def _status(messages: Any, etcd: Any, timeout: float) -> Any:
    return etcd.maintenancestub.Status(
        messages.StatusRequest(), timeout, credentials=etcd.call_credentials, metadata=etcd.metadata
    )


def _may_write(messages: Any, etcd: Any, key: str, timeout: float) -> None:
    """etcd looks at the rights and the room that both branches of a transaction need before it decides which to take."""
    never = messages.Compare(
        result=messages.Compare.GREATER, target=messages.Compare.VERSION, key=key.encode(), version=2**62
    )
    puts = messages.RequestOp(request_put=messages.PutRequest(key=key.encode(), value=b"check"))
    gets = messages.RequestOp(request_range=messages.RangeRequest(key=key.encode()))
    etcd.kvstub.Txn(
        messages.TxnRequest(compare=[never], success=[puts], failure=[gets]),
        timeout,
        credentials=etcd.call_credentials,
        metadata=etcd.metadata,
    )


def _refusal(failure: StoreError, member: Address, number: int, wanted: Wanted, prefix: str) -> Finding:
    cause: BaseException | None = failure.__cause__ or failure
    while cause is not None and not isinstance(cause, grpc.RpcError):
        cause = cause.__context__
    call: Any = cause
    code = call.code() if call is not None else None
    details = str(call.details() or "") if call is not None else ""
    user, field = wanted.access.username, f"endpoints[{number}]"
    match code:
        case grpc.StatusCode.RESOURCE_EXHAUSTED if _FULL in details:
            remedy = "compact and defragment it, raise --quota-backend-bytes, then: etcdctl alarm disarm"
            return error(FULL, "", "etcd has the alarm NOSPACE and takes no writes", remedy)
        case grpc.StatusCode.PERMISSION_DENIED:
            remedy = " and ".join(
                f"etcdctl role grant-permission ROLE readwrite {key} --prefix" for key in (prefix, f"/metadata{prefix}")
            )
            return error(DENIED, "secretName", f"the etcd user {user} may not read and write below {prefix}", remedy)
        case grpc.StatusCode.INVALID_ARGUMENT if "user name is empty" in details or not user:
            remedy = "put username and password into a secret, and name it in secretName"
            return error(DENIED, "secretName", "etcd asks for a user name and a password", remedy)
        case grpc.StatusCode.INVALID_ARGUMENT | grpc.StatusCode.UNAUTHENTICATED:
            remedy = "correct username and password in the secret"
            return error(DENIED, "secretName", f"etcd refuses the user name {user} or its password", remedy)
        case grpc.StatusCode.FAILED_PRECONDITION if "authentication is not enabled" in details:
            remedy = "leave secretName out, or turn authentication on: etcdctl auth enable"
            return error(DENIED, "secretName", "etcd has no authentication, and the declaration names a secret", remedy)
        case grpc.StatusCode.UNIMPLEMENTED:
            text = f"{shown(member)} is no etcd 3 server"
            return error(UNSUPPORTED, field, text, "correct the address")
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            text = f"etcd takes no writes in time: {shown(member)} has no majority, or is overloaded"
            return error(UNHEALTHY, "", text, "start enough members for a majority")
        case grpc.StatusCode.UNKNOWN | grpc.StatusCode.UNAVAILABLE if details.startswith(_OWN_WORDS):
            text = f"etcd takes no writes now ({details.removeprefix('etcdserver:').strip()})"
            return error(UNHEALTHY, "", text, "start enough members for a majority")
    return error(UNREACHABLE, field, f"{shown(member)}: {failure}", "correct the address, or see its log")
