"""Runs the program of the services once, beside a system: a Job of its own, whose output is the answer and which is then gone."""

from __future__ import annotations

import asyncio
import secrets as random
import time
from dataclasses import replace
from typing import Any

from controller.blueprint.workload import Blueprint, Workload
from controller.engine.ports import TargetError
from controller.targets.kubernetes.client import Client
from controller.targets.kubernetes.inventory import SELECTOR
from controller.targets.kubernetes.kinds import JOB, POD, Object
from controller.targets.kubernetes.pods import ailment_of, last_words
from controller.targets.kubernetes.render.errand import errand
from controller.targets.kubernetes.render.scope import Scope
from controller.targets.kubernetes.render.surroundings import Surroundings

POLL = 0.5


async def run_once(
    client: Client, blueprint: Blueprint, surroundings: Surroundings, workload: Workload, timeout: float
) -> str:
    """What the workload printed. `timeout` in seconds. Raises TargetError with its own words if it failed."""
    once = replace(workload, name=f"{workload.name}-{random.token_hex(3)}", deadline=timeout)
    if blueprint.declaration is None:
        raise ValueError("a blueprint that was made from nothing has nothing to ask")
    scope = Scope(blueprint.declaration, replace(blueprint, workloads=(*blueprint.workloads, once)), surroundings)
    made = await client.create(_unlisted(errand(scope, once)))
    try:
        async with asyncio.timeout(timeout):
            return await _outcome(client, made)
    except TimeoutError:
        raise TargetError(f"{workload.name} has not ended within {timeout:g} s{await _why(client, made)}") from None
    finally:
        await asyncio.shield(client.delete(made))


def _unlisted(manifest: dict[str, Any]) -> dict[str, Any]:
    """Without the label by which the inventory would know it."""
    labels = {key: value for key, value in manifest["metadata"]["labels"].items() if f"{key}={value}" != SELECTOR}
    return {**manifest, "metadata": {**manifest["metadata"], "labels": labels}}


async def _outcome(client: Client, made: Object) -> str:
    namespace, name = made["metadata"]["namespace"], made["metadata"]["name"]
    while True:
        live = await client.get(JOB, namespace, name)
        if live is None:
            raise TargetError(f"the Job {name} was removed before it had ended")
        for condition in live.get("status", {}).get("conditions") or ():
            if condition.get("status") == "True" and condition.get("type") in {"Complete", "Failed"}:
                pods = await _pods(client, made)
                if condition["type"] == "Complete":
                    return await _printed(client, pods)
                words = next((text for pod in pods if (text := last_words(pod))), condition.get("message", ""))
                raise TargetError(str(words))
        await asyncio.sleep(POLL)


async def _printed(client: Client, pods: list[Object]) -> str:
    if not pods:
        raise TargetError("its pod is gone, and with it what it said")
    metadata = pods[-1]["metadata"]
    path = POD.path(metadata["namespace"], metadata["name"], "log")
    return "\n".join([line async for line in client.text(path, {}, f"read the log of {metadata['name']}", 30.0)])


async def _why(client: Client, made: Object) -> str:
    ailments = [ailment_of(pod, time.time()) for pod in await _pods(client, made)]
    return next((f": {ailment.message}" for ailment in ailments if ailment), "")


async def _pods(client: Client, made: Object) -> list[Object]:
    metadata = made["metadata"]
    labels = f"batch.kubernetes.io/job-name={metadata['name']}"
    found, _ = await client.list(POD, metadata["namespace"], labels=labels)
    return found
