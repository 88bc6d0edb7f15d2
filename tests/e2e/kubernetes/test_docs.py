"""Every command of the pages about a cluster does what the page says: it exits 0, against a real cluster and real pods.

What a reader has to replace is replaced: where images are, and the ports of the own machine.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.testbed.images import product
from tests.testbed.images.stores import official, store_image
from tests.testbed.kubernetes import programs
from tests.testbed.kubernetes.cluster import AnyCluster
from tests.testbed.kubernetes.real_system import STORES
from tests.testbed.pages import ROOT, File, needs_cluster, pages, run, script
from tests.testbed.process import Process, free_ports, wait_for

REGISTRY = "registry.acme.internal/chatsystem"
VERSION = "0.1.0"
PAGES = [page for page in pages() if needs_cluster(page)]
PATIENCE = 660.0


@pytest.fixture
def reader(cluster: AnyCluster, tmp_path: Path) -> Iterator[Reader]:
    images = {} if official() else {store: store_image(store) for store in STORES}
    cluster.load(product.image("services"), product.image("controller"), *images.values())
    one = Reader(cluster, tmp_path, images)
    yield one
    one.leave()


class Reader:
    """Someone with the cluster's kubeconfig, kubectl and Helm, who does what a page says."""

    def __init__(self, cluster: AnyCluster, folder: Path, images: dict[str, str]) -> None:
        self.cluster, self.images = cluster, images
        self.folder = folder / "work"
        self.folder.mkdir()
        self.forwarding: list[Process] = []
        self.ports = dict(zip(("9000", "9001"), map(str, free_ports(2)), strict=True))
        mark = uuid.uuid4().hex[:6]
        self.namespaces = {"chatsystem": f"controller-{mark}", "chat": f"chat-{mark}"}
        kubeconfig = folder / "kubeconfig"
        shutil.copy(cluster.kubeconfig, kubeconfig)
        binaries = folder / "bin"
        binaries.mkdir()
        (binaries / "helm").symlink_to(programs.helm())
        _script(binaries / "kubectl", f'exec {programs.kube()} kubectl "$@"')
        self.environment = os.environ | {
            "PATH": f"{binaries}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "KUBECONFIG": str(kubeconfig),
            "KUBECACHEDIR": str(folder / "cache"),
            "PYTHONPATH": str(ROOT),
            "NO_PROXY": "*",
        }

    def saves(self, file: File) -> None:
        """The document, with the images that this cluster has, and without the half minute for which each new pod is watched."""
        document = yaml.safe_load(self._replaced(file.text))
        document["spec"].setdefault("release", {"observe": "0s"})
        stores: dict[str, Any] = document["spec"].setdefault("stores", {})
        for store, image in self.images.items():
            if "external" not in stores.setdefault(store, {}):
                stores[store].setdefault("managed", {})["image"] = image
        (self.folder / file.name).write_text(yaml.safe_dump(document))

    def types(self, line: str, of: str) -> None:
        command = self._replaced(line)
        if " port-forward " in command:
            self._forwards(command)
        else:
            run(command, of, self.folder, self.environment, PATIENCE)

    def leave(self) -> None:
        """Nothing is left of what a page has made, also where it failed halfway."""
        for process in self.forwarding:
            process.stop()
        controller, chat = self.namespaces.values()
        ask = self.cluster.kubectl.ask
        ask("--namespace", chat, "delete", "chatsystems", "--all", "--timeout=120s")
        subprocess.run(
            ["helm", "uninstall", "chatsystem", "-n", controller, "--ignore-not-found"], env=self.environment
        )
        ask("delete", "namespace", controller, chat, "--ignore-not-found", "--wait=false")

    def tells(self) -> str:
        """What went wrong, for the report of a failed test."""
        controller, chat = self.namespaces.values()
        ask = self.cluster.kubectl.ask
        return "\n".join(
            [
                ask("--namespace", chat, "get", "chatsystems,pods,events").output[-6000:],
                ask("--namespace", controller, "logs", "deployment/chatsystem-controller", "--tail=50").output,
            ]
        )

    def _forwards(self, command: str) -> None:
        """Leaves it running, as the page says."""
        process = Process(
            "port-forward", ["bash", "-c", f"exec {command}"], self.folder / "forward.log", self.environment
        )
        self.forwarding.append(process)
        process.start()
        ports = [f"127.0.0.1:{port}" for port in self.ports.values()]
        wait_for(lambda: all(port in process.output() for port in ports), 60.0, "the ports are forwarded", pause=0.2)

    def _replaced(self, text: str) -> str:
        text = text.replace(REGISTRY, product.REPOSITORY).replace(VERSION, product.tag()).replace(".venv/bin/", "")
        text = text.replace(" charts/chatsystem", f" {ROOT}/charts/chatsystem")
        # The definitions are there already, because tests share them.
        text = text.replace("helm install ", "helm install --take-ownership ")
        for port, free in self.ports.items():
            text = text.replace(f" {port}:{port}", f" {free}:{port}").replace(f"127.0.0.1:{port}", f"127.0.0.1:{free}")
        for name, unique in self.namespaces.items():
            text = re.sub(rf"(--namespace[ =]|(?:create|label) namespace ){name}\b", rf"\g<1>{unique}", text)
        return text


@pytest.mark.timeout(1800, func_only=True)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_work_in_order(page: Path, reader: Reader) -> None:
    try:
        for step in script(page.read_text()):
            if isinstance(step, File):
                reader.saves(step)
            else:
                reader.types(step.line, page.name)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        raise AssertionError(f"{error}\n{reader.tells()}") from None


def _script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
