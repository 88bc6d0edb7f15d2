"""The rules for a MySQL server, on what servers say of themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.checks.mysql_rules import RIGHTS, Facts, judge, rights_of

MARIADB = Facts("MariaDB", (10, 11, 6))
EVERYTHING = set(RIGHTS)


def found(facts: Facts, *, connections: int = 0, pending: bool = False) -> list[tuple[str, str, str]]:
    findings = judge(facts, database="chen_im", connections=connections, pending=pending, number=1)
    return [(each.severity, each.reason, each.field) for each in findings]


@pytest.mark.parametrize(
    ("grants", "rights"),
    [
        (["GRANT ALL PRIVILEGES ON *.* TO `a`@`%` WITH GRANT OPTION"], EVERYTHING),
        (["GRANT USAGE ON *.* TO `a`@`%`", "GRANT ALL PRIVILEGES ON `chen_im`.* TO `a`@`%`"], EVERYTHING),
        (["GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*X'", "GRANT ALL ON `chen\\_im`.* TO `a`@`%`"], EVERYTHING),
        (["GRANT ALL PRIVILEGES ON `chen%`.* TO `a`@`%`"], EVERYTHING),
        (["GRANT ALL PRIVILEGES ON `chen-im`.* TO `a`@`%`"], set()),
        (["GRANT ALL PRIVILEGES ON `chen\\_im2`.* TO `a`@`%`"], set()),
        (["GRANT ALL PRIVILEGES ON `chen_im`.`message` TO `a`@`%`"], set()),
        (["GRANT SELECT ON *.* TO `a`@`%`", "GRANT INSERT, UPDATE (`name`, `age`) ON `chen_im`.* TO `a`@`%`"],
         {"SELECT", "INSERT", "UPDATE"}),
        (["GRANT SELECT ON *.* TO `a`@`%`", "GRANT `writer`@`%` TO `a`@`%`"], None),
        (["GRANT `writer` TO `a`@`%`", "GRANT ALL PRIVILEGES ON `chen_im`.* TO `a`@`%`"], EVERYTHING),
        (["GRANT PROXY ON ``@`%` TO `root`@`localhost` WITH GRANT OPTION"], set()),
    ],
)  # fmt: skip
def test_the_rights_on_a_database(grants: list[str], rights: set[str] | None) -> None:
    assert rights_of(grants, "chen_im") == rights


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({}, None),
        ({"product": "MySQL", "version": (8, 0, 17)}, None),
        ({"product": "MySQL", "version": (5, 7, 44)}, ("error", "StoreUnsupported", "endpoints[1]")),
        ({"version": (10, 5, 1)}, ("error", "StoreUnsupported", "endpoints[1]")),
        ({"sql_mode": "NO_ENGINE_SUBSTITUTION"}, ("error", "StoreMisconfigured", "")),
        ({"character_sets": ("utf8mb4", "latin1")}, ("error", "StoreMisconfigured", "")),
        ({"grants": ("GRANT `writer` TO `a`@`%`",)}, None),
        ({"variables": {"innodb_flush_log_at_trx_commit": "0"}}, ("warning", "StoreMisconfigured", "")),
        ({"variables": {"sync_binlog": "0"}}, None),
        ({"variables": {"sync_binlog": "0", "log_bin": "ON"}}, ("warning", "StoreMisconfigured", "")),
        ({"variables": {"binlog_format": "STATEMENT"}}, None),
        ({"variables": {"binlog_format": "STATEMENT", "log_bin": "ON"}}, ("error", "StoreMisconfigured", "")),
        ({"variables": {"max_allowed_packet": str(2**20)}}, ("warning", "StoreMisconfigured", "")),
    ],
)
def test_what_endangers_a_promise(changes: dict, finding: tuple[str, str, str] | None) -> None:
    assert found(replace(MARIADB, **changes)) == ([finding] if finding else [])


@pytest.mark.parametrize(
    ("limits", "needed", "enough"),
    [
        ({"max_connections": "151"}, 151, True),
        ({"max_connections": "151"}, 152, False),
        ({"max_connections": "151", "max_user_connections": "0"}, 100, True),
        ({"max_connections": "151", "max_user_connections": "50"}, 100, False),
        ({"max_connections": "10"}, 0, True),
    ],
)
def test_connections(limits: dict[str, str], needed: int, enough: bool) -> None:
    assert (found(replace(MARIADB, variables=limits), connections=needed) == []) is enough


@pytest.mark.parametrize("value", ["ON", "1", "NO_LOCK"])
@pytest.mark.parametrize("name", ["read_only", "super_read_only", "innodb_read_only"])
def test_a_server_that_takes_no_writes(name: str, value: str) -> None:
    assert replace(MARIADB, variables={name: value}).read_only
    assert not replace(MARIADB, variables={name: "OFF"}).read_only
