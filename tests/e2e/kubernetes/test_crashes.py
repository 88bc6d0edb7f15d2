"""A controller that is killed at any of its writes: the next one brings about what is declared, and makes nothing twice."""

from __future__ import annotations

import pytest

from tests.testbed.kubernetes.controllers import PATIENCE
from tests.testbed.kubernetes.fault_proxy import Cut, Fault, Lose, Request
from tests.testbed.kubernetes.scene import Scene
from tests.testbed.process import wait_for

pytestmark = pytest.mark.timeout(900)

APART = 5
"""Writes between two crashes. Together the tests of this file crash at every write."""


@pytest.mark.parametrize("first", range(APART))
def test_a_crash_at_any_write_converges(scene: Scene, first: int) -> None:
    count, crashes = 0, 0
    running = scene.controller()

    def fault(request: Request) -> Fault | None:
        nonlocal count, crashes
        if not request.writes or request.is_lease or not running.running:
            return None
        count += 1
        if count % APART != first:
            return None
        crashes += 1
        running.kill()
        # Before the write arrives, and after it has arrived but before the answer has.
        return Cut() if crashes % 2 else Lose()

    scene.proxy.fault = fault
    scene.system.declare()

    def ready() -> bool:
        if not running.running:
            scene.forget_lease()
            running.start()
        return scene.system.condition("Ready").get("status") == "True"

    wait_for(ready, PATIENCE * 3, "it is ready after all crashes", pause=0.3)
    scene.proxy.fault = lambda _: None
    if not running.running:
        scene.forget_lease()
        running.start()
    assert crashes > 3
    wait_for(lambda: scene.holder() == "one", PATIENCE, "it leads", pause=0.3)
    # A secret that was made twice would be two values of one password.
    logical = [item["metadata"]["labels"]["chatsystem.dev/secret"] for item in scene.system.all("secrets")]
    assert sorted(logical) == sorted(set(logical))
    assert len(scene.system.names("jobs")) == 1
    assert [item["revision"] for item in scene.system.revisions()] == [1]
