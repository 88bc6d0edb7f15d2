"""The settings of the process itself: what it hosts, where it listens, where its stores are, how it logs.

The settings of the services are in services.runtime.settings; both are read and checked together at the start.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.catalogue import BY_NAME, SERVICES, Service
from services.observation.tracing_settings import TracingSettings, read_tracing
from services.runtime.rpc_tls import RpcTls, read_rpc_tls
from services.runtime.settings import Settings, SettingsError, read_settings
from services.runtime.store_urls import StoreUrls, read_stores_of

_INSTANCE = re.compile(r"[A-Za-z0-9._-]{1,128}")
_LEVELS = ("debug", "info", "warning", "error")
_FORMATS = ("text", "json")


@dataclass(frozen=True)
class LogSettings:
    level: str
    format: str


@dataclass(frozen=True)
class ProcessSettings:
    """Everything a process was told. `rpc_secret` is what calls between processes carry."""

    services: tuple[Service, ...]
    """In dependency order."""
    service_settings: Settings
    stores: StoreUrls
    instance: str
    rpc_host: str
    ports: Mapping[str, int]
    metrics_host: str
    metrics_port: int
    rpc_secret: str = field(repr=False)
    rpc_tls: RpcTls | None
    """Certificates for calls between processes; None: they are not encrypted."""
    start_timeout: float
    """Seconds to wait at the start for a store that does not answer yet."""
    drain_timeout: float
    """Seconds that draining may take altogether."""
    tracing: TracingSettings | None = None
    """None: no traces are made."""

    @property
    def single_process(self) -> bool:
        """Whether every service is hosted here, so that nothing listens for calls."""
        return self.stores.urls["REGISTRY"].startswith("none:")


def read_log_settings(environment: Mapping[str, str]) -> LogSettings:
    """Raises SettingsError."""
    problems: list[str] = []
    level = environment.get("CHATSYSTEM_LOG_LEVEL", "info").lower()
    form = environment.get("CHATSYSTEM_LOG_FORMAT", "text").lower()
    if level not in _LEVELS:
        problems.append(f"CHATSYSTEM_LOG_LEVEL={level!r}: expected {', '.join(_LEVELS)}")
    if form not in _FORMATS:
        problems.append(f"CHATSYSTEM_LOG_FORMAT={form!r}: expected {' or '.join(_FORMATS)}")
    if problems:
        raise SettingsError(problems)
    return LogSettings(level, form)


def hosted_services(names: list[str]) -> tuple[Service, ...]:
    """The services of a command line, each once, in dependency order. Raises SettingsError for unknown names."""
    if names == ["all"]:
        return SERVICES
    unknown = [name for name in names if name not in BY_NAME]
    if unknown:
        known = ", ".join(BY_NAME)
        raise SettingsError([f"unknown service {name!r}; known are {known}, or all" for name in unknown])
    return tuple(service for service in SERVICES if service.name in names)


def read_process_settings(services: tuple[Service, ...], environment: Mapping[str, str]) -> ProcessSettings:
    """Reads and checks everything. Raises SettingsError with every problem."""
    problems: list[str] = []

    service_settings = store_urls = None
    try:
        service_settings = read_settings(tuple(service.name for service in services), environment)
    except SettingsError as error:
        problems += error.problems
    try:
        store_urls = read_stores_of(services, environment)
    except SettingsError as error:
        problems += error.problems

    ports: dict[str, int] = {}
    for service in services:
        ports[service.name] = _port(f"CHATSYSTEM_{service.name.upper()}_PORT", service.port, environment, problems)
        if service.websocket_port is not None:
            _port(f"CHATSYSTEM_{service.name.upper()}_WEBSOCKET_PORT", service.websocket_port, environment, problems)
    metrics_port = _port("CHATSYSTEM_METRICS_PORT", services[0].metrics_port, environment, problems)
    instance = environment.get("CHATSYSTEM_INSTANCE") or f"{services[0].name}-{secrets.token_hex(4)}"
    if not _INSTANCE.fullmatch(instance):
        problems.append(f"CHATSYSTEM_INSTANCE={instance!r}: expected letters, digits, '.', '_' and '-'")
    shared = store_urls is not None and not store_urls.urls["REGISTRY"].startswith("none:")
    rpc_secret = _rpc_secret(environment, required=shared, problems=problems)
    rpc_tls = read_rpc_tls(environment, problems)
    start_timeout = _seconds("CHATSYSTEM_START_TIMEOUT", "15", environment, problems)
    drain_timeout = _seconds("CHATSYSTEM_DRAIN_TIMEOUT", "30", environment, problems)
    tracing = read_tracing(environment, problems)
    if problems or service_settings is None or store_urls is None:
        raise SettingsError(problems)
    return ProcessSettings(
        services=services,
        service_settings=service_settings,
        stores=store_urls,
        instance=instance,
        rpc_host=environment.get("CHATSYSTEM_RPC_HOST", "127.0.0.1"),
        ports=ports,
        metrics_host=environment.get("CHATSYSTEM_METRICS_HOST", "127.0.0.1"),
        metrics_port=metrics_port,
        rpc_secret=rpc_secret,
        rpc_tls=rpc_tls,
        start_timeout=start_timeout,
        drain_timeout=drain_timeout,
        tracing=tracing,
    )


def _port(variable: str, default: int, environment: Mapping[str, str], problems: list[str]) -> int:
    text = environment.get(variable, str(default))
    if not re.fullmatch(r"\d{1,5}", text) or int(text) > 65535:
        problems.append(f"{variable}={text!r}: expected a port from 0 to 65535 (0: any free one)")
        return default
    return int(text)


def _seconds(variable: str, default: str, environment: Mapping[str, str], problems: list[str]) -> float:
    text = environment.get(variable, default)
    if not re.fullmatch(r"\d{1,5}(\.\d{1,3})?s?", text):
        problems.append(f"{variable}={text!r}: expected seconds, for example {default}")
        return float(default)
    return float(text.removesuffix("s"))


def _rpc_secret(environment: Mapping[str, str], *, required: bool, problems: list[str]) -> str:
    path = environment.get("CHATSYSTEM_RPC_SECRET_FILE", "")
    if not path:
        if required:
            problems.append(
                "CHATSYSTEM_RPC_SECRET_FILE is not set; with a registry, name a file that holds the secret that calls between "
                "processes carry"
            )
        return ""
    try:
        secret = Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        problems.append(f"CHATSYSTEM_RPC_SECRET_FILE: {path} cannot be read: {reason}")
        return ""
    if len(secret) < 16 or not secret.isascii() or not secret.isprintable():
        problems.append(f"CHATSYSTEM_RPC_SECRET_FILE: {path} holds no secret of at least 16 printable ASCII characters")
    return secret
