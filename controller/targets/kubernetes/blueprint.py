"""What a declaration means on Kubernetes: its blueprint there, or what in it has no meaning there. Pure."""

from __future__ import annotations

from dataclasses import replace

from controller.api.chatsystem import ChatSystem
from controller.blueprint.build import build
from controller.blueprint.part import Profile
from controller.blueprint.placing import placement_of
from controller.blueprint.workload import Blueprint, Secret
from controller.engine.ports import InvalidDeclaration
from controller.targets.kubernetes.render.placement import problems

PROFILE = Profile(embedded=False, rpc_address="{ip}")
"""Every store is a server of its own, and other pods are told the pod's own address."""


def blueprint_of(system: ChatSystem) -> Blueprint:
    """Raises InvalidDeclaration for what Kubernetes cannot do."""
    if found := _problems(system):
        raise InvalidDeclaration(found)
    blueprint = build(_behind_ingress(system), PROFILE)
    tls = system.spec.exposure.tls
    if tls and all(secret.name != tls.secret_name for secret in blueprint.secrets):
        certificate = Secret(tls.secret_name, ("tls.crt", "tls.key"), generated=False)
        blueprint = replace(blueprint, secrets=(*blueprint.secrets, certificate))
    return blueprint


def _behind_ingress(system: ChatSystem) -> ChatSystem:
    """Where an Ingress is in front, it and not the gateway encrypts, and it says where a client comes from."""
    spec = system.spec
    if spec.exposure.type != "Ingress":
        return system
    gateway = spec.services.gateway
    config = {"trustedProxies": 1, **gateway.config}
    services = spec.services.model_copy(update={"gateway": gateway.model_copy(update={"config": config})})
    exposure = spec.exposure.model_copy(update={"tls": None})
    return system.model_copy(update={"spec": spec.model_copy(update={"services": services, "exposure": exposure})})


def _problems(system: ChatSystem) -> list[str]:
    """Each with the path of its field."""
    placements = {
        f"spec.services.{name}.placement": service.placement for name, service in system.spec.services.by_name().items()
    }
    stores = system.spec.stores
    for name in ("mysql", "redis", "rabbitmq", "elasticsearch", "etcd"):
        managed = getattr(stores, name).managed
        if managed:
            placements[f"spec.stores.{name}.managed.placement"] = managed.placement
    return [
        f"{path}: {problem}" for path, placement in placements.items() for problem in problems(placement_of(placement))
    ]
