"""A cluster that was there before the tests: the one of the kubeconfig that CHATSYSTEM_TEST_KUBECONFIG names."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.testbed.kubernetes.kubectl import Kubectl

VARIABLE = "CHATSYSTEM_TEST_KUBECONFIG"


@dataclass(frozen=True)
class GivenCluster:
    """Tests use namespaces of their own in it, and the definitions of our kinds, which are left there."""

    kubeconfig: Path
    kubectl: Kubectl

    @classmethod
    def find(cls) -> GivenCluster | None:
        named = os.environ.get(VARIABLE)
        if not named:
            return None
        kubeconfig = Path(named).expanduser()
        assert kubeconfig.is_file(), f"{VARIABLE} names {named}, which is not a file. Name a kubeconfig, or unset it"
        kubectl = Kubectl(kubeconfig)
        answer = kubectl.ask("get", "nodes")
        assert answer.code == 0, f"the cluster of {VARIABLE} does not answer: {answer.error.strip()}"
        return cls(kubeconfig, kubectl)

    def load(self, *images: str) -> None:
        """By the cluster's own program: kind or k3d. For another kind of cluster, images have to be where it pulls from."""
        command = loading(self.kubectl("config", "current-context").strip())
        assert shutil.which(command[0]), (
            f"{command[0]} is missing, which brings images into this cluster: put it on the PATH"
        )
        done = subprocess.run([*command, *images], capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join([*command, *images])}: {done.stderr.strip()}"


def loading(context: str) -> list[str]:
    """The command that brings images into the cluster of a context of kind or k3d. Raises AssertionError for others."""
    kind, _, name = context.partition("-")
    commands = {
        "kind": ["kind", "load", "docker-image", "--name", name],
        "k3d": ["k3d", "image", "import", "--cluster", name],
    }
    assert kind in commands, (
        f"images cannot be brought into the cluster of context {context}: tests that run pods need a cluster made by kind or k3d, "
        f"or, without {VARIABLE}, one of the test bed"
    )
    return commands[kind]
