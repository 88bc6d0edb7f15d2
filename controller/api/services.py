"""`spec.services`: the seven services. Names, ports and configuration keys come from the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from controller.api.configuration import Configuration, Setting
from controller.api.model import Model
from controller.api.names import VARIABLE_PATTERN
from controller.api.quantity import Duration, UpToAnHour, seconds_of
from controller.api.rules import Rule
from controller.api.running import Placement, Resources
from services.catalogue import BY_NAME

Replicas = Annotated[int, Field(ge=0, le=1000)]


class Autoscaling(Model):
    """Lets the number of replicas follow the load, where the target can do that (Kubernetes)."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            at="min",
            reads=("min", "max"),
            holds=lambda low, high: low <= high,
            cel="!has(self.min) || self.min <= self.max",
            problem="min is more than max",
            remedy="raise max or lower min",
        ),
    )

    min: Annotated[int, Field(ge=1, le=1000)] = 2
    """Replicas at the least."""

    max: Annotated[int, Field(ge=1, le=1000)]
    """Replicas at the most."""

    target_cpu: Annotated[int, Field(ge=1, le=100)] = 70
    """CPU use, in percent of what is requested, that scaling aims at."""

    scale_down_delay: UpToAnHour = "5m"
    """How long the load has to stay low before replicas are taken away."""


class ServiceSpec(Model):
    """One service."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            at="autoscaling",
            reads=("replicas", "autoscaling"),
            holds=lambda replicas, autoscaling: replicas > 0 or autoscaling is None,
            cel="!has(self.autoscaling) || !has(self.replicas) || self.replicas > 0",
            problem="a service with 0 replicas is absent and does not scale",
            remedy="remove autoscaling or set replicas to 1 or more",
        ),
        Rule(
            at="resources.requests.cpu",
            reads=("autoscaling", "resources.requests.cpu", "resources.limits.cpu"),
            holds=lambda autoscaling, request, limit: autoscaling is None or request is not None or limit is not None,
            cel=(
                "!has(self.autoscaling) || has(self.resources) && "
                "(has(self.resources.requests) && has(self.resources.requests.cpu) || "
                "has(self.resources.limits) && has(self.resources.limits.cpu))"
            ),
            problem="autoscaling measures CPU use against what is requested, and nothing is requested",
            remedy="set resources.requests.cpu, for example 250m",
        ),
    )

    replicas: Replicas = 2
    """How many replicas run. 0: the service is absent, and what needs it answers that it is not available. Left out on the
    local target: 1."""

    resources: Resources = Resources()
    """CPU and memory of one replica."""

    placement: Placement = Placement()
    """Where replicas may run."""

    environment: Annotated[
        Mapping[
            Annotated[str, Field(pattern=VARIABLE_PATTERN, max_length=200)], Annotated[str, Field(max_length=10_000)]
        ],
        Field(max_length=200),
    ] = {}
    """Environment variables beyond those that the controller sets. Never for secrets."""

    autoscaling: Autoscaling | None = None
    """Lets the number of replicas follow the load; `replicas` is then where it begins."""

    stop_grace: Duration = "30s"
    """How long a replica may take to finish what it has after it was asked to stop."""

    @property
    def replicas_if_declared(self) -> int | None:
        """Replicas as the person wrote them; None when the document leaves them out."""
        return self.replicas if "replicas" in self.model_fields_set else None


class GatewayService(ServiceSpec):
    """HTTP, WebSocket and the web client."""

    rules: ClassVar[tuple[Rule, ...]] = (
        *ServiceSpec.rules,
        Rule(
            at="stopGrace",
            reads=("stopGrace", "config.drainWindow"),
            holds=lambda grace, window: window is None or seconds_of(grace) > seconds_of(window),
            # CEL knows no days and weeks; the controller's own check covers what is written with them.
            cel=(
                "!has(self.config) || !has(self.config.drainWindow) || !has(self.stopGrace) || self.stopGrace.matches('[dw]') || "
                "self.config.drainWindow.matches('[dw]') || "
                "duration(self.stopGrace) > duration(self.config.drainWindow)"
            ),
            problem="stopGrace ends before config.drainWindow does",
            remedy="make stopGrace longer than drainWindow, or connections are cut",
        ),
    )

    config: Annotated[Mapping[str, Setting], Configuration("gateway")] = {}
    """Settings of the gateway."""

    stop_grace: Duration = "45s"
    """How long a replica may take to stop; it has to be longer than `config.drainWindow`."""


class UserService(ServiceSpec):
    """Accounts, login sessions, profiles."""

    config: Annotated[Mapping[str, Setting], Configuration("user")] = {}
    """Settings of the user service."""


class FriendService(ServiceSpec):
    """Friends, conversations and their members."""

    config: Annotated[Mapping[str, Setting], Configuration("friend")] = {}
    """Settings of the friend service."""


class TransmitService(ServiceSpec):
    """Makes messages durable and ordered."""

    config: Annotated[Mapping[str, Setting], Configuration("transmit")] = {}
    """Settings of the transmit service."""


class StoreService(ServiceSpec):
    """History, synchronisation, search, transcripts."""

    config: Annotated[Mapping[str, Setting], Configuration("store")] = {}
    """Settings of the store service."""


class FileService(ServiceSpec):
    """Keeps files and pictures."""

    config: Annotated[Mapping[str, Setting], Configuration("file")] = {}
    """Settings of the file service."""


class SpeechService(ServiceSpec):
    """Recognises speech."""

    replicas: Replicas = 1
    """How many replicas run. 0: the service is absent, and voice messages get no transcript."""

    config: Annotated[Mapping[str, Setting], Configuration("speech")] = {}
    """Settings of the speech service."""


AnyService = GatewayService | UserService | FriendService | TransmitService | StoreService | FileService | SpeechService


class Services(Model):
    """The seven services. Each may be left out and then runs with its defaults."""

    gateway: GatewayService = GatewayService()
    """HTTP, WebSocket and the web client."""

    user: UserService = UserService()
    """Accounts, login sessions, profiles."""

    friend: FriendService = FriendService()
    """Friends, conversations and their members."""

    transmit: TransmitService = TransmitService()
    """Makes messages durable and ordered."""

    store: StoreService = StoreService()
    """History, synchronisation, search, transcripts."""

    file: FileService = FileService()
    """Keeps files and pictures."""

    speech: SpeechService = SpeechService()
    """Recognises speech in voice messages."""

    def by_name(self) -> dict[str, AnyService]:
        """The services by the catalogue's names, in its order (dependencies first)."""
        return {name: getattr(self, name) for name in BY_NAME}


def environment_of(name: str, service: AnyService) -> dict[str, str]:
    """The environment variables that carry the service's `config`, as services/runtime/settings.py reads them."""
    variables = {}
    for key in BY_NAME[name].config:
        if (value := service.config.get(key.name)) is not None:
            variables[key.variable(name)] = str(value).lower() if isinstance(value, bool) else str(value)
    return variables
