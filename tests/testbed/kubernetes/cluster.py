"""A cluster of a test run's own, from nothing to a Ready node in seconds, and to nothing again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.testbed.engine import docker
from tests.testbed.kubernetes import programs
from tests.testbed.kubernetes.control_plane import ControlPlane
from tests.testbed.kubernetes.kubectl import Kubectl
from tests.testbed.kubernetes.node import NAME, Node
from tests.testbed.kubernetes.slot import Slot
from tests.testbed.machine import Machine, require
from tests.testbed.process import Process, wait_for

_CONTROL_PLANE = {"etcd": "etcd-server", "openssl": "openssl", "ip": "iproute2", "unshare": "util-linux"}
_NODE = {
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "socat": "socat",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
}


class AnyCluster(Protocol):
    """What tests may ask of a cluster, whoever made it."""

    kubeconfig: Path
    kubectl: Kubectl

    def load(self, *images: str) -> None:
        """Brings images of the Docker engine to where pods find them under the same names. Pods must not ask for
        `imagePullPolicy: Always`."""


class Cluster:
    """Several on one machine share nothing. `nodeless`: the API and its controllers alone, up in half the time. `large`: for hundreds
    of systems, without a node."""

    def __init__(self, *, nodeless: bool = False, large: bool = False) -> None:
        require(_CONTROL_PLANE if nodeless else _CONTROL_PLANE | _NODE)
        programs.kube()
        if not nodeless:
            programs.coredns()
            programs.pause_image()
        self._nodeless, self._large = nodeless, large
        self._undo: list[Callable[[], None]] = []
        self._loaded: dict[str, str] = {}

    def up(self) -> None:
        """Returns when the node is Ready. Undoes everything where it fails or is interrupted."""
        try:
            self._up()
        except BaseException:
            self.down()
            raise

    def _up(self) -> None:
        slot = Slot.claim()
        self._undo.append(slot.leave)
        slot.directory.mkdir()
        machine = Machine(slot.name, slot.directory, slot.lease, slot.network)
        self._undo.append(machine.stop)
        machine.start()
        self.slot, self.machine = slot, machine
        self.control_plane = ControlPlane(slot, machine, large=self._large)
        self.control_plane.start()
        self.kubeconfig = self.control_plane.access.kubeconfig()
        self.kubectl = Kubectl(self.kubeconfig)
        if not self._nodeless:
            self.node = Node(slot, machine, self.control_plane)
            self.node.start()
            wait_for(self._node_is_ready, 120.0, f"the node is Ready; logs are in {slot.directory}", pause=0.2)

    def down(self) -> None:
        """Nothing is left: no process, mount, link, cgroup or file. The latest step of `up` is undone first."""
        while self._undo:
            self._undo.pop()()

    def load(self, *images: str) -> None:
        engine = docker()
        known = {image: engine("image", "inspect", "--format", "{{.Id}}", image) for image in images}
        # All in one archive, in which a layer that several of them have is once.
        if missing := [image for image, identity in known.items() if self._loaded.get(image) != identity]:
            self.node.load_from(engine.command("save", *missing))
            self._loaded |= known

    def program(self, name: str) -> Process:
        """One of its programs, to be stopped, killed and started: apiserver, kubelet, etcd, ..."""
        known = {**self.control_plane.programs, **(self.node.programs if not self._nodeless else {})}
        return known[name]

    def _node_is_ready(self) -> bool:
        for process in self.node.programs.values():
            assert process.running, f"{process.name} has ended:\n{process.output()[-3000:]}"
        answer = self.kubectl.ask("wait", "--for=condition=Ready", f"node/{NAME}", "--timeout=1s")
        return answer.code == 0


@contextmanager
def cluster(*, nodeless: bool = False, large: bool = False) -> Iterator[Cluster]:
    """One that is gone in the end."""
    one = Cluster(nodeless=nodeless, large=large)
    one.up()
    try:
        yield one
    finally:
        one.down()
