"""etcd, the API server, the controller manager and the scheduler, each as a program of the cluster's machine."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.testbed.kubernetes import programs
from tests.testbed.kubernetes.access import Access
from tests.testbed.kubernetes.slot import Slot
from tests.testbed.machine import Machine
from tests.testbed.process import Process, wait_for

_MANY_SERVICES = "10.96.0.0/16"
_HURRIED = ("--kube-api-qps=500", "--kube-api-burst=1000")
_ETCD, _ETCD_PEER = "http://127.0.0.1:2379", "http://127.0.0.1:2380"


class ControlPlane:
    """The Kubernetes API. With nothing else, objects are kept and controllers act on them, but no pod runs. `large`: there are addresses
    for thousands of Services, which nothing outside of it can reach, and its controllers may ask as often as they need to."""

    def __init__(self, slot: Slot, machine: Machine, *, large: bool = False) -> None:
        self._slot, self._machine = slot, machine
        self.address = slot.network.address
        self._services = _MANY_SERVICES if large else slot.services
        self._pace = _HURRIED if large else ()
        # Nodes that are played say seldom that they live, and none of them dies.
        self._grace = "1h" if large else "16s"
        names = [f"IP:{address}" for address in (self.address, "127.0.0.1", slot.service(1))]
        names += [f"DNS:{name}" for name in ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost")]
        self.access = Access(slot.directory / "access", f"https://{self.address}:6443", names)
        self.kube = str(programs.kube())
        self.programs: dict[str, Process] = {}

    def start(self) -> None:
        """Returns when the API server is ready."""
        self._start("etcd", *self._etcd())
        self._start("apiserver", *self._apiserver())
        wait_for(self.ready, 120.0, f"the API server is ready; its log is {self.programs['apiserver'].log}")
        self._start("controller-manager", *self._controller_manager())
        self._start("scheduler", *self._scheduler())

    def ready(self) -> bool:
        for process in self.programs.values():
            assert process.running, f"{process.name} has ended:\n{process.output()[-3000:]}"
        asked = [self.kube, "kubectl", "--kubeconfig", str(self.access.kubeconfig()), "get", "--raw", "/readyz"]
        return subprocess.run(asked, capture_output=True).returncode == 0

    def _start(self, name: str, *command: str) -> None:
        self.programs[name] = self._machine.program(name, *command)
        self.programs[name].start()

    def _etcd(self) -> list[str]:
        return [
            *("etcd", "--name", "node", "--data-dir", str(self._slot.directory / "etcd"), "--log-level", "warn"),
            # What is lost with the machine is lost with the cluster.
            "--unsafe-no-fsync",
            *("--listen-client-urls", _ETCD, "--advertise-client-urls", _ETCD),
            *("--listen-peer-urls", _ETCD_PEER, "--initial-advertise-peer-urls", _ETCD_PEER),
            *("--initial-cluster", f"node={_ETCD_PEER}"),
        ]

    def _apiserver(self) -> list[str]:
        access = self.access
        return [
            *(self.kube, "apiserver", "--etcd-servers", _ETCD),
            *("--advertise-address", self.address, "--bind-address", "0.0.0.0", "--secure-port", "6443"),
            *("--tls-cert-file", str(access.certificate), "--tls-private-key-file", str(access.key)),
            *("--token-auth-file", str(access.tokens), "--authorization-mode", "Node,RBAC"),
            *("--service-account-key-file", str(access.service_accounts)),
            *("--service-account-signing-key-file", str(access.service_accounts)),
            *("--service-account-issuer", "https://kubernetes.default.svc"),
            *("--service-cluster-ip-range", self._services, "--allow-privileged=true"),
            *("--enable-admission-plugins", "NodeRestriction", "--kubelet-preferred-address-types", "InternalIP"),
            # Clients that ask for it get nowhere with etcd before 3.4.25.
            "--feature-gates=WatchList=false",
        ]

    def _controller_manager(self) -> list[str]:
        access = self.access
        return [
            *(self.kube, "controller-manager", "--kubeconfig", str(access.kubeconfig("controller-manager"))),
            *("--service-account-private-key-file", str(access.service_accounts)),
            *("--root-ca-file", str(access.certificate), "--use-service-account-credentials", "--leader-elect=false"),
            *("--cluster-cidr", self._slot.pods, f"--node-monitor-grace-period={self._grace}"),
            *self._pace,
        ]

    def _scheduler(self) -> list[str]:
        return [
            self.kube,
            "scheduler",
            "--kubeconfig",
            str(self.access.kubeconfig("scheduler")),
            "--leader-elect=false",
            *self._pace,
        ]


def write_json(path: Path, document: object) -> Path:
    """Kubernetes reads JSON where it reads YAML."""
    path.write_text(json.dumps(document, indent=1))
    return path
