"""Controllers of our own as processes against a cluster's API server, each perhaps through a proxy that makes faults."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from controller.targets.kubernetes.kinds import SYSTEM
from tests.testbed.kubernetes.kubectl import Kubectl
from tests.testbed.kubernetes.raw import Raw
from tests.testbed.process import Process, wait_for

PATIENCE = 180.0
"""Seconds for a state that has to come on a machine that is busy with other things."""


class Controller(Process):
    """`chatsystem controller --target kubernetes` for one namespace, in which its Lease is too."""

    def __init__(self, name: str, kubeconfig: Path, namespace: str, folder: Path) -> None:
        super().__init__(
            name,
            [
                *(sys.executable, "-m", "controller.cli.main", "controller", "--target", "kubernetes"),
                *("--namespace", namespace, "--namespaces", namespace),
            ],
            folder / f"{name}.log",
            {**os.environ, "KUBECONFIG": str(kubeconfig), "NO_PROXY": "*", "POD_NAME": name},
        )


class Declared:
    """One ChatSystem as a person with kubectl sees it."""

    def __init__(self, kubectl: Kubectl, raw: Raw, namespace: str, name: str = "acme") -> None:
        self.kubectl, self.namespace, self.name = kubectl, namespace, name
        self._raw = raw

    def look(self) -> dict[str, Any]:
        """The object; empty if there is none."""
        return self._raw.get(SYSTEM.path(self.namespace, self.name)) or {}

    def declare(self, **spec: Any) -> None:
        """Applies it. What is not said is small: one replica of each service, reached inside the cluster only."""
        services = {name: {"replicas": 1} for name in ("gateway", "user", "friend", "transmit", "store", "file")}
        services["speech"] = {"replicas": 0}
        declared = {
            "version": "1.2.0",
            "exposure": {"type": "ClusterIP"},
            "release": {"observe": "0s"},
            **spec,
            "services": {**services, **spec.get("services", {})},
        }
        document = {
            "apiVersion": "chatsystem.dev/v1alpha1",
            "kind": "ChatSystem",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": declared,
        }
        self.kubectl.apply(document, namespace=self.namespace)

    def get(self, *arguments: str) -> Any:
        return self.kubectl.get("--namespace", self.namespace, *arguments)

    def all(self, kind: str) -> list[dict[str, Any]]:
        """The objects of a kind that belong to it."""
        found: list[dict[str, Any]] = self.get(kind, "--selector", f"app.kubernetes.io/instance={self.name}")["items"]
        return found

    def names(self, kind: str) -> list[str]:
        return sorted(item["metadata"]["name"] for item in self.all(kind))

    def exists(self, kind: str, name: str) -> bool:
        return self.kubectl.exists("--namespace", self.namespace, kind, name)

    def do(self, *arguments: str, stdin: str = "") -> str:
        """kubectl in its namespace."""
        return self.kubectl("--namespace", self.namespace, *arguments, stdin=stdin)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.look().get("status") or {}
        return found

    def condition(self, type_: str) -> dict[str, Any]:
        """Empty unless it speaks of the newest declaration."""
        item = self.look()
        for condition in (item.get("status") or {}).get("conditions", ()):
            if condition["type"] == type_ and condition["observedGeneration"] == item["metadata"]["generation"]:
                return dict(condition)
        return {}

    def until(self, type_: str, status: str, reason: str | None = None) -> dict[str, Any]:
        """Waits for a condition, and gives it."""
        found: dict[str, Any] = {}

        def holds() -> bool:
            nonlocal found
            found = self.condition(type_)
            return found.get("status") == status and reason in (None, found.get("reason"))

        try:
            wait_for(holds, PATIENCE, f"{type_} is {status} {reason or ''}", pause=0.3)
        except AssertionError:
            raise AssertionError(f"{type_} is {found}; phase: {self.status().get('phase')}") from None
        return found

    def scale(self) -> dict[str, Any]:
        """What `kubectl scale` and autoscalers see."""
        found: dict[str, Any] = self._raw.get(SYSTEM.path(self.namespace, self.name, "scale")) or {}
        return found

    def revisions(self) -> list[dict[str, Any]]:
        """The accepted declarations, oldest first. StatefulSets keep revisions of their own, with the labels of their pods."""
        kept = [item for item in self.all("controllerrevisions") if "document" in (item.get("data") or {})]
        return sorted(kept, key=lambda item: int(item["revision"]))

    def events(self, reason: str) -> list[dict[str, Any]]:
        found = self.get("events.events.k8s.io")["items"]
        return [item for item in found if item["regarding"]["name"] == self.name and item["reason"] == reason]
