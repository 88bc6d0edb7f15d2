"""How long the certificate of calls between processes is still good: read at the start, as the process itself does."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge

from services.runtime.rpc_tls import Lives


def observe_certificate(lives: Lives, registry: CollectorRegistry) -> None:
    Gauge(
        "chatsystem_rpc_certificate_since_timestamp_seconds",
        "From when the certificate for calls between processes is valid, in Unix seconds. Only with TLS between processes.",
        registry=registry,
    ).set(lives.since)
    Gauge(
        "chatsystem_rpc_certificate_until_timestamp_seconds",
        "When the certificate for calls between processes ends, in Unix seconds. Only with TLS between processes.",
        registry=registry,
    ).set(lives.until)
    Gauge(
        "chatsystem_rpc_authority_until_timestamp_seconds",
        "When the last of the authorities ends whose certificates are accepted, in Unix seconds. Only with TLS between processes.",
        registry=registry,
    ).set(lives.authority_until)
