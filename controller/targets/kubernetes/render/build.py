"""The table of contents of a rendering: every object of a system, in the order in which it is applied. Pure."""

from __future__ import annotations

from controller.api.chatsystem import ChatSystem
from controller.blueprint.workload import Blueprint, Kind, Workload
from controller.targets.kubernetes.render.config_map import config_map
from controller.targets.kubernetes.render.deployment import deployment
from controller.targets.kubernetes.render.edge import edge
from controller.targets.kubernetes.render.horizontal_pod_autoscaler import horizontal_pod_autoscaler
from controller.targets.kubernetes.render.job import job
from controller.targets.kubernetes.render.manifest import EDGE, FOUNDATION, Group, Manifest, Rendering
from controller.targets.kubernetes.render.network_policy import network_policies
from controller.targets.kubernetes.render.persistent_volume_claim import persistent_volume_claim
from controller.targets.kubernetes.render.pod_disruption_budget import pod_disruption_budget
from controller.targets.kubernetes.render.scope import Scope
from controller.targets.kubernetes.render.service import headless, service
from controller.targets.kubernetes.render.service_account import service_account
from controller.targets.kubernetes.render.service_monitor import service_monitor
from controller.targets.kubernetes.render.stateful_set import stateful_set
from controller.targets.kubernetes.render.surroundings import Surroundings


def render(system: ChatSystem, blueprint: Blueprint, surroundings: Surroundings) -> Rendering:
    scope = Scope(system, blueprint, surroundings)
    # First what pods stand on: without its policies a pod would talk to everybody for a moment.
    groups = [Group(FOUNDATION, (service_account(scope), *network_policies(scope)))]
    claimed: set[str] = set()
    groups += [Group(workload.name, tuple(_manifests(scope, workload, claimed))) for workload in blueprint.workloads]
    # The edge last: once people come in, whatever they do can be answered.
    gateways = [workload for workload in blueprint.workloads if any(port.published for port in workload.ports)]
    groups.append(Group(EDGE, tuple(manifest for gateway in gateways for manifest in edge(scope, gateway))))
    return Rendering(tuple(groups))


def _manifests(scope: Scope, workload: Workload, claimed: set[str]) -> list[Manifest]:
    """What a pod refers to comes before what makes the pod. A volume belongs to the first workload that mounts it."""
    found: list[Manifest | None] = [config_map(scope, workload)]
    for volume in workload.volumes:
        if volume.name not in claimed:
            claimed.add(volume.name)
            found.append(persistent_volume_claim(scope, volume))
    if workload.kind is Kind.JOB:
        found.append(job(scope, workload))
    elif workload.kind is Kind.STORE:
        found += [service(scope, workload), headless(scope, workload), stateful_set(scope, workload)]
    else:
        found += [
            service(scope, workload),
            deployment(scope, workload),
            pod_disruption_budget(scope, workload),
            horizontal_pod_autoscaler(scope, workload),
            service_monitor(scope, workload),
        ]
    return [manifest for manifest in found if manifest is not None]
