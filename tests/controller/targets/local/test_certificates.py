"""Certificates as files: readable by their owner only, whole after a crash between two of them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from controller.blueprint.workload import AUTHORITY_KEY, Certificate, Secret, Workload
from controller.engine.certificates import Change, due
from controller.targets.local import secrets
from controller.targets.local.layout import SystemPaths

SECRET = Secret("rpc-tls", ("ca.crt", "tls.crt", "tls.key"), certificate=Certificate("chatsystem-services", 86400.0))


@pytest.fixture
def paths(tmp_path: Path) -> SystemPaths:
    made = SystemPaths(tmp_path / "systems" / "acme")
    secrets.create(made, SECRET)
    return made


def files(paths: SystemPaths) -> dict[str, bytes]:
    return {key: (paths.secrets / SECRET.name / key).read_bytes() for key in SECRET.keys}


def test_only_the_owner_reads_them_and_the_authoritys_key_is_not_among_them(paths: SystemPaths) -> None:
    written = [path for path in paths.secrets.rglob("*") if path.is_file()]
    assert {path.name for path in written} == {*SECRET.keys, AUTHORITY_KEY}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in written)
    assert sum(content.count(b"PRIVATE KEY") for content in files(paths).values()) == 2  # begin and end of one


def test_making_it_again_changes_nothing(paths: SystemPaths) -> None:
    before = files(paths)
    secrets.create(paths, SECRET)
    assert files(paths) == before


@pytest.mark.parametrize("lost", SECRET.keys)
def test_a_file_that_a_crash_left_missing_or_old_is_written_anew(paths: SystemPaths, lost: str) -> None:
    before = files(paths)
    path = paths.secrets / SECRET.name / lost
    for damage in (path.unlink, lambda: path.write_bytes(b"of another issue")):
        damage()
        state = secrets.certificates(paths, [SECRET])[SECRET.name]
        assert due(Certificate("chatsystem-services", 86400.0), state, time.time(), settled=False) is Change.PUBLISH
        secrets.renew(paths, SECRET, time.time())
        assert files(paths) == before


def test_a_damaged_authority_is_replaced(paths: SystemPaths) -> None:
    before = files(paths)
    (paths.secrets / SECRET.authority / AUTHORITY_KEY).write_bytes(b"{")
    assert secrets.certificates(paths, [SECRET]) == {}
    secrets.create(paths, SECRET)
    assert files(paths)["ca.crt"] != before["ca.crt"]


def test_a_process_is_known_by_what_it_was_given(paths: SystemPaths) -> None:
    workload = Workload("user", "service", "chat:1", secrets={"A": (SECRET.name, "tls.crt")})  # type: ignore[arg-type]
    given = secrets.given(paths, workload)
    assert given == secrets.given(paths, workload)
    secrets.renew(paths, SECRET, time.time() + 60_000)
    assert secrets.given(paths, workload) != given
    assert b"BEGIN" not in str(given).encode()
