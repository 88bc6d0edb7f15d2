"""The check of Redis or Valkey: the addresses, the primary among them, its version, kind and memory, and whether it takes a
write of ours."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    ConnectionError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,
)

from services.checks.finding import (
    DENIED,
    FULL,
    INCOMPLETE,
    MISCONFIGURED,
    READ_ONLY,
    UNHEALTHY,
    UNREACHABLE,
    UNSUPPORTED,
    Finding,
    Refused,
    Report,
    Wanted,
    as_warning,
    error,
    shown,
    version_of,
    warning,
)
from services.checks.reach import speaks_tls, wants_tls, ways
from services.stores.access import Access, Address, addresses

OLDEST = (7,)
NEARLY_FULL = 0.9
RIGHTS = "~* &* +@all -@admin -@dangerous"
_PROBE = "redis.call('SET', KEYS[1], '1', 'PX', 1000) return redis.call('DEL', KEYS[1])"


@dataclass(frozen=True)
class Facts:
    """What a server says of itself: the answer to HELLO, which any user may send, and that to INFO, which not every user may."""

    product: str
    version: str
    mode: str = "standalone"
    role: str = "master"
    info: Mapping[str, Any] = field(default_factory=dict)

    @property
    def server(self) -> str:
        return f"{self.product} {self.version}"


async def check(wanted: Wanted) -> Report:
    """Raises Refused."""
    places = addresses(wanted.url)
    numbers, problems = await ways(places, wanted.access, wanted.timeout)
    answers = await asyncio.gather(
        *(_look(places[number], number, wanted) for number in numbers), return_exceptions=True
    )
    servers: dict[int, Facts] = {}
    for number, answer in zip(numbers, answers, strict=True):
        match answer:
            case Facts():
                servers[number] = answer
            case Refused():
                problems += answer.findings
            case BaseException():
                raise answer
    primary = next((number for number, facts in servers.items() if facts.role == "master"), None)
    if primary is None:
        raise Refused(*(_read_only(number, places[number]) for number in servers), *problems)
    found = judge(servers[primary], primary)
    if not any(finding.severity == "error" for finding in found):
        found += await _write(places[primary], primary, wanted)
    # A replica is passed over while another address takes writes.
    findings = (*found, *map(as_warning, problems))
    return Report(servers[primary].server, shown(places[primary]), findings=findings)


def _client(address: Address, access: Access, timeout: float) -> Any:
    options: dict[str, Any] = {}
    if access.tls is not None:
        options = {
            "ssl": True,
            "ssl_ca_certs": access.tls.ca_file or None,
            "ssl_certfile": access.tls.certificate_file or None,
            "ssl_keyfile": access.tls.key_file or None,
            "ssl_cert_reqs": "required" if access.tls.verify else "none",
            "ssl_check_hostname": access.tls.verify,
        }
    return Redis(
        host=address[0],
        port=address[1],
        username=access.username or None,
        password=access.password or None,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        single_connection_client=True,
        decode_responses=True,
        **options,
    )


async def _look(address: Address, number: int, wanted: Wanted) -> Facts:
    """Raises Refused."""
    try:
        async with _client(address, wanted.access, wanted.timeout) as client:
            answer = await client.execute_command("HELLO")
            hello = answer if isinstance(answer, dict) else dict(zip(answer[::2], answer[1::2], strict=True))
            try:
                info = await client.info()
            except NoPermissionError:
                info = {}
    except (RedisError, OSError) as failure:
        raise Refused(await _refusal(failure, address, number, wanted)) from failure
    valkey = info.get("valkey_version")
    product = "Valkey" if valkey or hello.get("server") == "valkey" else "Redis"
    return Facts(product, str(valkey or hello["version"]), hello.get("mode", ""), hello.get("role", ""), info)


async def _write(address: Address, number: int, wanted: Wanted) -> list[Finding]:
    """Does once what the services do, in the database that is declared."""
    try:
        async with _client(address, wanted.access, wanted.timeout) as client:
            await client.execute_command("SELECT", int(urlsplit(wanted.url).path.strip("/") or 0))
            await client.eval(_PROBE, 1, f"chatsystem-check:{secrets.token_hex(8)}")
    except (RedisError, OSError) as failure:
        return [await _refusal(failure, address, number, wanted)]
    return []


def _read_only(number: int, address: Address) -> Finding:
    text = f"{shown(address)} is a replica, which takes no writes"
    return error(READ_ONLY, f"endpoints[{number}]", text, "name the primary, too, or promote this one")


def judge(facts: Facts, number: int) -> list[Finding]:
    """`number`: that of the address. The fields of INFO: https://redis.io/docs/latest/commands/info/."""
    place, found = f"endpoints[{number}]", []
    if version_of(facts.version) < OLDEST:
        remedy = "use Redis 7 or Valkey 7, or later"
        found.append(error(UNSUPPORTED, place, f"{facts.server} is too old", remedy))
    if facts.mode == "cluster":
        text = "it is a node of a Redis Cluster, whose nodes hold a part of the keys each"
        found.append(error(UNSUPPORTED, place, text, "name a primary, and its replicas"))
    if facts.mode == "sentinel" or facts.role == "sentinel":
        text = "it is a Sentinel, which holds no data"
        found.append(error(UNSUPPORTED, place, text, "name the servers that it watches over"))
    if facts.info.get("loading"):
        found.append(error(UNHEALTHY, place, "it is still loading its data", "wait until it has"))
    return found + _of_memory(facts.info)


