"""Pods in the engine's words, and why one is not well in a person's."""

from __future__ import annotations

from typing import Any

import pytest

from controller.engine.model import Health
from controller.targets.kubernetes.pods import ailment_of, instance_of, is_instance
from tests.controller.targets.kubernetes.objects import NOW, container, pod

CRASH = {"waiting": {"reason": "CrashLoopBackOff"}}
ENDED = {"terminated": {"exitCode": 1, "message": "cannot reach mysql"}}
UNREADY = [{"type": "Ready", "status": "False"}]


@pytest.mark.parametrize(
    ("status", "health", "reason", "words"),
    [
        (
            {
                "phase": "Pending",
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
                ],
            },
            Health.STARTING,
            "Unschedulable",
            "has no node: 0/3 nodes",
        ),
        (
            {
                "phase": "Pending",
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "message": "pod has unbound immediate PersistentVolumeClaims",
                    }
                ],
            },
            Health.STARTING,
            "VolumePending",
            "unbound",
        ),
        (
            {"containerStatuses": [container({"waiting": {"reason": "ErrImagePull", "message": "not found"}})]},
            Health.STARTING,
            "ImageUnavailable",
            "the image chatsystem:1.2.0 cannot be fetched: not found",
        ),
        (
            {
                "containerStatuses": [
                    container(
                        {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "tls" not found'}}
                    )
                ]
            },
            Health.STARTING,
            "SecretMissing",
            'secret "tls" not found',
        ),
        (
            {"phase": "Running", "containerStatuses": [container(CRASH, lastState=ENDED, restartCount=4)]},
            Health.EXITED,
            "",
            "ended with code 1; its last output: cannot reach mysql",
        ),
        (
            {
                "containerStatuses": [
                    container(CRASH, lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}})
                ]
            },
            Health.EXITED,
            "OutOfMemory",
            "reached its memory limit",
        ),
        ({"phase": "Running", "conditions": UNREADY}, Health.UNREADY, "", "not ready yet"),
    ],
    ids=["node", "volume", "image", "secret", "crash", "memory", "unready"],
)
def test_why_a_pod_is_not_well(status: dict[str, Any], health: Health, reason: str, words: str) -> None:
    item = pod("user", **status)
    ailment = ailment_of(item, NOW)
    assert ailment is not None
    assert (ailment.reason, words in ailment.message) == (reason, True), ailment
    assert instance_of(item, NOW).health is health


def test_a_ready_pod_is_healthy_and_has_no_ailment() -> None:
    assert instance_of(pod("user"), NOW).health is Health.HEALTHY
    assert ailment_of(pod("user"), NOW) is None


def test_a_pod_that_is_asked_to_go_is_stopping() -> None:
    item = pod("user")
    item["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert instance_of(item, NOW).health is Health.STOPPING


def test_deaths_of_long_ago_do_not_make_a_crash_loop() -> None:
    running = container({"running": {"startedAt": "2026-01-01T00:00:00Z"}}, restartCount=9)
    assert instance_of(pod("user", phase="Running", conditions=UNREADY, containerStatuses=[running]), NOW).restarts == 0
    crashing = container(CRASH, lastState=ENDED, restartCount=9)
    assert instance_of(pod("user", containerStatuses=[crashing]), NOW).restarts == 9


def test_a_fresh_pod_may_want_an_image_for_a_while() -> None:
    item = pod("user", containerStatuses=[container({"waiting": {"reason": "ErrImagePull"}})])
    item["metadata"]["creationTimestamp"] = "2027-01-15T08:00:00Z"
    fresh = ailment_of(item, NOW)
    assert fresh is not None
    assert fresh.reason == ""


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
def test_a_pod_that_has_ended_for_good_is_no_instance(phase: str) -> None:
    assert not is_instance(pod("user", phase=phase))
