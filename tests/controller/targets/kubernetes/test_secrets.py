"""Generated secrets: values that exist are kept, an object never changes, and certificates go through their phases."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from controller.blueprint.workload import Certificate, Secret
from controller.engine.certificates import Change, due
from controller.targets.kubernetes.secrets import certificates, existing, objects, successors, superseded

NOW = 1_800_000_000.0
MYSQL = Secret("mysql", ("username", "password"))
DAY = 86_400.0
RPC = Secret("rpc-tls", ("ca.crt", "tls.crt", "tls.key"), certificate=Certificate("acme", 90 * DAY))


def make(secret: Secret, items: list[dict[str, Any]], now: float = NOW) -> list[dict[str, Any]]:
    return [*items, *successors("acme", "chat", secret, items, now)]


def value(item: dict[str, Any], key: str) -> str:
    return base64.b64decode(item["data"][key]).decode()


def test_values_are_long_names_are_short_and_no_two_systems_share_them() -> None:
    (one,), (two,) = make(MYSQL, []), make(MYSQL, [])
    assert len(value(one, "username")) <= 32
    assert len(value(one, "password")) >= 40
    assert one["data"] != two["data"]
    assert one["metadata"]["name"] != two["metadata"]["name"]


def test_a_further_key_makes_another_object_with_the_values_of_the_first() -> None:
    first = make(MYSQL, [])
    both = make(Secret("mysql", ("username", "password", "root-password")), first)
    assert both[1]["data"].items() >= both[0]["data"].items()
    assert existing(both) == {"mysql": ("password", "root-password", "username")}
    assert objects(both) == {"mysql": both[1]["metadata"]["name"]}
    assert superseded(both) == [both[0]]
    assert both[0]["immutable"] is True


@pytest.mark.parametrize("days", [61, 1000])
def test_a_certificate_is_renewed_when_it_is_due_and_then_is_not(days: int) -> None:
    items = make(RPC, [])
    assert RPC.certificate is not None
    assert due(RPC.certificate, certificates(items, [RPC])["rpc-tls"], NOW, settled=True) is None
    later = NOW + days * DAY
    seen = []
    for _ in range(6):
        change = due(RPC.certificate, certificates(items, [RPC]).get("rpc-tls"), later, settled=True)
        if change is None:
            break
        seen.append(change)
        items = make(RPC, items, later)
    assert seen == ([Change.RENEW] if days == 61 else [Change.RENEW, Change.ANNOUNCE, Change.SWITCH, Change.WITHDRAW])
    assert objects(items).keys() == {"rpc-tls", "rpc-tls-authority"}


def test_a_crash_between_the_authority_and_its_certificate_is_made_up_for() -> None:
    items = make(RPC, [])
    later = NOW + 61 * DAY
    renewed = make(RPC, items, later)
    cut = renewed[:-1]
    assert RPC.certificate is not None
    assert due(RPC.certificate, certificates(cut, [RPC])["rpc-tls"], later, settled=True) is Change.PUBLISH
    mended = make(RPC, cut, later)
    assert due(RPC.certificate, certificates(mended, [RPC])["rpc-tls"], later, settled=True) is None
