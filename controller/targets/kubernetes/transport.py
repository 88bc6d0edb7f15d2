"""kopf as the transport of ChatSystem objects: its events only enqueue; what is true is decided elsewhere.

Handlers of other sorts would react to edges, add finalizers and annotations of their own, and are not used. kopf runs in a
thread with an event loop of its own, because where it ends it cancels every task of its event loop, and it takes the signals.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import kopf

from controller.api.metadata import GROUP, VERSION
from controller.engine.backoff import Backoff
from controller.targets.kubernetes.client import WATCH, Connection
from controller.targets.kubernetes.kinds import SYSTEM, Object
from controller.targets.kubernetes.systems import Systems

log = logging.getLogger(__name__)

SETTLED = 60.0
"""Seconds after which its next end is a first one again."""
ENDS_WITHIN = 5.0


class Transport:
    """Feeds `systems` from its own thread while it runs."""

    def __init__(self, connection: Connection, namespaces: tuple[str, ...], systems: Systems) -> None:
        self._connection = connection
        self._namespaces = namespaces
        self._systems = systems
        self._stop = threading.Event()

    async def run(self) -> None:
        """Until cancelled. kopf gives up on errors that last, as while the definition is missing; it is started again then, and
        meanwhile the loop's own resync finds what there is."""
        here = asyncio.get_running_loop()

        def heard(type_: str | None, item: Object) -> None:
            here.call_soon_threadsafe(hear, type_, item, self._systems)

        thread = threading.Thread(target=self._follow, args=(heard,), name="kopf", daemon=True)
        thread.start()
        try:
            await asyncio.Event().wait()
        finally:
            self._stop.set()
            await asyncio.to_thread(thread.join, ENDS_WITHIN)

    def _follow(self, heard: Callable[[str | None, Object], None]) -> None:
        # It warns that it has no signals here, which is the point.
        logging.getLogger("kopf").setLevel(logging.ERROR)
        backoff, failures = Backoff(first=1.0, limit=30.0), 0
        while not self._stop.is_set():
            begun = time.monotonic()
            try:
                asyncio.run(self._operate(heard))
            except Exception as error:  # noqa: BLE001 - whatever it ends with, it is started again
                log.warning("kopf ended: %s", error)
            failures = 1 if time.monotonic() - begun > SETTLED else failures + 1
            self._stop.wait(backoff.delay(failures))

    async def _operate(self, heard: Callable[[str | None, Object], None]) -> None:
        settings = kopf.OperatorSettings()
        settings.posting.enabled = False
        settings.peering.standalone = True
        # Which definitions there are may be read cluster-wide only.
        settings.scanning.disabled = bool(self._namespaces)
        settings.watching.server_timeout = int(WATCH)
        settings.watching.client_timeout = WATCH + 15
        await kopf.operator(
            registry=_registry(self._connection, heard),
            settings=settings,
            clusterwide=not self._namespaces,
            namespaces=self._namespaces,
            stop_flag=self._stop,
        )


def _registry(connection: Connection, heard: Callable[[str | None, Object], None]) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    def login(**_: Any) -> kopf.ConnectionInfo:
        return credentials(connection)

    @kopf.on.event(GROUP, VERSION, SYSTEM.plural, registry=registry)
    async def on_event(event: Mapping[str, Any], **_: Any) -> None:
        heard(event["type"], dict(event["object"]))

    return registry


def hear(type_: str | None, item: Object, systems: Systems) -> None:
    """An event of a watch; without a type it is from the list before it."""
    if type_ == "DELETED":
        systems.drop(item)
    else:
        systems.put(item)


def credentials(connection: Connection) -> kopf.ConnectionInfo:
    """The connection in kopf's words. A token that is renewed is read anew, for kopf asks again when it is refused."""
    configuration = connection.configuration
    if configuration.refresh_api_key_hook is not None:
        configuration.refresh_api_key_hook(configuration)
    scheme, _, token = str(configuration.api_key.get("BearerToken") or "").partition(" ")
    return kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        scheme=scheme.capitalize() or None,
        token=token or None,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        default_namespace=connection.namespace,
    )
