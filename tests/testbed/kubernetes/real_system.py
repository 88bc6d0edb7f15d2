"""A chat system of real pods: declared through the command line, brought about by a controller beside the cluster, with its
five stores managed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.testbed.client import Api
from tests.testbed.images import product
from tests.testbed.images.stores import official, store_image
from tests.testbed.kubernetes.cluster import AnyCluster
from tests.testbed.process import Process

STORES = ("mysql", "redis", "rabbitmq", "elasticsearch", "etcd")
PATIENCE = 600.0
"""Seconds for all of it to come up on a machine that is busy with other things."""


class RealSystem:
    """`spec` is what its declaration says; a test changes it and applies."""

    def __init__(self, cluster: AnyCluster, namespace: str, directory: Path, name: str = "acme") -> None:
        self.cluster, self.namespace, self.name = cluster, namespace, name
        self._directory = directory
        self.version = product.tag()
        stores = {} if official() else {store: store_image(store) for store in STORES}
        cluster.load(product.image("services"), *stores.values())
        self.spec: dict[str, Any] = {
            "version": self.version,
            "image": {"repository": product.REPOSITORY},
            # Clients of tests are quick and all come from one address.
            "services": {
                "gateway": {"config": {"sendRate": 0, "requestRate": 0, "drainWindow": "1s"}},
                "speech": {"replicas": 0},
            },
            "stores": {store: {"managed": {"image": stores[store]} if stores else {}} for store in STORES},
            "exposure": {"type": "NodePort"},
        }
        self.spec["stores"]["elasticsearch"]["managed"]["heap"] = "512m"
        self.controller = Process(
            "controller",
            [*_PROGRAM, "controller", *self._target, "--namespaces", namespace],
            directory / "controller.log",
            self._environment,
        )

    @property
    def _target(self) -> list[str]:
        return ["--target", "kubernetes", "--namespace", self.namespace]

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "KUBECONFIG": str(self.cluster.kubeconfig), "NO_PROXY": "*"}

    def command(self, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs one verb."""
        command = [*_PROGRAM, verb, *arguments, *self._target]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=PATIENCE)

    def done(self, verb: str, *arguments: str) -> str:
        """Runs one verb that has to succeed; its output."""
        result = self.command(verb, *arguments)
        assert result.returncode == 0, f"{verb}: {result.returncode}\n{result.stdout}{result.stderr}\n{self.tell()}"
        return result.stdout

    def apply(self) -> None:
        document = {
            "apiVersion": "chatsystem.dev/v1alpha1",
            "kind": "ChatSystem",
            "metadata": {"name": self.name},
            "spec": self.spec,
        }
        path = self._directory / f"{self.name}.yaml"
        path.write_text(yaml.safe_dump(document))
        self.done("apply", "--file", str(path))

    def wait(self, what: str = "ready") -> None:
        self.done("wait", self.name, "--for", what, "--timeout", f"{PATIENCE:.0f}s")

    def kubectl(self, *arguments: str) -> str:
        return self.cluster.kubectl("--namespace", self.namespace, *arguments)

    def get(self, *arguments: str) -> Any:
        return self.cluster.kubectl.get("--namespace", self.namespace, *arguments)

    def pods(self, component: str) -> list[str]:
        """Names of the pods of one component that are not on their way out."""
        found = self.get("pods", "--selector", f"app.kubernetes.io/component={component}")["items"]
        return [pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def api(self) -> Api:
        """A client that comes in from outside, through the Service at the edge."""
        ports = {port["name"]: port["nodePort"] for port in self.get("service", f"{self.name}-edge")["spec"]["ports"]}
        addresses = self.cluster.kubectl.get("nodes")["items"][0]["status"]["addresses"]
        host = next(each["address"] for each in addresses if each["type"] == "InternalIP")
        return Api(host, ports["http"], ports["websocket"])

    def tell(self) -> str:
        """What went wrong, for the report of a failed test."""
        parts = [
            self.kubectl("get", "pods", "--output", "wide"),
            self.kubectl("get", "events", "--sort-by=.lastTimestamp")[-4000:],
        ]
        for pod in self.kubectl("get", "pods", "--output", "name").split():
            log = self.cluster.kubectl.ask("--namespace", self.namespace, "logs", pod, "--tail=15").output
            parts.append(f"{pod}\n{log[-1500:]}")
        return "\n".join([*parts, "controller", self.controller.output()[-4000:]])


_PROGRAM = (sys.executable, "-m", "controller.cli.main")
