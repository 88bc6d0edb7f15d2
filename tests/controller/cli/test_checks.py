"""What `doctor` finds, and the remedy for each."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import Result

from controller.cli import checks
from controller.engine.certificates import CertificateState

Chatsystem = Callable[..., Result]


def test_what_this_project_needs_is_there() -> None:
    assert checks.python().level == "ok"
    assert checks.packages()[0].level == "ok"
    assert checks.valkey().level == "ok"


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(checks.PACKAGES, "no_such_module", "no-such-package")
    found = checks.packages()[0]
    assert (found.level, found.message) == ("error", "missing: no-such-package")
    assert "make setup" in found.remedy


def test_a_missing_optional_package_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(checks.OPTIONAL, "no_such_module", "something is slower")
    assert [item.message for item in checks.packages() if item.level == "warning"] == [
        "without no_such_module something is slower"
    ]


@pytest.mark.parametrize(("free", "level"), [(10 * 2**20, "error"), (2**30, "warning"), (50 * 2**30, "ok")])
def test_free_space(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, level: str) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    found = checks.space(tmp_path / "not" / "there" / "yet")
    assert found.level == level
    assert bool(found.remedy) == (level != "ok")


def test_a_state_folder_below_a_file_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = checks.state_folder(tmp_path / "file" / "state")
    assert found.level == "error"
    assert "--state-dir" in found.remedy


def test_a_path_that_is_too_long_for_the_database_is_found(tmp_path: Path) -> None:
    found = checks.state_folder(tmp_path.joinpath(*["d" * 100] * 5))
    assert (found.level, found.message) == ("error", "its path is too long for SQLite")


def test_a_state_folder_that_is_not_there_yet_is_fine_and_stays_so(tmp_path: Path) -> None:
    assert checks.state_folder(tmp_path / "new").level == "ok"
    assert not (tmp_path / "new").exists()


def test_a_taken_port_names_its_holder_and_the_field() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        number = holder.getsockname()[1]
        found = checks.port("port", "127.0.0.1", number, "spec.exposure.http", None)
        assert found.level == "error"
        assert f"port {number} on 127.0.0.1 is taken by" in found.message
        assert "spec.exposure.http" in found.remedy
        assert checks.port("port", "127.0.0.1", number, "spec.exposure.http", "chat").level == "ok"


def test_a_port_of_another_system_is_an_error() -> None:
    found = checks.port("port", "127.0.0.1", 9000, "spec.exposure.http", "office", ours=False)
    assert (found.level, found.message) == ("error", "held by the system office")
    assert "choose another port with spec.exposure.http" in found.remedy


def test_an_address_of_another_machine_is_refused() -> None:
    found = checks.port("port", "192.0.2.1", 9000, "spec.exposure.http", None)
    assert found.level == "error"
    assert "spec.local.address" in found.remedy


def test_the_result_can_be_read_by_programs(chatsystem: Chatsystem) -> None:
    text = (
        "apiVersion: chatsystem.dev/v1alpha1\nkind: ChatSystem\nmetadata: {name: chat}\n"
        "spec: {version: '1', exposure: {http: 47001, websocket: 47002}}\n"
    )
    findings = json.loads(chatsystem("doctor", "-f", "-", "-o", "json", text=text).stdout)["findings"]
    assert [item["check"] for item in findings][-2:] == ["port 47001 (http)", "port 47002 (websocket)"]
    assert set(findings[0]) == {"check", "level", "message", "remedy", "field"}


@pytest.mark.parametrize(("left", "level"), [(40.0, "ok"), (17.0, "ok"), (13.0, "warning"), (-1.0, "error")], ids=str)
def test_a_certificate_that_ends_is_told_in_time(left: float, level: str) -> None:
    day, now = 86400.0, 1_800_000_000.0
    state = CertificateState(now + left * day, now - (90 - left) * day)
    for own in (True, False):
        found = checks.certificate("certificate", state, now, own=own)
        assert found.level == level
        assert bool(found.remedy) == (level != "ok")


def test_a_certificate_of_a_short_life_is_no_trouble_while_it_is_young() -> None:
    assert checks.certificate("certificate", CertificateState(3600.0, 0.0), 100.0, own=False).level == "ok"
