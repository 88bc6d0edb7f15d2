"""What a test of the controller needs around it: a namespace, pods that become ready, faults, controllers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.testbed.kubernetes.cluster import Cluster
from tests.testbed.kubernetes.controllers import PATIENCE, Controller, Declared
from tests.testbed.kubernetes.fault_proxy import FaultProxy
from tests.testbed.kubernetes.hollow import HollowNode
from tests.testbed.kubernetes.raw import Raw
from tests.testbed.process import wait_for


class Scene:
    """One namespace of a cluster without nodes."""

    def __init__(self, cluster: Cluster, namespace: str, folder: Path) -> None:
        self.cluster, self.namespace, self.folder = cluster, namespace, folder
        self.kubectl = cluster.kubectl
        self.node = HollowNode(cluster.kubeconfig, [namespace])
        self.proxy = FaultProxy(cluster.kubeconfig)
        self.system = Declared(self.kubectl, Raw(cluster.kubeconfig), namespace)
        self._controllers: list[Controller] = []

    def start(self) -> None:
        self.node.start()
        self.proxy.start()

    def stop(self) -> None:
        self.proxy.fault = lambda _: None
        for controller in self._controllers:
            controller.stop()
        self.proxy.stop()
        self.node.stop()

    def controller(self, name: str = "one", proxy: FaultProxy | None = None) -> Controller:
        """A controller that runs, and sees the cluster through the proxy."""
        path = (proxy or self.proxy).kubeconfig(self.folder / f"{name}.kubeconfig", self.namespace)
        made = Controller(name, path, self.namespace, self.folder)
        self._controllers.append(made)
        made.start()
        return made

    def holder(self) -> str:
        """Who holds the Lease, without what tells its lives apart."""
        answer = self.kubectl.ask(
            *("--namespace", self.namespace, "get", "lease", "chatsystem-controller"),
            *("--output", "jsonpath={.spec.holderIdentity}"),
        )
        return answer.output.rpartition("_")[0]

    def forget_lease(self) -> None:
        """As if it had run out."""
        self.kubectl("--namespace", self.namespace, "delete", "lease", "chatsystem-controller", "--ignore-not-found")

    def quiet(self, seconds: float = 5.0) -> list[str]:
        """What the controllers write in a while in which nothing happens."""
        import time

        before = len(self.proxy.requests)
        time.sleep(seconds)
        return [str(request) for request in self.proxy.requests[before:] if request.writes and not request.is_lease]

    def until_gone(self, name: str = "acme") -> None:
        def gone() -> bool:
            return not self.system.exists("chatsystem", name)

        wait_for(gone, PATIENCE, f"{name} is gone", pause=0.3)


@contextmanager
def scene(cluster: Cluster, folder: Path) -> Iterator[Scene]:
    namespace = f"test-{uuid.uuid4().hex[:10]}"
    cluster.kubectl("create", "namespace", namespace)
    one = Scene(cluster, namespace, folder)
    one.start()
    try:
        yield one
    finally:
        one.stop()
        cluster.kubectl.ask("delete", "namespace", namespace, "--wait=false")
