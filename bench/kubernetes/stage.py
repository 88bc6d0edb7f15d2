"""The cluster of the benchmark: a real API server with its controllers, nodes and pods that kwok plays, and our controller."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.kubernetes import declared
from tests.testbed.kubernetes import programs
from tests.testbed.kubernetes.cluster import Cluster, cluster
from tests.testbed.process import Process, free_ports

ROOT = Path(__file__).resolve().parents[2]
KUBELET = 10250


@dataclass(frozen=True)
class Controller:
    """One that runs, and where it serves its metrics."""

    process: Process
    port: int

    @property
    def metrics(self) -> str:
        return f"http://127.0.0.1:{self.port}/metrics"


class Stage:
    """`folder` keeps the logs."""

    def __init__(self, one: Cluster, players: Process, folder: Path) -> None:
        self.kubeconfig = one.kubeconfig
        self._folder = folder
        self.others: Mapping[str, Sequence[int]] = {
            "API server": [one.program("apiserver").pid],
            "etcd": [one.program("etcd").pid],
            "Kubernetes' controllers": [one.program(name).pid for name in ("controller-manager", "scheduler")],
            "kwok": [players.pid],
        }
        """Processes by name, without our controller."""

    @contextmanager
    def controller(self, *, resync: float, profile: bool = False) -> Iterator[Controller]:
        """One that runs until the end. `resync`: seconds between two."""
        [port] = free_ports(1)
        arguments = ["--resync", str(resync), "--port", str(port), *(["--profile"] if profile else [])]
        process = Process(
            "controller",
            [sys.executable, "-m", "bench.kubernetes.controller", *arguments],
            self._folder / "controller.log",
            {**os.environ, "KUBECONFIG": str(self.kubeconfig), "NO_PROXY": "*"},
        )
        process.start()
        try:
            yield Controller(process, port)
        finally:
            process.stop(60.0)


@contextmanager
def stage(folder: Path, *, nodes: int) -> Iterator[Stage]:
    """A cluster with nodes and the secrets of systems; nothing is declared yet."""
    kwok = programs.kwok()
    with cluster(nodeless=True, large=True) as one:
        one.kubectl("apply", "--server-side", "--filename", str(ROOT / "crds"))
        one.kubectl.wait("--for=condition=Established", "crd", "--all")
        one.kubectl("create", "namespace", declared.NAMESPACE)
        one.kubectl.apply(*declared.secrets(), namespace=declared.NAMESPACE)
        players = _players(one, kwok, folder)
        players.start()
        try:
            one.kubectl.apply(*(declared.node(number) for number in range(nodes)))
            one.kubectl.wait("--for=condition=Ready", "node", "--all")
            yield Stage(one, players, folder)
        finally:
            players.stop()


def _players(one: Cluster, kwok: Path, folder: Path) -> Process:
    """kwok, within the cluster's machine, where the API server finds it as the kubelet of every node."""
    log, configuration = folder / "printed.log", folder / "kwok.yaml"
    log.write_text(declared.check_log())
    configuration.write_text(declared.kwok_configuration(str(log)))
    access = one.control_plane.access
    return one.machine.program(
        "kwok",
        *(str(kwok), "--kubeconfig", str(access.kubeconfig()), "--config", str(configuration)),
        *("--manage-all-nodes=true", "--cidr=10.200.0.1/16"),
        *("--node-ip", one.control_plane.address, "--node-port", str(KUBELET), f"--server-address=0.0.0.0:{KUBELET}"),
        *("--tls-cert-file", str(access.certificate), "--tls-private-key-file", str(access.key)),
    )
