"""A release of the chart in a cluster: the controller as pods of its real image."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from controller.targets.kubernetes.lease import NAME as LEASE
from tests.testbed.images import product
from tests.testbed.kubernetes.cluster import AnyCluster
from tests.testbed.kubernetes.helm import CHART, Helm
from tests.testbed.process import wait_for

PATIENCE = 300.0
_SELECTOR = "app.kubernetes.io/name=chatsystem-controller"
_IMAGE = f"{product.REPOSITORY}-controller"


class Release:
    """`name` in a namespace of its own, in which only pods of the restricted standard are allowed. `values` are those of its
    last installation; without a change of them an upgrade changes nothing."""

    def __init__(self, cluster: AnyCluster, namespace: str, name: str = "demo") -> None:
        self.cluster, self.namespace, self.name = cluster, namespace, name
        self.helm = Helm(cluster.kubeconfig)
        self.values: dict[str, Any] = {"image": {"repository": _IMAGE, "tag": product.tag()}}
        cluster.load(product.image("controller"))

    def install(self, chart: Path = CHART, **values: Any) -> None:
        """Installs or upgrades it, and returns when its pods are ready. Definitions that are there already become part of it."""
        self.values |= values
        try:
            self.helm(
                *("upgrade", "--install", self.name, str(chart), "--namespace", self.namespace, "--take-ownership"),
                *("--wait", "--timeout", f"{PATIENCE:.0f}s"),
                values=self.values,
            )
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.tell()}") from None

    def uninstall(self) -> None:
        self.helm("uninstall", self.name, "--namespace", self.namespace, "--wait", "--timeout", f"{PATIENCE:.0f}s")

    def pods(self) -> list[str]:
        """Names of the candidates that are not on their way out."""
        found = self.cluster.kubectl.get("--namespace", self.namespace, "pods", "--selector", _SELECTOR)["items"]
        return [pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def leader(self) -> str:
        """Name of the pod that holds the Lease."""
        lease = self.cluster.kubectl.get("--namespace", self.namespace, "lease", LEASE)
        return str(lease["spec"].get("holderIdentity") or "").rpartition("_")[0]

    def until_led(self, without: str = "") -> str:
        """Waits until one of its pods leads, another one than `without`."""

        def led() -> bool:
            return self.leader() in set(self.pods()) - {without}

        wait_for(led, PATIENCE, "one of its pods leads", pause=0.5)
        return self.leader()

    def answers(self, pod: str, path: str) -> str:
        """What a candidate says to a probe. Raises AssertionError for a failure."""
        return self.cluster.kubectl("get", "--raw", f"/api/v1/namespaces/{self.namespace}/pods/{pod}:8080/proxy{path}")

    def logs(self) -> str:
        return "\n".join(
            self.cluster.kubectl.ask("--namespace", self.namespace, "logs", pod).output for pod in self.pods()
        )

    def tell(self) -> str:
        """What went wrong, for the report of a failed test."""
        asked = (("get", "pods", "--output", "wide"), ("get", "events"))
        shown = [self.cluster.kubectl.ask("--namespace", self.namespace, *each).output for each in asked]
        return "\n".join([*shown, self.logs()[-6000:]])


@contextmanager
def release(cluster: AnyCluster, namespace: str) -> Iterator[Release]:
    """One that is installed by the test, and gone in the end."""
    cluster.kubectl("create", "namespace", namespace)
    cluster.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    one = Release(cluster, namespace)
    try:
        yield one
    finally:
        one.helm.ask("uninstall", one.name, "--namespace", namespace, "--ignore-not-found", "--wait")
        cluster.kubectl("delete", "namespace", namespace, "--wait=false")


def copy_of_chart(folder: Path) -> Path:
    """The chart with its definitions as files, so that a test can make another version of it."""
    target = folder / "chatsystem"
    shutil.copytree(CHART, target, symlinks=False)
    return target
