"""When a live object counts as desired."""

from __future__ import annotations

from typing import Any

import pytest

from controller.targets.kubernetes.compare import difference


@pytest.mark.parametrize(
    ("desired", "live", "path"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, ""),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "a.b"),
        ({"a": {"b": 1}}, {"a": None}, "a"),
        ({"emptyDir": {}}, {}, ""),
        ({"args": ["x"]}, {"args": ["x", "y"]}, "args"),
        ({"args": ["x"]}, {}, "args"),
        ({"replicas": 1}, {"replicas": True}, "replicas"),
        (
            {"containers": [{"name": "main", "image": "a"}]},
            {"containers": [{"name": "proxy", "image": "p"}, {"name": "main", "image": "a", "tty": False}]},
            "",
        ),
        (
            {"containers": [{"name": "main", "image": "a"}]},
            {"containers": [{"name": "main", "image": "b"}]},
            "containers[main].image",
        ),
        ({"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "B", "value": "1"}]}, "env[A]"),
        ({"spec": {"ingress": [{"from": []}]}}, {"spec": {"ingress": [{"from": []}, {}]}}, "spec.ingress"),
        (
            {"spec": {"ports": [{"port": 1, "protocol": "TCP", "name": "a"}]}},
            {"spec": {"ports": [{"port": 1, "protocol": "TCP", "name": "a", "nodePort": 30000}]}},
            "",
        ),
        (
            {"spec": {"egress": [{"ports": [{"port": 1, "protocol": "TCP"}]}]}},
            {"spec": {"egress": [{"ports": [{"port": 1, "protocol": "TCP"}, {"port": 2, "protocol": "TCP"}]}]}},
            "spec.egress[0].ports",
        ),
        ({"accessModes": ["ReadWriteOnce"]}, {"accessModes": ["ReadWriteOnce"]}, ""),
        ({"ownerReferences": [{"uid": "u"}]}, {"ownerReferences": [{"uid": "other"}]}, "ownerReferences[u]"),
    ],
)
def test_the_first_field_that_is_not_as_desired_is_named(desired: Any, live: Any, path: str) -> None:
    assert difference(desired, live) == path
