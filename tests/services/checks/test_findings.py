"""What a check prints is what the controller reads, with the same words."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from controller.engine import store_health
from controller.engine.model import Severity
from controller.engine.reasons import Reason
from services.checks.finding import REASONS, Report, error, version_of, warning
from services.checks.threads import in_thread
from services.runtime import check_stores
from services.runtime.main import run


def test_every_reason_is_one_of_the_controllers() -> None:
    assert set(REASONS) <= set(Reason)


def test_the_controller_reads_what_is_printed() -> None:
    findings = (
        warning("StoreFull", "", "nearly full", "make room"),
        error("StoreUnreachable", "endpoints[0]", "no", "do"),
    )
    line = Report("Server 1", "a:1", "the schema is current", "", findings).line("mysql", "spec.stores.mysql.external")
    found = store_health.read(json.dumps(line))["mysql"]
    assert (found.server, found.address, found.note, found.checked) == (
        "Server 1",
        "a:1",
        "the schema is current",
        True,
    )
    assert [(item.severity, item.path) for item in found.findings] == [
        (Severity.ERROR, "spec.stores.mysql.external.endpoints[0]"),
        (Severity.WARNING, "spec.stores.mysql.external"),
    ]


def test_a_check_that_failed_itself_is_no_error_of_the_store() -> None:
    line = Report(failure="the check itself failed (KeyError)").line("etcd", "spec.stores.etcd.external")
    found = store_health.read(json.dumps(line))["etcd"]
    assert not found.checked
    assert found.error is None
    assert "KeyError" in found.failure


def test_a_line_for_each_server_and_none_for_what_is_embedded(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # and does not listen
        port = held.getsockname()[1]
        environment = {
            "CHATSYSTEM_DATABASE_URL": f"mysql://127.0.0.1:{port}/chen_im",
            "CHATSYSTEM_CACHE_URL": f"redis://127.0.0.1:{port}/0",
            "CHATSYSTEM_FILES_URL": "file:///srv/files",
            "CHATSYSTEM_SEARCH_URL": "database:",
        }
        assert run(["check-stores"], environment) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["store"]: line["findings"][0]["reason"] for line in lines} == {
        "mysql": "StoreUnreachable",
        "redis": "StoreUnreachable",
    }
    assert all(line["findings"][0]["path"].endswith(".external.endpoints[0]") for line in lines)


def test_an_environment_that_is_wrong_is_a_finding_of_its_store_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check-stores", "redis", "files"], {"CHATSYSTEM_FILES_URL": "file:///srv/files"}) == 0
    lines = {line["store"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert "CHATSYSTEM_CACHE_URL: is not set" in lines["redis"]["findings"][0]["message"]
    assert lines["files"]["findings"] == []


def test_a_store_that_nobody_knows_is_a_usage_error() -> None:
    with pytest.raises(SystemExit) as caught:
        run(["check-stores", "mongodb"], {})
    assert caught.value.code == 2


async def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hangs(_: object) -> Report:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(check_stores, "BOUND", 0.05)
    monkeypatch.setattr(check_stores, "_checker", lambda _: hangs)
    report = await check_stores._check("redis", {"CHATSYSTEM_CACHE_URL": "redis://a:1/0"}, 0)
    assert [finding.reason for finding in report.findings] == ["StoreUnreachable"]


async def test_a_defect_of_a_check_is_said_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_: object) -> Report:
        raise KeyError("some-secret")

    monkeypatch.setattr(check_stores, "_checker", lambda _: fails)
    report = await check_stores._check("redis", {"CHATSYSTEM_CACHE_URL": "redis://a:1/0"}, 0)
    assert report == Report(failure="the check itself failed (KeyError)")


async def test_the_result_and_the_exception_of_a_thread() -> None:
    assert await in_thread(lambda: 1) == 1
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("3.10.8", (3, 10, 8)), ("8.19.8-SNAPSHOT", (8, 19, 8)), ("3.13.0-rc.1", (3, 13, 0)), ("?", ()), ("7", (7,))],
)
def test_versions(text: str, numbers: tuple[int, ...]) -> None:
    assert version_of(text) == numbers
