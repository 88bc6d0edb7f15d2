"""Clusters of the test bed: several side by side, and nothing left of them however they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.testbed.kubernetes.cluster import cluster
from tests.testbed.kubernetes.given import loading
from tests.testbed.kubernetes.programs import PAUSE
from tests.testbed.machine import CGROUPS, HOME, Lease
from tests.testbed.process import wait_for

ROOT = Path(__file__).parents[3]


@pytest.fixture
def up() -> Iterator[subprocess.Popen[str]]:
    """A cluster by hand, which answers."""
    command = [sys.executable, "-m", "tests.testbed.kubernetes", "up", "--nodeless"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        yield process
        if process.poll() is None:
            process.kill()


def kubeconfig_of(process: subprocess.Popen[str]) -> Path:
    assert process.stdout is not None
    name, _, path = process.stdout.readline().strip().partition("=")
    assert name == "export KUBECONFIG"
    return Path(path)


def programs_in(directory: Path) -> list[psutil.Process]:
    """Those that were told of a folder."""
    return [each for each in psutil.process_iter(["cmdline"]) if str(directory) in " ".join(each.info["cmdline"] or [])]


def test_two_clusters_share_nothing() -> None:
    with cluster(nodeless=True) as one, cluster(nodeless=True) as other:
        one.kubectl("create", "namespace", "of-one")
        assert one.kubectl.exists("namespace", "of-one")
        assert not other.kubectl.exists("namespace", "of-one")
        assert {one.slot.directory, one.slot.network.link}.isdisjoint({other.slot.directory, other.slot.network.link})


def test_nothing_is_left_of_a_cluster_with_pods() -> None:
    with cluster() as one:
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "waits"},
            "spec": {"containers": [{"name": "waits", "image": PAUSE, "imagePullPolicy": "Never"}]},
        }
        wait_for(lambda: one.kubectl.exists("serviceaccount", "default"), 60.0, "pods can be created")
        one.kubectl.apply(pod)
        one.kubectl.wait("--for=condition=Ready", "pod/waits")
        slot = one.slot
        inside = psutil.Process(one.machine.pid)
        assert programs_in(slot.directory)
    assert not inside.is_running()
    assert not programs_in(slot.directory)
    assert not slot.directory.exists()
    assert not (Path("/sys/class/net") / slot.network.link).exists()
    assert not list(CGROUPS.glob(f"*/{slot.cgroup}"))
    assert str(slot.directory) not in Path("/proc/mounts").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_cluster(up: subprocess.Popen[str], number: signal.Signals) -> None:
    directory = kubeconfig_of(up).parents[1]
    os.killpg(up.pid, number)  # as a terminal does
    assert up.wait(60.0) == 0
    assert not programs_in(directory)
    assert not directory.exists()


def test_no_program_outlives_a_test_run_that_is_killed(up: subprocess.Popen[str]) -> None:
    directory = kubeconfig_of(up).parents[1]
    up.kill()
    up.wait(60.0)
    wait_for(lambda: not programs_in(directory), 60.0, "the programs have ended")
    lease = Lease(HOME / f"{directory.name}.lock")
    wait_for(lambda: lease.take(wait=False), 60.0, "its place is free again")
    lease.release()


def test_images_are_brought_into_a_given_cluster_by_its_own_program() -> None:
    assert loading("kind-chat") == ["kind", "load", "docker-image", "--name", "chat"]
    assert loading("k3d-chat-2") == ["k3d", "image", "import", "--cluster", "chat-2"]
    with pytest.raises(AssertionError, match="made by kind or k3d"):
        loading("production")
