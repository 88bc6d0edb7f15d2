"""What the seven services are: the one module that both halves of the project read.

The data plane takes its settings from here, the control plane its workloads, ports and the check of `spec.services.*.config`.
Plain data only: importing this module must stay cheap and free of third-party packages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RPC_METRICS_OFFSET = 100
"""A service's health and metrics port is its main port plus this, unless set."""


@dataclass(frozen=True)
class ConfigKey:
    """One setting of a service, in a declaration `spec.services.<service>.config.<name>`.

    In the environment of the process it is CHATSYSTEM_<SERVICE>_<NAME IN UPPER SNAKE CASE>.
    """

    name: str
    type: Literal["int", "float", "bool", "str", "bytes", "duration"]
    default: str
    doc: str
    minimum: float | None = None
    maximum: float | None = None

    def variable(self, service: str) -> str:
        """The environment variable that carries it, for example CHATSYSTEM_STORE_POOL_SIZE."""
        snake = "".join(f"_{letter}" if letter.isupper() else letter for letter in self.name)
        return f"CHATSYSTEM_{service}_{snake}".upper()


@dataclass(frozen=True)
class Service:
    """One of the seven services.

    `depends_on` names the services it calls, `stores` the stores that it is told of and may open (beside the registry, which everyone
    needs), `registry_name` its key below /service in the
    registry, `port` where it listens for gRPC (the gateway: HTTP).
    """

    name: str
    port: int
    registry_name: str
    depends_on: tuple[str, ...]
    stores: tuple[str, ...]
    doc: str
    config: tuple[ConfigKey, ...] = ()
    websocket_port: int | None = None

    @property
    def metrics_port(self) -> int:
        return self.port + RPC_METRICS_OFFSET


POOL_SIZE = ConfigKey("poolSize", "int", "4", "Connections to the database that one replica keeps open.", 1, 256)

