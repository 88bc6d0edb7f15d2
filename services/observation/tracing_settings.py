"""Whether traces are made, and where they go, as the environment says. Loads the library only if they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from services.observation.tracer import Tracer

_DEFAULT_RATIO = "0.01"


@dataclass(frozen=True)
class TracingSettings:
    endpoint: str
    """URL of an OTLP receiver over HTTP, to which spans are posted, for example http://127.0.0.1:4318/v1/traces."""
    ratio: float
    """Share of the traces that is kept, 0 to 1."""


class TracingError(Exception):
    """Traces are wanted and cannot be made."""


def read_tracing(environment: Mapping[str, str], problems: list[str]) -> TracingSettings | None:
    """None: no traces. Appends what is wrong to `problems`."""
    endpoint = environment.get("CHATSYSTEM_TRACING_ENDPOINT", "")
    text = environment.get("CHATSYSTEM_TRACING_RATIO", _DEFAULT_RATIO)
    try:
        ratio = float(text)
        if not 0 <= ratio <= 1:
            raise ValueError(text)
    except ValueError:
        problems.append(
            f"CHATSYSTEM_TRACING_RATIO={text!r}: expected a share from 0 to 1, for example {_DEFAULT_RATIO}"
        )
        return None
    if not endpoint:
        return None
    try:
        parts = urlsplit(endpoint)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        problems.append(
            "CHATSYSTEM_TRACING_ENDPOINT: expected the URL of an OTLP receiver over HTTP, for example "
            "http://127.0.0.1:4318/v1/traces"
        )
        return None
    if not parts.path.strip("/"):
        endpoint = endpoint.rstrip("/") + "/v1/traces"
    return TracingSettings(endpoint, ratio)


def open_tracer(settings: TracingSettings, *, services: Sequence[str], instance: str, version: str) -> Tracer:
    """Raises TracingError."""
    try:
        from services.observation.open_telemetry import OpenTelemetry
    except ImportError as error:
        raise TracingError(
            "CHATSYSTEM_TRACING_ENDPOINT is set, but OpenTelemetry is not installed; install chatsystem[tracing] or "
            "unset the variable"
        ) from error
    return OpenTelemetry(settings.endpoint, settings.ratio, services=services, instance=instance, version=version)
