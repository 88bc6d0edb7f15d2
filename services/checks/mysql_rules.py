"""What a MySQL or MariaDB server has to be like for the services to keep their promises. Pure."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.checks.finding import DENIED, MISCONFIGURED, UNSUPPORTED, Finding, error, warning
from services.stores.mysql.connect import OLDEST

DATA = ("SELECT", "INSERT", "UPDATE", "DELETE")
DEFINITIONS = ("CREATE", "ALTER", "DROP", "INDEX")
RIGHTS = DATA + DEFINITIONS
PACKET = 16 * 2**20
"""Bytes. A batch of the longest messages fits into one statement of this size."""

_GRANT = re.compile(r"GRANT (?P<rights>.+?) ON (?P<target>\S+) TO ")
_COLUMNS = re.compile(r"\s*\([^)]*\)")
_ROLE = re.compile(r"GRANT (?!.* ON ).+ TO ")


@dataclass(frozen=True)
class Facts:
    """What a server says of itself, and of the session that it gave us. Grants are the lines of SHOW GRANTS."""

    product: str
    version: tuple[int, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    sql_mode: str = "STRICT_TRANS_TABLES"
    character_sets: tuple[str, ...] = ("utf8mb4",)
    grants: tuple[str, ...] = ("GRANT ALL PRIVILEGES ON *.* TO `chatsystem`@`%`",)
    odd_tables: tuple[str, ...] = ()

    @property
    def server(self) -> str:
        return f"{self.product} {'.'.join(map(str, self.version))}"

    @property
    def read_only(self) -> bool:
        names = ("read_only", "super_read_only", "innodb_read_only")
        return any(self.variables.get(name, "OFF").upper() not in {"OFF", "0"} for name in names)


def judge(facts: Facts, *, database: str, connections: int, pending: bool, number: int) -> list[Finding]:
    """`connections`: what the services need altogether, 0 if that is not known. `pending`: a migration is left to be run.
    `number`: that of the address."""
    found = []
    oldest = OLDEST[facts.product]
    if facts.version < oldest:
        remedy = f"use {facts.product} {'.'.join(map(str, oldest))} or later"
        found.append(error(UNSUPPORTED, f"endpoints[{number}]", f"{facts.server} is too old", remedy))
    found += _of_rights(facts.grants, database, pending)
    found += _of_session(facts)
    found += _of_variables(facts.variables, connections)
    if facts.odd_tables:
        text = f"tables are not InnoDB with utf8mb4: {', '.join(facts.odd_tables)}"
        remedy = "ALTER TABLE … ENGINE=InnoDB, CONVERT TO CHARACTER SET utf8mb4; or use a database of its own"
        found.append(warning(MISCONFIGURED, "database", text, remedy))
    return found


def rights_of(grants: Sequence[str], database: str) -> set[str] | None:
    """The rights on every table of the database. None: they come from roles, whose rights are not shown."""
    held: set[str] = set()
    for line in grants:
        match = _GRANT.match(line)
        if match is None or not _covers(match["target"], database):
            continue
        for right in _COLUMNS.sub("", match["rights"]).split(","):
            held.add(right.strip().upper())
    if held & {"ALL", "ALL PRIVILEGES"}:
        return set(RIGHTS)
    if not held >= set(RIGHTS) and any(_ROLE.match(line) for line in grants):
        return None
    return held


def rights_remedy(database: str, user: str, rights: Sequence[str] = RIGHTS) -> str:
    return f"GRANT {', '.join(rights)} ON {database}.* TO {user}@…"


def _covers(target: str, database: str) -> bool:
    """Whether `target`, as SHOW GRANTS writes it, is all of the database: *.*, or a pattern in which _ and % are wild."""
    name, _, table = target.rpartition(".")
    if table != "*":
        return False
    pattern = name.strip("`")
    if pattern == "*":
        return True
    glob = re.sub(r"\\(.)|([%_])", lambda part: f"[{part[1]}]" if part[1] else {"%": "*", "_": "?"}[part[2]], pattern)
    return fnmatch.fnmatchcase(database, glob)


def _of_rights(grants: Sequence[str], database: str, pending: bool) -> list[Finding]:
    held = rights_of(grants, database)
    if held is None:
        return []
    data = [right for right in DATA if right not in held]
    definitions = [right for right in DEFINITIONS if right not in held]
    missing = data + definitions
    if not missing:
        return []
    text = f"the user lacks {', '.join(missing)} on {database}"
    remedy = rights_remedy(database, "the user", missing)
    if data or pending:
        return [error(DENIED, "secretName", text, remedy)]
    return [warning(DENIED, "secretName", f"{text}, which the next change of the schema needs", remedy)]


def _of_session(facts: Facts) -> list[Finding]:
    """Every session sets these itself; something in between may undo that."""
    strict, unicode = "STRICT_TRANS_TABLES" in facts.sql_mode, set(facts.character_sets) == {"utf8mb4"}
    if strict and unicode:
        return []
    what = "the SQL mode" if not strict else f"the character set ({', '.join(dict.fromkeys(facts.character_sets))})"
    text = f"{what} that a session asks for does not hold: texts could be cut off or changed"
    return [error(MISCONFIGURED, "", text, "let the proxy in front of the server, or its init_connect, leave it alone")]


def _of_variables(variables: Mapping[str, str], connections: int) -> list[Finding]:
    found = []
    logged = variables.get("log_bin", "OFF").upper() in {"ON", "1"}
    flush = variables.get("innodb_flush_log_at_trx_commit", "1")
    if flush != "1":
        text = f"innodb_flush_log_at_trx_commit is {flush}: a power cut loses messages that were acknowledged"
        found.append(warning(MISCONFIGURED, "", text, "set innodb_flush_log_at_trx_commit=1"))
    if logged and variables.get("sync_binlog", "1") != "1":
        text = f"sync_binlog is {variables['sync_binlog']}: after a power cut replicas may lack acknowledged messages"
        found.append(warning(MISCONFIGURED, "", text, "set sync_binlog=1"))
    if logged and variables.get("binlog_format", "ROW").upper() == "STATEMENT":
        text = "binlog_format is STATEMENT, with which sends are refused: they run at READ COMMITTED"
        found.append(error(MISCONFIGURED, "", text, "set binlog_format=ROW or MIXED"))
    packet = int(variables.get("max_allowed_packet", PACKET))
    if packet < PACKET:
        text = f"max_allowed_packet is {packet} bytes: large batches of messages are refused"
        found.append(warning(MISCONFIGURED, "", text, "set max_allowed_packet=16M or more"))
    limits = [int(variables.get(name, 0)) for name in ("max_connections", "max_user_connections")]
    limit = min((number for number in limits if number), default=0)
    if limit and connections > limit:
        text = f"it takes {limit} connections, and the services need up to {connections}"
        remedy = (
            "raise max_connections (and max_user_connections), or lower replicas and config.poolSize of the services"
        )
        found.append(warning(MISCONFIGURED, "", text, remedy))
    return found
