"""Two controllers: one leads, the other takes over in seconds, and never do both write."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from tests.testbed.kubernetes.controllers import PATIENCE, Controller
from tests.testbed.kubernetes.fault_proxy import FaultProxy, Hang, Request
from tests.testbed.kubernetes.scene import Scene
from tests.testbed.process import wait_for

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def second(scene: Scene) -> Iterator[FaultProxy]:
    """The way of the second controller to the cluster, so that their writes can be told apart."""
    proxy = FaultProxy(scene.cluster.kubeconfig)
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture
def pair(scene: Scene, second: FaultProxy) -> tuple[Controller, Controller]:
    """The first leads, the second stands by."""
    leader = scene.controller("one")
    wait_for(lambda: scene.holder() == "one", PATIENCE, "the first leads", pause=0.2)
    return leader, scene.controller("two", second)


def touch(scene: Scene, way: FaultProxy) -> None:
    """Something for a leader to do: waits until it has been done by the way of one of them."""
    before = len(way.writes())
    scene.system.do("delete", "deployment", "acme-user")
    wait_for(lambda: scene.system.exists("deployment", "acme-user"), PATIENCE, "it is made again", pause=0.3)
    assert len(way.writes()) > before


def test_the_one_that_stands_by_writes_nothing(scene: Scene, pair: object, second: FaultProxy) -> None:
    scene.system.declare()
    scene.system.until("Ready", "True")
    assert second.writes() == []


def test_a_leader_that_stops_hands_over_at_once(
    scene: Scene, pair: tuple[Controller, Controller], second: FaultProxy
) -> None:
    scene.system.declare()
    scene.system.until("Ready", "True")
    pair[0].stop()
    assert pair[0].exit_code == 0
    wait_for(lambda: scene.holder() == "two", PATIENCE, "the second leads", pause=0.2)
    touch(scene, second)


def test_a_leader_that_is_killed_is_replaced(
    scene: Scene, pair: tuple[Controller, Controller], second: FaultProxy
) -> None:
    scene.system.declare()
    pair[0].kill()
    wait_for(lambda: scene.holder() == "two", PATIENCE, "the second leads", pause=0.2)
    scene.system.until("Ready", "True")
    assert second.writes()


def test_a_leader_that_was_frozen_writes_nothing_when_it_wakes(
    scene: Scene, pair: tuple[Controller, Controller], second: FaultProxy
) -> None:
    scene.system.declare()
    scene.system.until("Ready", "True")
    pair[0].signal(signal.SIGSTOP)
    wait_for(lambda: scene.holder() == "two", PATIENCE, "the second leads", pause=0.2)
    written = len(scene.proxy.writes())
    pair[0].signal(signal.SIGCONT)
    touch(scene, second)
    time.sleep(3)
    assert len(scene.proxy.writes()) == written
    assert pair[0].running


def test_a_leader_that_is_cut_off_stops_before_the_next_one_begins(
    scene: Scene, pair: tuple[Controller, Controller], second: FaultProxy
) -> None:
    scene.system.declare()
    scene.system.until("Ready", "True")
    last: list[float] = []

    def fault(request: Request) -> Hang | None:
        if request.is_lease:
            return Hang()  # It cannot renew, but everything else works for it.
        if request.writes:
            last.append(time.monotonic())
        return None

    scene.proxy.fault = fault
    first: list[float] = []

    def begun(request: Request) -> None:
        if request.writes and not request.is_lease:
            first.append(time.monotonic())

    second.fault = begun
    until = time.monotonic() + PATIENCE
    while scene.holder() != "two" and time.monotonic() < until:
        # Work for whoever believes to lead.
        scene.kubectl.ask("--namespace", scene.namespace, "delete", "deployment", "acme-user", "--ignore-not-found")
        time.sleep(0.5)
    touch(scene, second)
    assert scene.holder() == "two"
    assert first
    assert not last or max(last) < min(first)
