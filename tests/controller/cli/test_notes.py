"""What has no effect is said so, field by field; what has one is not mentioned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.cli.notes import notes

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def document(**spec: Any) -> dict[str, Any]:
    return {"spec": {"version": "1", **spec}}


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {
            "services": {
                "gateway": {"replicas": 2, "stopGrace": "5s", "config": {"web": False}, "environment": {"A": "b"}}
            }
        },
        {"stores": {"redis": {"managed": {"persistence": "aof", "maxMemory": "1Gi"}}, "mysql": {"managed": {}}}},
        {"stores": {"redis": {"external": {"endpoints": ["a:6379"]}}}},
        {"stores": {"mysql": {"external": {"endpoints": ["a:3306"]}}}},
        {"exposure": {"http": 1, "websocket": 2}, "local": {"processes": "Shared", "address": "127.0.0.1"}},
        {"logging": {"maxSize": "1m", "maxFile": 2, "level": "debug"}, "suspend": True, "deletionPolicy": "Delete"},
        {"network": {"tls": {"validity": "30d"}}},
        {"release": {"timeout": "5m", "reconnectWindow": "1s", "migrationTimeout": "5m"}},
    ],
)
def test_what_works_is_not_mentioned(spec: dict[str, Any]) -> None:
    assert notes(document(**spec)) == []


@pytest.mark.parametrize(
    ("spec", "note"),
    [
        ({"image": {"repository": "x"}}, "spec.image: no effect on the local target"),
        (
            {"services": {"user": {"resources": {"limits": {"cpu": 1}}, "placement": {"node": "a"}}}},
            "spec.services.user.resources, spec.services.user.placement: no effect on the local target",
        ),
        (
            {"stores": {"mysql": {"managed": {"storage": "1Gi"}}}},
            "spec.stores.mysql.managed.storage: no effect on the local",
        ),
        (
            {"exposure": {"tls": {"secretName": "a"}}},
            "spec.exposure.tls: refused: the local target does not encrypt its ports",
        ),
        ({"backup": {"schedule": "@daily", "keep": {"count": 3}}}, "spec.backup: no effect in this version"),
        ({"release": {"backupFirst": True}}, "spec.release.backupFirst: no effect in this version"),
    ],
)
def test_what_has_no_effect_is_named(spec: dict[str, Any], note: str) -> None:
    found = notes(document(**spec))
    assert len(found) == 1
    assert found[0].startswith(note)


def test_the_minimal_example_and_the_one_per_service_need_no_notes() -> None:
    for name in ("minimal", "per-service"):
        assert notes(yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())) == []
