"""What the benchmark declares: systems on external stores, the secrets of these, and what a check of the stores finds. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from controller.api.metadata import API_VERSION

NAMESPACE = "bench"

_STORES: Mapping[str, Any] = {
    "mysql": {"external": {"endpoints": ["mysql.example.com:3306"], "secretName": "mysql-credentials"}},
    "redis": {"external": {"endpoints": ["redis.example.com:6379"], "secretName": "redis-credentials"}},
    "rabbitmq": {"external": {"endpoints": ["rabbitmq.example.com:5672"], "secretName": "rabbitmq-credentials"}},
    "elasticsearch": {
        "external": {"endpoints": ["http://elasticsearch.example.com:9200"], "secretName": "elasticsearch-credentials"}
    },
    "etcd": {"external": {"endpoints": ["etcd.example.com:2379"], "secretName": "etcd-credentials"}},
    "files": {"s3": {"endpoint": "https://s3.example.com", "bucket": "chat", "secretName": "s3-credentials"}},
}
_KEYS = ("username", "password", "accessKey", "secretKey")


def system(number: int) -> dict[str, Any]:
    """Six services in pods of their own."""
    return {
        "apiVersion": API_VERSION,
        "kind": "ChatSystem",
        "metadata": {"name": name(number), "namespace": NAMESPACE},
        "spec": {
            "version": "1.2.0",
            "stores": _STORES,
            "services": {"speech": {"replicas": 0}},
            "exposure": {"type": "ClusterIP"},
            # What is measured is the controller, not how long it watches a release.
            "release": {"observe": "0s"},
        },
    }


def name(number: int) -> str:
    return f"system-{number:04}"


def edit(number: int) -> dict[str, Any]:
    """A merge patch after which one Deployment differs."""
    return {"spec": {"services": {"store": {"config": {"poolSize": 8 + number % 8}}}}}


EDITED = "store"
"""The workload that an edit changes."""


def secrets() -> list[dict[str, Any]]:
    """Those that a person provides."""
    names = {store[kind]["secretName"] for store in _STORES.values() for kind in store}
    data = {key: base64.b64encode(key.encode()).decode() for key in _KEYS}
    return [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": each, "namespace": NAMESPACE}, "data": data}
        for each in sorted(names)
    ]


def node(number: int) -> dict[str, Any]:
    """One that kwok plays, with room for hundreds of pods."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": f"node-{number}", "labels": {"kubernetes.io/hostname": f"node-{number}"}},
        "status": {"allocatable": _ROOM, "capacity": _ROOM},
    }


_ROOM = {"cpu": "4000", "memory": "16Ti", "ephemeral-storage": "16Ti", "pods": "10000"}


def check_log() -> str:
    """What every pod is said to have printed: the check of the stores found nothing wrong. In the form that kubelets keep logs in."""
    lines = [
        {"store": store, "path": f"spec.stores.{store}", "server": "1", "address": "example.com", "findings": []}
        for store in _STORES
    ]
    return "".join(f"2026-01-01T00:00:00.000000000Z stdout F {json.dumps(line)}\n" for line in lines)


def kwok_configuration(log: str) -> str:
    """Every container of every pod has printed what is in the file `log`."""
    logs = {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "ClusterLogs",
        "metadata": {"name": "store-checks"},
        "spec": {"logs": [{"logsFile": log}]},
    }
    return json.dumps(logs)
