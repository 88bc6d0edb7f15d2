"""The life of a process: open the stores, start the services in order, be ready, drain, stop.

What fails while starting undoes what was started and is a StartError in words for the log.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial

from prometheus_client import CollectorRegistry

from services.catalogue import POOL_SIZE
from services.observation.calls import observed_calls
from services.observation.process import observe_readiness, observed_stores
from services.observation.push import PushCollector
from services.observation.samples import Samples
from services.observation.tracer import Tracer
from services.observation.tracing_settings import TracingError, open_tracer
from services.runtime.absent import absent
from services.runtime.context import Hosted, Runtime
from services.runtime.health import HealthServer, Readiness
from services.runtime.metrics import installed_version, process_metrics, watch_event_loop
from services.runtime.open_stores import Stores, close_stores, open_stores
from services.runtime.presence import PRESENCE_TTL, PresencePushBus
from services.runtime.process_settings import ProcessSettings
from services.runtime.rpc import Clients, Remote
from services.runtime.settings import Settings
from services.stores.migrate import MigrationError
from services.stores.ports import Instance, Registry, StoreError

log = logging.getLogger(__name__)

_STORE_PAUSE = 0.25
_STOP_TIMEOUT = 10.0
_FAREWELL = 0.3
"""Seconds for the others to hear that this process takes no more calls, before it takes none."""


def _pool_size(settings: Settings) -> int:
    """Connections to the database: what the most demanding of the hosted services is to have."""
    sizes = [size for (_, name), size in settings.values.items() if name == POOL_SIZE.name]
    return max((int(size) for size in sizes), default=int(POOL_SIZE.default))


def _presence_lifetime(settings: Settings) -> float:
    """Seconds. Only a process with a gateway has connections whose users it writes down."""
    return settings.number("gateway", "presenceLifetime") if "gateway" in settings.services else PRESENCE_TTL


class StartError(Exception):
    """The process cannot do its work; the text says why and names the service, store or port."""


class Host:
    """One process's worth of services."""

    def __init__(self, settings: ProcessSettings) -> None:
        self._settings = settings
        self._readiness = Readiness()
        self._services: list[Hosted] = []
        self._cleanup = AsyncExitStack()
        self._leaving: list[Callable[[], Awaitable[None]]] = []
        """What takes this process out of discovery."""
        self._refuse: Callable[[], Awaitable[None]] | None = None

    async def start(self) -> None:
        """Returns when every service takes calls. Raises StartError, with nothing left running."""
        try:
            await self._start()
        except BaseException:
            await self._cleanup.aclose()
            raise

    async def _start(self) -> None:
        settings = self._settings
        metrics = process_metrics(settings.instance, (service.name for service in settings.services))
        samples = Samples(metrics)
        observe_readiness(self._readiness, metrics, samples)
        if settings.rpc_tls is not None:
            from services.observation.certificates import observe_certificate

            observe_certificate(settings.rpc_tls.lives(), metrics)
        health = HealthServer(self._readiness, metrics, samples)
        try:
            await health.start(settings.metrics_host, settings.metrics_port)
        except OSError as error:
            where = f"{settings.metrics_host}:{settings.metrics_port}"
            raise StartError(
                f"cannot listen on {where} for health and metrics (CHATSYSTEM_METRICS_PORT): {error}"
            ) from error
        self._cleanup.push_async_callback(health.close)
        watching = asyncio.create_task(watch_event_loop(metrics))
        self._cleanup.callback(watching.cancel)

        tracer = self._tracer()
        opened = await self._open_stores()
        self._cleanup.push_async_callback(close_stores, opened)
        stores = observed_stores(opened, metrics, samples, time.time, tracer)
        self._readiness.ask(stores.checks())
        clients = await self._clients(stores, metrics, tracer)
        push = PresencePushBus(
            stores.cache or absent("redis"),
            settings.instance,
            presence_ttl=_presence_lifetime(settings.service_settings),
            single_process=settings.single_process,
        )
        metrics.register(PushCollector(push))
        self._cleanup.push_async_callback(push.close)
        runtime = Runtime(
            settings=settings.service_settings,
            clients=clients,
            push=push,
            metrics=metrics,
            clock=time.time,
            database=stores.database or absent("mysql"),
            cache=stores.cache or absent("redis"),
            queue=stores.queue or absent("rabbitmq"),
            search=stores.search or absent("elasticsearch"),
            files=stores.files or absent("files"),
            samples=samples,
            tracer=tracer,
        )
        for service in settings.services:
            await self._start_service(service.name, runtime)
        if stores.registry is not None:
            await self._take_calls(stores.registry, clients)
        self._readiness.state = "running"

    def _tracer(self) -> Tracer | None:
        settings = self._settings
        if settings.tracing is None:
            return None
        try:
            tracer = open_tracer(
                settings.tracing,
                services=[service.name for service in settings.services],
                instance=settings.instance,
                version=installed_version(),
            )
        except TracingError as error:
            raise StartError(str(error)) from error
        self._cleanup.push_async_callback(asyncio.to_thread, tracer.close)
        return tracer

    async def _clients(self, stores: Stores, metrics: CollectorRegistry, tracer: Tracer | None) -> Clients:
        remote = None if stores.registry is None else await self._remote(stores.registry, metrics)
        if tracer is None:
            return Clients(remote)
        from services.observation.traced_calls import TracedClients

        return TracedClients(tracer, remote)

    async def _remote(self, registry: Registry, metrics: CollectorRegistry) -> Remote:
        from services.runtime.rpc_remote import RemoteServices

        settings = self._settings
        remote = RemoteServices(registry, settings.rpc_secret, settings.rpc_tls, metrics=metrics)
        self._cleanup.push_async_callback(remote.close)
        try:
            await remote.start()
        except StoreError as error:
            raise StartError(f"the registry cannot be used: {error}") from error
        return observed_calls(remote.call, metrics)

    async def _take_calls(self, registry: Registry, clients: Clients) -> None:
        """Listens for calls of other processes and makes this one known to them."""
        from services.runtime.rpc_server import RpcServer, endpoint

        settings = self._settings
        called = {hosted.name: clients.hosted(hosted.name) for hosted in self._services if hosted.handlers}
        if not called:
            return
        server = RpcServer(settings.rpc_secret, called, settings.rpc_tls)
        self._cleanup.push_async_callback(server.stop, _STOP_TIMEOUT)
        try:
            ports = await server.start(settings.rpc_host, [settings.ports[name] for name in called])
            for name, port in zip(called, ports, strict=True):
                instance = Instance(name, settings.instance, endpoint(settings.rpc_host, port))
                await registry.register(instance)
                self._leaving.append(partial(registry.deregister, instance))
        except (OSError, StoreError) as error:
            raise StartError(f"cannot take calls of other processes: {error}") from error
        self._leaving.append(server.leave)
        self._refuse = server.refuse

    async def _start_service(self, name: str, runtime: Runtime) -> None:
        try:
            hosted: Hosted = importlib.import_module(f"services.{name}.service").create(runtime)
            self._cleanup.push_async_callback(self._stop_service, hosted)
            if hosted.handlers:
                runtime.clients.host(name, dict(hosted.handlers))
            await hosted.start()
        except Exception as error:
            raise StartError(f"service {name} did not start: {error or type(error).__name__}") from error
        self._services.append(hosted)
        log.info("service %s started", name)

    async def _open_stores(self) -> Stores:
        """Waits a while for stores that come up at the same time as this process."""
        deadline = time.monotonic() + self._settings.start_timeout
        reported = False
        while True:
            try:
                return await open_stores(
                    self._settings.stores,
                    instance=self._settings.instance,
                    pool_size=_pool_size(self._settings.service_settings),
                )
            except MigrationError as error:
                raise StartError(str(error)) from error
            except StoreError as error:
                if not error.retryable or time.monotonic() >= deadline:
                    raise StartError(f"a store cannot be used: {error}") from error
                if not reported:
                    log.warning("waiting for a store: %s", error)
                    reported = True
            await asyncio.sleep(_STORE_PAUSE)

    async def stop(self) -> None:
        """Drains and stops. What does not end in time is named in the log and left behind."""
        self._readiness.state = "draining"
        log.info("draining")
        try:
            async with asyncio.timeout(self._settings.drain_timeout):
                await self._leave()
                for service in reversed(self._services):  # the gateway first, it takes in all the work
                    try:
                        await service.drain()
                    except Exception:
                        log.exception("service %s did not drain", service.name)
        except TimeoutError:
            log.error("draining took longer than %g s; what is left is cut off", self._settings.drain_timeout)
        await self._cleanup.aclose()
        log.info("stopped")

    async def _leave(self) -> None:
        for step in self._leaving:
            try:
                await step()
            except StoreError as error:
                log.warning("could not leave the registry, the registration will lapse: %s", error)
        if self._leaving:
            await asyncio.sleep(_FAREWELL)
        if self._refuse is not None:
            await self._refuse()

    async def _stop_service(self, service: Hosted) -> None:
        try:
            async with asyncio.timeout(_STOP_TIMEOUT):
                await service.stop()
        except Exception:
            log.exception("service %s did not stop cleanly", service.name)