def _of_memory(info: Mapping[str, Any]) -> list[Finding]:
    limit, used, policy = (info.get(key, 0) for key in ("maxmemory", "used_memory", "maxmemory_policy"))
    if not limit:
        return []
    if policy != "noeviction":
        text = f"maxmemory-policy is {policy}: short of memory it drops the presence of people, who then miss pushes"
        return [warning(MISCONFIGURED, "", text, "set maxmemory-policy noeviction, and give it enough maxmemory")]
    if used > limit * NEARLY_FULL:
        text = f"{used * 100 // limit} % of its maxmemory are used; when it is full it refuses writes"
        return [warning(FULL, "", text, "raise maxmemory, or let nobody else keep data there")]
    return []


async def _refusal(failure: Exception, address: Address, number: int, wanted: Wanted) -> Finding:
    place, where = shown(address), f"endpoints[{number}]"
    cause: BaseException = failure
    while isinstance(cause, ConnectionError) and not isinstance(cause, AuthenticationError) and cause.__cause__:
        cause = cause.__cause__
    word = str(cause).split(" ", 1)[0]
    match cause:
        case AuthenticationError():
            text = f"{place} refuses the {'user name or the password' if wanted.access.username else 'password'}"
            if not wanted.access.password:
                text = f"{place} asks for a password, and there is none"
            remedy = "correct username and password in the secret; a server that knows no users wants an empty username"
            return error(DENIED, "secretName", text, remedy)
        case NoPermissionError():
            user = wanted.access.username or "default"
            return error(DENIED, "secretName", f"the user {user} lacks rights", f"ACL SETUSER {user} {RIGHTS}")
        case ReadOnlyError():
            return error(READ_ONLY, where, f"{place} takes no writes", "name the primary, or promote this one")
        case OutOfMemoryError():
            return error(FULL, "", f"{place} is out of memory and refuses writes", "raise maxmemory")
        case ResponseError() if "DB index" in str(cause):
            remedy = "use a lower number, or raise `databases` of the server"
            return error(INCOMPLETE, "database", f"{place} has no database {urlsplit(wanted.url).path[1:]}", remedy)
        case ResponseError() if word == "NOAUTH":
            remedy = "put username and password into a secret, and name it in secretName"
            return error(DENIED, "secretName", f"{place} asks for a password, and there is none", remedy)
        case ResponseError() if word == "MISCONF":
            text = f"{place} refuses writes because it cannot save to its disk"
            return error(FULL, "", text, "see its log: the disk is full, or its folder cannot be written")
        case ResponseError():
            text = f"{place} refuses what the services do ({word})"
            return error(UNHEALTHY, where, text, "see its log")
    if wanted.access.tls is None and await speaks_tls(address, wanted.timeout):
        return wants_tls(address)
    silent = isinstance(cause, TimeoutError)
    text = f"{place} {'does not answer in time' if silent else 'does not speak the Redis protocol, or went away'}"
    return error(UNREACHABLE, where, text, "correct the address, or see what the server waits for")
