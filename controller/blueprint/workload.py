"""The target-neutral vocabulary: what a ChatSystem needs to have running, in plain data.

Everything a target translates is here and nothing that only one target knows. All values are immutable and compare by
value; `digest` is what "the same" means for the planner.

References. A value of `Workload.environment`, `Workload.command` or `Workload.arguments` may hold these, which the target resolves when it
starts an instance:

    {address:WORKLOAD:PORT}   host:port of a port of another workload
    {port:NAME}               the number of one of the instance's own ports
    {volume:NAME}             where one of the workload's volumes is mounted; percent-encoded where the value is a URL
    {secret:NAME:KEY}         the path of a file that holds the secret's value
    {instance}                the instance's own unique name
    {ip}                      the address at which other instances reach this one
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from enum import StrEnum
from typing import Any

from controller.api.chatsystem import ChatSystem


class Kind(StrEnum):
    """How a workload lives."""

    STORE = "store"  # long-running, keeps data
    JOB = "job"  # runs to completion once per digest
    SERVICE = "service"  # long-running, replaceable


class Update(StrEnum):
    """How one instance of a workload gives way to its successor."""

    START_FIRST = "start-first"  # the new one is healthy before the old one is stopped: nobody notices
    STOP_FIRST = "stop-first"  # the two cannot share data or ports


@dataclass(frozen=True)
class Port:
    """`published`: reachable from outside, under exactly this number. Others are private to the system; a target may
    place them elsewhere. `shared`: several instances may listen on it at once on one machine (SO_REUSEPORT)."""

    name: str
    number: int
    published: bool = False
    shared: bool = False


@dataclass(frozen=True)
class Probe:
    """Passes when an HTTP GET of `path` on the port answers 200; without a path, when the port answers anything to the line
    `ask`; without both, when it accepts a connection, which the kernel does for a process that hangs, too. All times in seconds; `deadline` is how long it may go without passing."""

    port: str
    path: str | None = None
    ask: str = ""
    interval: float = 2.0
    timeout: float = 5.0
    deadline: float = 60.0


@dataclass(frozen=True)
class Volume:
    """Data that outlives instances. Workloads that name the same volume share it."""

    name: str
    mount: str
    size: int | None = None  # bytes
    storage_class: str | None = None
    shared: bool = False
    """Instances on several machines may use it at the same time."""


@dataclass(frozen=True)
class Scratch:
    """A directory that an instance may write to and that goes with it. /tmp is one without being named."""

    mount: str
    memory: bool = False
    """Never on a disk: for files made from secrets. Small."""


@dataclass(frozen=True)
class Scaling:
    """Lets a platform that can do so choose the number of replicas by their load."""

    minimum: int
    maximum: int
    target_cpu: int
    """Percent of the CPU that is requested."""
    scale_down_delay: float
    """Seconds for which the load has to stay low."""


@dataclass(frozen=True)
class Resources:
    cpu_request: float | None = None  # cores
    cpu_limit: float | None = None
    memory_request: int | None = None  # bytes
    memory_limit: int | None = None


@dataclass(frozen=True)
class Placement:
    constraints: tuple[str, ...] = ()
    preferences: tuple[str, ...] = ()
    node: str | None = None


@dataclass(frozen=True)
class Workload:
    """One thing to run."""

    name: str
    kind: Kind
    image: str
    version: str = ""
    """What a person calls the version of it."""
    components: tuple[str, ...] = ()
    """The parts of the declaration that it hosts: services, or stores."""
    replicas: int = 1
    """0: suspended; its data is kept."""
    scaling: Scaling | None = None
    """Where there is one, `replicas` is only where it begins."""
    command: tuple[str, ...] = ()
    """The program with its first arguments, in place of what the image would start. `arguments` follow."""
    arguments: tuple[str, ...] = ()
    user: int | None = None
    """Number of the user, where the image has one of its own that owns what it needs. The root directory cannot be written to."""
    group: int | None = None
    """Number of the user's first group. Left out: the same as the user's."""
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Variable -> (secret name, key). The value reaches the process as a file; the variable holds its path."""
    ports: tuple[Port, ...] = ()
    ready: Probe | None = None
    """Takes work: what the health of a start is judged by."""
    live: Probe | None = None
    """Not hung: an instance that misses its deadline is restarted."""
    volumes: tuple[Volume, ...] = ()
    scratch: tuple[Scratch, ...] = ()
    resources: Resources = Resources()
    placement: Placement = Placement()
    depends_on: tuple[str, ...] = ()
    """Workloads that have to be healthy before an instance of this one is started."""
    external: tuple[str, ...] = ()
    """External stores without which an instance cannot work."""
    update: Update = Update.START_FIRST
    stop_grace: float = 30.0
    """Seconds between the request to stop and the kill."""
    deadline: float | None = None
    """Seconds after which a run of a job that has not ended counts as failed."""
    log_max_size: int = 10 * 2**20  # bytes
    log_max_files: int = 3
    fingerprint: str = ""
    """Of inputs that are not part of the declaration but make it another workload, such as the schema's files."""

    @property
    def digest(self) -> str:
        """Changes when a running instance has to be replaced. What only the controller uses (how many, how
        called, in which order, how watched, how stopped, how logs are kept) is left out; so are defaults, or a new version of the controller
        that adds a field would restart everything."""
        shape = {key: value for key, value in _without_defaults(self).items() if key not in _NOT_IN_DIGEST}
        return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()[:16]


