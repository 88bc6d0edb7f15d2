"""The controller in a cluster: candidates that all watch, of which one leads and runs the loop.

Everything is wired here and nothing decided: kopf and watches feed caches, the election says who may write, the loop acts.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets as random
import socket
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from controller.engine.loop import Loop, Pace
from controller.targets.kubernetes.cache import Cache
from controller.targets.kubernetes.changes import Changes
from controller.targets.kubernetes.client import Client, Connection
from controller.targets.kubernetes.feed import Watched
from controller.targets.kubernetes.health import HealthServer, Vitals
from controller.targets.kubernetes.lease import Election
from controller.targets.kubernetes.metrics import Metrics, Reading
from controller.targets.kubernetes.place import Place
from controller.targets.kubernetes.store import KubernetesStore
from controller.targets.kubernetes.systems import Systems
from controller.targets.kubernetes.target import KubernetesTarget
from controller.targets.kubernetes.transport import Transport
from controller.targets.kubernetes.watch import Watches

log = logging.getLogger(__name__)

WORKERS = 8
PACE = Pace(stores=300.0)
"""A look at external stores is a pod of its own here, so it is taken less often than where it is a process."""
UNHEARD = 30.0
"""Seconds without an answer about the Lease after which a candidate cannot be counted on."""


@dataclass(frozen=True)
class Options:
    namespaces: tuple[str, ...] = ()
    """The namespaces that are looked after; none: all."""
    health_host: str = "0.0.0.0"
    health_port: int = 8080
    """0: no probes are answered."""
    pace: Pace = PACE


class Operator:
    """One candidate. `run` is its whole life."""

    def __init__(self, connection: Connection, options: Options) -> None:
        self._connection = connection
        self._options = options
        self._reader = Client(connection)
        self.election = Election(self._reader, connection.namespace, identity())
        self.metrics = Metrics(_version(), self.reading)
        self._writer = Client(connection, self.election, self.metrics.wrote)
        told, heard = Changes(), Changes()
        cache = Cache(told.tell)
        self._systems = Systems(heard)
        self.watches = Watches(self._reader, options.namespaces, cache)
        place = Place()
        feed = Watched(cache, self.watches)
        self._target = KubernetesTarget(self._writer, feed, place, self.election, told)
        self._store = KubernetesStore(
            self._writer,
            place,
            systems=self._systems,
            namespaces=options.namespaces,
            instance=self.election.identity,
        )
        self._loop: Loop | None = None

    async def run(self, stopped: asyncio.Event) -> None:
        """Until `stopped`, or until something that must not end has."""
        server = HealthServer(self.vitals, self.metrics.text, self._options.health_host, self._options.health_port)
        if self._options.health_port:
            await server.start()
        transport = Transport(self._connection, self._options.namespaces, self._systems)
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(self.watches.run(), name="watches"),
            asyncio.create_task(transport.run(), name="kopf"),
            asyncio.create_task(self.election.run(self._lead, stopped), name="election"),
        ]
        asked = asyncio.create_task(stopped.wait())
        try:
            await asyncio.wait([*tasks, asked], return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
            # The election ends last of what is awaited, for it gives the Lease up.
            stopped.set()
            await tasks[2]
        finally:
            stopped.set()
            for task in (*tasks, asked):
                task.cancel()
            await asyncio.gather(*tasks, asked, return_exceptions=True)
            await server.stop()
            await self._reader.close()
            await self._writer.close()

    def vitals(self) -> Vitals:
        unasked = time.monotonic() - self.election.asked
        obstacle = self.watches.trouble
        if not obstacle and not self.watches.is_synced:
            obstacle = "the cluster is being read"
        if not obstacle and unasked > UNHEARD:
            obstacle = "the Lease cannot be read"
        longest = self._loop.longest_pass() if self._loop is not None else 0.0
        return Vitals(longest, self.watches.slowest, unasked, obstacle)

    def reading(self) -> Reading:
        waiting = self._loop.waiting() if self._loop is not None else 0
        leads = self.election.remaining() > 0
        return Reading(leads, waiting, self.watches.unsynced, self.watches.restarts())

    async def _lead(self) -> None:
        """What the leader does until it is cancelled."""
        await self.watches.synced()
        # The one before may have written since this one last looked.
        self._store.forget()
        self._loop = Loop(self._store, self._target, workers=WORKERS, pace=self._options.pace, observer=self.metrics)
        try:
            await self._loop.run()
        finally:
            self._loop = None
            self.metrics.resigned()


def identity() -> str:
    """Of this candidate: its pod's name, and something that no other life of it had."""
    return f"{os.environ.get('POD_NAME') or socket.gethostname()}_{random.token_hex(4)}"


def _version() -> str:
    """Of this package; "unknown" in a source tree that was never installed."""
    try:
        return version("chatsystem")
    except PackageNotFoundError:
        return "unknown"


async def operate(connection: Connection, options: Options, stopped: asyncio.Event) -> None:
    log.info("looking after %s", ", ".join(options.namespaces) or "all namespaces")
    with contextlib.suppress(asyncio.CancelledError):
        await Operator(connection, options).run(stopped)
