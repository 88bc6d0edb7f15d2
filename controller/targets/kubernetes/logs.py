"""The logs of a system's pods, as lines with their source."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from controller.engine.ports import TargetError
from controller.targets.kubernetes.cache import System
from controller.targets.kubernetes.client import Client
from controller.targets.kubernetes.inventory import COMPONENT, INSTANCE, POD_SELECTOR
from controller.targets.kubernetes.kinds import POD, Object

LOOK = 2.0
"""Seconds between two looks for new pods while following."""
LONGEST = 86_400.0


async def read(
    client: Client, system: System, component: str | None, follow: bool, tail: int
) -> AsyncIterator[tuple[str, str]]:
    """Yields (pod, line): the last `tail` lines of each pod, then new ones as they come if `follow`."""
    namespace, name = system
    labels = f"{POD_SELECTOR},{INSTANCE}={name}" + (f",{COMPONENT}={component}" if component else "")
    if not follow:
        pods, _ = await client.list(POD, namespace, labels=labels)
        for pod in sorted(pods, key=_name):
            async for line in _lines(client, pod, tail, follow=False):
                yield _name(pod), line
        return
    lines: asyncio.Queue[tuple[str, str]] = asyncio.Queue(maxsize=1000)
    pumps: dict[str, asyncio.Task[None]] = {}
    try:
        while True:
            pods, _ = await client.list(POD, namespace, labels=labels)
            for pod in pods:
                known = pumps.get(_name(pod))
                # A pod whose container has not started yet has no log; it is asked again.
                if known is None or (known.done() and pod.get("status", {}).get("phase") == "Running"):
                    pumps[_name(pod)] = asyncio.create_task(_pump(client, pod, tail if known is None else 0, lines))
            until = time.monotonic() + LOOK
            while (left := until - time.monotonic()) > 0:
                try:
                    found = await asyncio.wait_for(lines.get(), left)
                except TimeoutError:
                    break
                yield found
            for pump in pumps.values():
                if pump.done():
                    pump.result()
    finally:
        for pump in pumps.values():
            pump.cancel()


async def _pump(client: Client, pod: Object, tail: int, lines: asyncio.Queue[tuple[str, str]]) -> None:
    async for line in _lines(client, pod, tail, follow=True):
        await lines.put((_name(pod), line))


async def _lines(client: Client, pod: Object, tail: int, *, follow: bool) -> AsyncIterator[str]:
    """Nothing of a pod that has not started or is gone."""
    path = POD.path(pod["metadata"]["namespace"], _name(pod), "log")
    query = {"tailLines": str(tail), "follow": "true" if follow else "false"}
    try:
        async for line in client.text(path, query, f"read the log of {_name(pod)}", LONGEST):
            yield line
    except TargetError as error:
        if getattr(error, "status", None) not in {400, 404}:
            raise


def _name(pod: Object) -> str:
    return str(pod["metadata"]["name"])