AUTHORITY_KEY = "authority.json"
_NOT_IN_DIGEST = frozenset(
    (
        "replicas",
        "scaling",
        "version",
        "components",
        "ready",
        "live",
        "depends_on",
        "external",
        "update",
        "stop_grace",
        "log_max_size",
        "log_max_files",
    )
)


def _without_defaults(value: Any) -> Any:
    if is_dataclass(value):
        shape = {}
        for spec in fields(value):
            item = getattr(value, spec.name)
            default = spec.default_factory() if spec.default_factory is not MISSING else spec.default
            if item != default:
                shape[spec.name] = _without_defaults(item)
        return shape
    if isinstance(value, Mapping):
        return {key: _without_defaults(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_without_defaults(item) for item in value]
    return value


@dataclass(frozen=True)
class Certificate:
    """A certificate that an authority of the system's own issues, for servers and clients alike."""

    name: str
    """The DNS name in it."""
    validity: float
    """Seconds."""


@dataclass(frozen=True)
class Secret:
    """A secret that the system needs; values never appear here. The target generates the missing keys of one that is
    `generated` and keeps existing ones; any other is the person's to provide.

    With a `certificate`, the keys are `ca.crt`, `tls.crt` and `tls.key`. The target issues it from an authority that it keeps in
    the secret `authority`, and renews it when the plan says so; then whoever was told the content before is replaced."""

    name: str
    keys: tuple[str, ...]
    generated: bool = True
    certificate: Certificate | None = None

    @property
    def authority(self) -> str:
        """Name of the secret that no workload is given: its one key is AUTHORITY_KEY."""
        return f"{self.name}-authority"


@dataclass(frozen=True)
class External:
    """A store that runs somewhere else, and what a process is told of it."""

    name: str
    """As in services.catalogue.STORES."""
    path: str
    """Where it is declared, for example `spec.stores.mysql.external`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """As those of a workload."""
    secret_fields: Mapping[str, str] = field(default_factory=dict)
    """Secret name -> the field below `path` that names it."""


@dataclass(frozen=True)
class Blueprint:
    """Everything that is to exist for one ChatSystem, in the order in which it has to become healthy."""

    system: str
    workloads: tuple[Workload, ...] = ()
    secrets: tuple[Secret, ...] = ()
    external: tuple[External, ...] = ()
    release_timeout: float = 600.0
    """Seconds after which a change that has not arrived counts as failed."""
    declaration: ChatSystem | None = field(default=None, compare=False, repr=False)
    """What it was made from, for what concerns one target only: how people reach it, where images come from."""

    @property
    def best_informed(self) -> Workload | None:
        """The service that is told of the most stores. What is run once beside the system is told the same."""
        services = [workload for workload in self.workloads if workload.kind is Kind.SERVICE]
        return max(services, key=lambda item: sum(name.endswith("_URL") for name in item.environment), default=None)

    def workload(self, name: str) -> Workload | None:
        return next((workload for workload in self.workloads if workload.name == name), None)

    @property
    def digest(self) -> str:
        text = ",".join(f"{w.name}={w.digest}x{w.replicas}" for w in self.workloads)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
