"""The controller on a real API server that fails, refuses, hangs and forgets: it converges, and says why it does not."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.testbed.kubernetes.cluster import Cluster
from tests.testbed.kubernetes.controllers import PATIENCE
from tests.testbed.kubernetes.fault_proxy import Cut, Fault, Hang, Lose, Refuse, Request
from tests.testbed.kubernetes.scene import Scene
from tests.testbed.kubernetes.scene import scene as made_scene
from tests.testbed.process import wait_for

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def api_of_its_own(own_api: Cluster, tmp_path: Path) -> Iterator[Scene]:
    """A scene whose API server the test may stop."""
    with made_scene(own_api, tmp_path) as one:
        yield one


def every(number: int, fault: Fault) -> Callable[[Request], Fault | None]:
    """The fault to one of so many writes."""
    count = itertools.count(1)

    def choose(request: Request) -> Fault | None:
        return fault if request.writes and not request.is_lease and next(count) % number == 0 else None

    return choose


@pytest.mark.parametrize(
    "fault",
    [
        Refuse(409, message="the object has been modified"),
        Refuse(429, {"Retry-After": "1"}),
        Refuse(500),
        Refuse(503, {"Retry-After": "1"}),
        Cut(),
        Lose(),
    ],
    ids=["409", "429", "500", "503", "cut", "lost-answer"],
)
def test_writes_that_fail_now_and_then_are_made_up_for(scene: Scene, fault: Fault) -> None:
    scene.proxy.fault = every(3, fault)
    scene.controller()
    scene.system.declare()
    scene.system.until("Ready", "True")
    scene.proxy.fault = lambda _: None
    assert len(scene.system.names("deployments")) == 6
    logical = [item["metadata"]["labels"]["chatsystem.dev/secret"] for item in scene.system.all("secrets")]
    assert sorted(logical) == sorted(set(logical))


def test_a_write_that_hangs_is_given_up_and_holds_no_other_system_up(scene: Scene) -> None:
    hung = threading.Event()

    def fault(request: Request) -> Fault | None:
        if request.method == "PATCH" and request.path.endswith("/statefulsets/acme-mysql") and not hung.is_set():
            hung.set()
            return Hang()
        return None

    scene.proxy.fault = fault
    scene.controller()
    scene.system.declare()
    assert hung.wait(PATIENCE)
    scene.system.until("Ready", "True")


def test_a_permission_that_is_missing_is_named(scene: Scene) -> None:
    words = 'networkpolicies.networking.k8s.io is forbidden: User "x" cannot patch resource "networkpolicies"'

    def fault(request: Request) -> Fault | None:
        return Refuse(403, message=words) if request.writes and "/networkpolicies/" in request.path else None

    scene.proxy.fault = fault
    scene.controller()
    scene.system.declare()
    stalled = scene.system.until("Stalled", "True", "Forbidden")
    assert "networkpolicies" in stalled["message"]
    assert scene.system.names("statefulsets") == []
    scene.proxy.fault = lambda _: None
    scene.system.until("Ready", "True")


def test_watches_that_are_cut_or_too_old_miss_nothing(scene: Scene) -> None:
    scene.controller()
    scene.system.declare()
    scene.system.until("Ready", "True")
    too_old = Refuse(410, message="too old resource version")
    refused: list[str] = []

    def fault(request: Request) -> Fault | None:
        if request.watches and request.path not in refused:
            refused.append(request.path)
            return too_old
        return None

    scene.proxy.fault = fault
    scene.proxy.cut_watches()
    scene.system.do("delete", "deployment", "acme-user")
    wait_for(lambda: scene.system.exists("deployment", "acme-user"), PATIENCE, "it is made again", pause=0.3)
    scene.system.until("Ready", "True")
    assert refused


def test_the_loss_of_the_api_server_is_survived(api_of_its_own: Scene) -> None:
    scene = api_of_its_own
    controller = scene.controller()
    scene.system.declare()
    scene.system.until("Ready", "True")
    server = scene.cluster.program("apiserver")
    server.kill()
    # Longer than the Lease lasts: nobody may take its going on for granted.
    time.sleep(12)
    assert controller.running
    server.start()
    wait_for(scene.cluster.control_plane.ready, PATIENCE, "the API server is back", pause=0.5)
    scene.system.do("delete", "deployment", "acme-user")
    wait_for(lambda: scene.system.exists("deployment", "acme-user"), PATIENCE, "it is made again", pause=0.3)
    scene.system.until("Ready", "True")


def test_a_controller_that_comes_before_the_definitions_waits_for_them(api_of_its_own: Scene) -> None:
    scene = api_of_its_own
    definition = scene.kubectl.get("crd", "chatsystems.chatsystem.dev")
    scene.kubectl("delete", "crd", "chatsystems.chatsystem.dev")
    controller = scene.controller()
    wait_for(lambda: scene.holder() == "one", PATIENCE, "it leads", pause=0.3)
    time.sleep(3)
    assert controller.running
    fresh = {key: definition[key] for key in ("apiVersion", "kind", "spec")}
    scene.kubectl.apply({**fresh, "metadata": {"name": definition["metadata"]["name"]}})
    scene.kubectl.wait("--for=condition=Established", "crd/chatsystems.chatsystem.dev")
    scene.system.declare()
    scene.system.until("Ready", "True")