SERVICES: tuple[Service, ...] = (
    Service(
        "speech",
        10001,
        "speech/recognition",
        (),
        (),
        "Recognises speech with vosk.",
        (
            ConfigKey(
                "modelPath", "str", "", "Directory of the vosk model. Empty: recognition answers that it is not set up."
            ),
            ConfigKey(
                "phrases", "str", "", "Phrases that recognition is limited to, separated by commas. Empty: any speech."
            ),
            ConfigKey("workers", "int", "1", "Recognitions that run at the same time.", 1, 64),
            ConfigKey("queueLimit", "int", "16", "Recognitions that may wait; further ones are refused.", 1, 10_000),
            ConfigKey("maxSeconds", "int", "120", "Longest speech that is recognised, in seconds.", 1, 3600),
        ),
    ),
    Service(
        "file",
        10002,
        "file_service",
        (),
        ("mysql", "files"),
        "Keeps files and pictures.",
        (
            POOL_SIZE,
            ConfigKey("maxFileSize", "bytes", "50Mi", "Largest file.", 1024, 2**31 - 1),
        ),
    ),
    Service(
        "user",
        10003,
        "user_service",
        ("file",),
        ("mysql", "redis", "elasticsearch"),
        "Accounts, login sessions, profiles.",
        (
            POOL_SIZE,
            ConfigKey("sessionLifetime", "duration", "30d", "How long a login session lives without being used.", 60),
            ConfigKey("codeLifetime", "duration", "5m", "How long a phone code is valid.", 30, 3600),
            ConfigKey("codeAttempts", "int", "5", "Wrong attempts after which a phone code is void.", 1, 20),
            ConfigKey(
                "codeInterval", "duration", "60s", "Shortest time between two codes for one phone number.", 0, 3600
            ),
            ConfigKey("codesPerDay", "int", "10", "Codes that one phone number gets in 24 hours.", 1, 1000),
            ConfigKey(
                "loginFailures",
                "int",
                "10",
                "Failed logins of one name in 15 minutes after which it has to wait.",
                1,
                10_000,
            ),
            ConfigKey(
                "smsUrl", "str", "", "HTTP endpoint that sends a text message. Empty: codes are written to the log."
            ),
            ConfigKey(
                "smsTokenFile", "str", "", "File with the bearer token that smsUrl asks for. Empty: none is sent."
            ),
            ConfigKey("maxAvatarSize", "bytes", "2Mi", "Largest picture of a person.", 1024, 16 * 2**20),
        ),
    ),
    Service(
        "transmit",
        10004,
        "message_transmit_service",
        ("user", "file"),
        ("mysql", "rabbitmq", "redis", "elasticsearch"),
        "Makes messages durable and ordered.",
        (
            POOL_SIZE,
            ConfigKey("maxTextSize", "bytes", "65535", "Longest text of a message, as UTF-8.", 1, 2**20),
            ConfigKey("maxBatch", "int", "512", "Messages that share one transaction, at most.", 1, 10_000),
            ConfigKey(
                "queueLimit", "int", "20000", "Messages that may wait for the database; further ones are refused.", 1
            ),
        ),
    ),
    Service(
        "store",
        10005,
        "message_store_service",
        ("user", "file", "speech"),
        ("mysql", "rabbitmq", "redis", "elasticsearch"),
        "History, synchronisation, search, transcripts.",
        (
            POOL_SIZE,
            ConfigKey("historyLimit", "int", "100000", "Messages in one answer of get_history, at most.", 1),
            ConfigKey(
                "pageLimit", "int", "2000", "Messages in one page or synchronisation answer, at most.", 1, 100_000
            ),
            ConfigKey(
                "cleanupInterval",
                "duration",
                "10m",
                "Time between two removals of messages and files that nobody can see any more.",
                1,
                86_400,
            ),
            ConfigKey(
                "deadLetters",
                "int",
                "10000",
                "Events that consumers gave up on which are kept, of each queue; the oldest are dropped. Looked at every "
                "`cleanupInterval`.",
                1,
            ),
            ConfigKey(
                "deadLetterAge",
                "duration",
                "30d",
                "How long an event that a consumer gave up on is kept.",
                60,
            ),
            ConfigKey(
                "indexCompareInterval",
                "duration",
                "1h",
                "Time between two comparisons of the search index with the database. Without effect where the database "
                "answers searches.",
                1,
            ),
        ),
    ),
    Service(
        "friend",
        10006,
        "friend_service",
        ("user", "store"),
        ("mysql", "redis"),
        "Friends, conversations and their members.",
        (
            POOL_SIZE,
            ConfigKey("maxMembers", "int", "500", "Members of one group, at most.", 2, 100_000),
            ConfigKey("maxGroups", "int", "1000", "Groups that one person may be in.", 1),
            ConfigKey("maxFriends", "int", "5000", "Friends that one person may have.", 1, 20_000),
        ),
    ),
    Service(
        "gateway",
        9000,
        "gateway_service",
        ("user", "friend", "transmit", "store", "file", "speech"),
        ("redis",),
        "HTTP, WebSocket and the web client.",
        (
            ConfigKey("maxBodySize", "bytes", "52Mi", "Largest request body.", 64 * 1024, 2**31 - 1),
            ConfigKey("maxFrameSize", "bytes", "52Mi", "Largest WebSocket frame.", 64 * 1024, 2**31 - 1),
            ConfigKey("maxConnections", "int", "20000", "WebSocket connections of one replica.", 1),
            ConfigKey(
                "maxUserConnections",
                "int",
                "32",
                "WebSocket connections of one account at one replica. A further one takes the place of the one that was silent "
                "longest.",
                1,
            ),
            ConfigKey("maxHttpConnections", "int", "20000", "HTTP connections of one replica.", 1),
            ConfigKey("maxRequests", "int", "4096", "HTTP requests that one replica works on at the same time.", 1),
            ConfigKey(
                "maxBacklog",
                "bytes",
                "8Mi",
                "What may wait for a client that reads slowly; then its connection is closed.",
                64 * 1024,
            ),
            ConfigKey("acceptRate", "int", "2000", "New WebSocket connections per second of one replica.", 1),
            ConfigKey(
                "sendRate",
                "float",
                "50",
                "Messages per second that one person may send over a longer time. 0: no limit.",
                0,
            ),
            ConfigKey("sendBurst", "int", "200", "Messages that one person may send at once.", 1),
            ConfigKey(
                "requestRate",
                "float",
                "100",
                "Requests per second of one login session or, without one, of one address. 0: no limit.",
                0,
            ),
            ConfigKey("requestBurst", "int", "400", "Requests at once of one login session or address.", 1),
            ConfigKey(
                "trustedProxies",
                "int",
                "0",
                "How many proxies in a row are in front: the address of a client is then the one that the outermost of them "
                "put into X-Forwarded-For. 0: the header is not believed.",
                0,
                16,
            ),
            ConfigKey(
                "authenticationTimeout",
                "duration",
                "10s",
                "How long a WebSocket may stay open without authentication.",
                1,
                600,
            ),
            ConfigKey("pingInterval", "duration", "30s", "Time between two pings of the server to a client.", 1, 3600),
            ConfigKey(
                "presenceLifetime",
                "duration",
                "90s",
                "Time after which the clients of a lost gateway no longer count as connected to it, and after which a gateway "
                "that was stopped sends its own away, for they missed something.",
                1,
                3600,
            ),
            ConfigKey(
                "drainWindow",
                "duration",
                "10s",
                "Time over which a stopping gateway spreads its clients' reconnects, at most; a hundred take a second.",
                0,
                3600,
            ),
            ConfigKey("web", "bool", "true", "Serve the web client at /."),
        ),
        websocket_port=9001,
    ),
)
"""In dependency order: a service comes after those it calls."""

BY_NAME: dict[str, Service] = {service.name: service for service in SERVICES}

STORES: tuple[str, ...] = ("mysql", "redis", "rabbitmq", "elasticsearch", "etcd", "files")
"""The stores of a declaration, in the order in which they start."""
