"""What a gateway counts. Labels are paths of the table and a few fixed words, never anything a client chose."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.gateway.routes import ROUTES


class GatewayMetrics:
    """The gateway's metrics. Counters of the hot path are kept as plain attributes with their labels resolved."""

    def __init__(self, registry: CollectorRegistry) -> None:
        requests = Counter(
            "chatsystem_gateway_requests_total",
            "Answered operations, by path and result (ok, refused: a business failure, unavailable, failed).",
            ["path", "result"],
            registry=registry,
        )
        latency = Histogram(
            "chatsystem_gateway_request_seconds",
            "Time from a complete request to its answer.",
            ["path"],
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
            registry=registry,
        )
        self.results = {(path, result): requests.labels(path, result) for path in ROUTES for result in RESULTS}
        self.latency = {path: latency.labels(path) for path in ROUTES}
        bad = Counter(
            "chatsystem_gateway_bad_requests_total",
            "HTTP requests answered with 400, by reason.",
            ["reason"],
            registry=registry,
        )
        self.bad = {reason: bad.labels(reason) for reason in BAD_REASONS}
        limited = Counter(
            "chatsystem_gateway_limited_total", "Operations refused by a rate limit.", ["limit"], registry=registry
        )
        self.limited_requests = limited.labels("requests")
        self.limited_sends = limited.labels("sends")
        self.connections = Gauge(
            "chatsystem_gateway_websocket_connections", "Open WebSocket connections.", registry=registry
        )
        self.users = Gauge("chatsystem_gateway_online_users", "Users with an open connection.", registry=registry)
        opened = Counter(
            "chatsystem_gateway_websocket_opened_total",
            "WebSocket upgrades, by result (accepted, full, rate, draining).",
            ["result"],
            registry=registry,
        )
        self.opened = {result: opened.labels(result) for result in ("accepted", "full", "rate", "draining")}
        self.draining = Gauge(
            "chatsystem_gateway_draining",
            "1 while the gateway sends its clients away and accepts none.",
            registry=registry,
        )
        authenticated = Counter(
            "chatsystem_gateway_authentications_total",
            "First frames of connections, by result (plain: an existing client, frames: one that asked for protocol 1, refused: its "
            "login session is not valid, unavailable).",
            ["result"],
            registry=registry,
        )
        self.authenticated = {result: authenticated.labels(result) for result in AUTHENTICATION_RESULTS}
        closed = Counter(
            "chatsystem_gateway_websocket_closed_total",
            "Connections the gateway closed, by reason.",
            ["reason"],
            registry=registry,
        )
        self.closed = {reason: closed.labels(reason) for reason in CLOSE_REASONS}
        frames = Counter(
            "chatsystem_gateway_frames_total", "WebSocket frames of clients, by kind.", ["kind"], registry=registry
        )
        self.frames = {kind: frames.labels(kind) for kind in ("send", "sync", "mark_read", "ping", "ignored")}
        self.deliveries = Counter(
            "chatsystem_gateway_deliveries_total", "Notifications handed to connections.", registry=registry
        )
        self.written = Counter(
            "chatsystem_gateway_websocket_writes_total", "Writes that carried frames to clients.", registry=registry
        )


RESULTS = ("ok", "refused", "unavailable", "failed")
AUTHENTICATION_RESULTS = ("plain", "frames", "refused", "unavailable")
BAD_REASONS = ("path", "method", "syntax", "size", "timeout", "overload", "crash")
CLOSE_REASONS = (
    "unauthenticated",
    "refused",
    "unavailable",
    "malformed",
    "too_big",
    "flooding",
    "slow",
    "silent",
    "revoked",
    "displaced",
    "draining",
    "overslept",
    "restored",
    "failed",
)
