"""The check of Elasticsearch: version, rights on the indexes of the system, their health, and blocks on writing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from elastic_transport import ConnectionTimeout, TransportError
from elasticsearch import ApiError, AsyncElasticsearch, UnsupportedProductError

from services.checks.finding import (
    DENIED,
    FULL,
    MISCONFIGURED,
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
    warning,
)
from services.checks.reach import speaks_tls, wants_tls, ways
from services.stores.access import Access, Tls
from services.stores.elasticsearch.client import connect, kind_of

OLDEST = (8,)
NEARLY_FULL = 0.9
"""Used share of a disk from which, by default, no new copies are placed on a node (the high watermark)."""
PRIVILEGES = ("manage", "read", "write")


@dataclass(frozen=True)
class Facts:
    """What the cluster says. `blocks`: block -> the indexes that have it; `disks`: node -> used share."""

    version: str
    status: str = "green"
    unassigned: int = 0
    missing: tuple[str, ...] = ()
    blocks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    disks: Mapping[str, float] = field(default_factory=dict)


async def check(wanted: Wanted) -> Report:
    """Raises Refused."""
    urls = wanted.url.split(",")
    nodes = [(str(urlsplit(url).hostname), _port(url)) for url in urls]
    encrypted = all(url.startswith("https:") for url in urls)
    access = wanted.access if not encrypted or wanted.access.tls else _with_tls(wanted.access)
    numbers, findings = await ways(nodes, access if encrypted else Access(), wanted.timeout)
    chosen = numbers[0]
    prefix = wanted.options.get("SEARCH_INDEX_PREFIX", "chatsystem")
    client = connect([urls[chosen]], access, timeout=wanted.timeout)
    try:
        facts = await _look(client, prefix)
    except (ApiError, TransportError, UnsupportedProductError) as failure:
        if not encrypted and not isinstance(failure, ApiError) and await speaks_tls(nodes[chosen], wanted.timeout):
            remedy = "write https in endpoints, and name its authority in tls.caSecret if it is one of your own"
            plain = wants_tls(nodes[chosen])
            raise Refused(error(plain.reason, f"endpoints[{chosen}]", plain.message, remedy)) from failure
        raise Refused(_refusal(failure, nodes[chosen], f"endpoints[{chosen}]", access, prefix), *findings) from failure
    finally:
        await client.close()
    found = judge(facts, prefix, access.username or "elastic")
    return Report(f"Elasticsearch {facts.version}", shown(nodes[chosen]), findings=(*found, *findings))


async def _look(client: AsyncElasticsearch, prefix: str) -> Facts:
    """Stops at the version if that is too old. Raises what the library raises."""
    version = str((await client.info())["version"]["number"])
    if version_of(version) < OLDEST:
        return Facts(version)
    missing = await _missing_rights(client, prefix)
    if missing:
        return Facts(version, missing=missing)
    indexes = f"{prefix}-*"
    health = await client.cluster.health(index=indexes, expand_wildcards="all")
    settings = await client.indices.get_settings(index=indexes, name="index.blocks.*", flat_settings=True)
    cluster = await client.cluster.get_settings(flat_settings=True)
    stats = await client.nodes.stats(metric="fs", filter_path="nodes.*.name,nodes.*.fs.total")
    blocks: dict[str, tuple[str, ...]] = {}
    for index, answer in settings.body.items():
        for name, value in answer.get("settings", {}).items():
            if str(value) == "true":
                short = name.removeprefix("index.blocks.")
                blocks[short] = (*blocks.get(short, ()), index)
    for scope in ("persistent", "transient"):
        for name, value in cluster.body.get(scope, {}).items():
            if name.startswith("cluster.blocks.") and str(value) == "true":
                blocks[name.removeprefix("cluster.blocks.")] = ("the whole cluster",)
    disks = {
        str(node.get("name", name)): 1
        - node["fs"]["total"]["available_in_bytes"] / node["fs"]["total"]["total_in_bytes"]
        for name, node in stats.body.get("nodes", {}).items()
        if node.get("fs", {}).get("total", {}).get("total_in_bytes")
    }
    return Facts(version, health["status"], int(health["unassigned_shards"]), (), blocks, disks)


async def _missing_rights(client: AsyncElasticsearch, prefix: str) -> tuple[str, ...]:
    names = [f"{prefix}-messages-000001"]  # a name and not a pattern: a right on more than that counts, too
    try:
        answer = await client.security.has_privileges(
            cluster=["monitor"], index=[{"names": names, "privileges": list(PRIVILEGES)}]
        )
    except ApiError as failure:
        if failure.meta.status in {401, 403}:
            raise
        return ()  # security is off: everybody may do everything
    missing = [f"{name} on the cluster" for name, held in answer["cluster"].items() if not held]
    held = answer["index"][names[0]]
    return (*missing, *(f"{name} on {prefix}-*" for name in PRIVILEGES if not held[name]))


def judge(facts: Facts, prefix: str, user: str) -> list[Finding]:
    if version_of(facts.version) < OLDEST:
        text = f"Elasticsearch {facts.version} is too old"
        return [error(UNSUPPORTED, "endpoints[0]", text, "use Elasticsearch 8 or later")]
    if facts.missing:
        text = f"the user {user} lacks {', '.join(facts.missing)}"
        remedy = f"give its role monitor on the cluster, and manage, read and write on {prefix}-*"
        return [error(DENIED, "secretName", text, remedy)]
    found = [_of_block(name, indexes) for name, indexes in sorted(facts.blocks.items())]
    if facts.status == "red":
        text = f"a part of the indexes {prefix}-* is not there (red), so searches are answered from the database"
        remedy = "bring back the lost node; or delete the index, it is made and filled again"
        found.append(error(UNHEALTHY, "", text, remedy))
    elif facts.status == "yellow":
        text = f"{facts.unassigned} copies of parts of the indexes {prefix}-* have no node (yellow)"
        found.append(warning(UNHEALTHY, "", text, "see GET _cluster/allocation/explain"))
    for node, used in sorted(facts.disks.items()):
        if used >= NEARLY_FULL:
            text = f"the disk of the node {node} is used to {used:.0%}; from 95 % on, indexes become read-only"
            found.append(warning(FULL, "", text, "make room, or give it a larger disk"))
    return found


def _of_block(name: str, indexes: tuple[str, ...]) -> Finding:
    where = ", ".join(indexes)
    if name == "read_only_allow_delete":
        remedy = "make room on the disk; then Elasticsearch lifts the block by itself"
        return error(FULL, "", f"the disk was full, so {where} takes no writes", remedy)
    remedy = f"lift it: set blocks.{name} to null in the settings of {where}"
    return error(MISCONFIGURED, "", f"{where} is blocked by the setting blocks.{name}", remedy)


def _refusal(failure: Exception, node: tuple[str, int], where: str, access: Access, prefix: str) -> Finding:
    place, user = shown(node), access.username or "elastic"
    match failure:
        case UnsupportedProductError():
            text = f"{place} is not Elasticsearch, or one that is too old"
            return error(UNSUPPORTED, where, text, "use Elasticsearch 8 or later, from Elastic")
        case ApiError() if failure.meta.status == 401:
            if not access.username and not access.password:
                remedy = "put username and password into a secret, and name it in secretName"
                return error(DENIED, "secretName", f"{place} asks for a user name and a password", remedy)
            text = f"{place} refuses the user {user} or its password"
            return error(DENIED, "secretName", text, "correct username and password in the secret")
        case ApiError() if failure.meta.status == 403:
            remedy = f"give its role monitor on the cluster, and manage, read and write on {prefix}-*"
            return error(DENIED, "secretName", f"the user {user} lacks a right ({kind_of(failure)})", remedy)
        case ApiError() if failure.meta.status in {503, 429}:
            text = f"{place} cannot work now ({kind_of(failure)}): it has no master, or is overloaded"
            return error(UNHEALTHY, where, text, "see its log")
        case ApiError():
            text = f"{place} answers {failure.meta.status} ({kind_of(failure)})"
            return error(UNHEALTHY, where, text, "see its log; is this an address of Elasticsearch itself?")
        case ConnectionTimeout():
            return error(UNREACHABLE, where, f"{place} does not answer in time", "see its load and its log")
    return error(UNREACHABLE, where, f"{place} does not speak HTTP, or went away", "correct the address")


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def _with_tls(access: Access) -> Access:
    return Access(access.username, access.password, Tls())
