"""What the cluster has of one system, against what it is to have: the engine's picture of it. Pure.

Everything is read from the cache. An object is as it is to be when the manifest it was applied from is today's (a digest in an
annotation) and none of its fields has been changed since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from controller.blueprint.workload import Blueprint, Kind
from controller.engine.model import Group, Instance, Observed, Standing
from controller.targets.kubernetes import jobs, secrets
from controller.targets.kubernetes.compare import difference
from controller.targets.kubernetes.inventory import (
    APPLIED,
    Key,
    annotations_of,
    fingerprint,
    is_leaving,
    key_of,
    part_of,
    words,
)
from controller.targets.kubernetes.kinds import DATA, POD, RENDERED, RUNNING, Manifest, Object, kind_of
from controller.targets.kubernetes.pods import Ailment, ailment_of, instance_of, is_instance
from controller.targets.kubernetes.progress import Progress, progress_of
from controller.targets.kubernetes.render.manifest import Group as Rendered
from controller.targets.kubernetes.render.manifest import Rendering


@dataclass(frozen=True)
class Finding:
    """One manifest against what lives under its name."""

    standing: Standing
    details: str = ""


def observed(
    blueprint: Blueprint, rendering: Rendering, items: Sequence[Object], now: float, warnings: Mapping[str, str]
) -> Observed:
    """`items` is all that the cache has of the system, `now` in Unix seconds, `warnings` what the platform told of objects by
    their uid."""
    live = {key_of(item): item for item in items if kind_of(item) in RENDERED}
    orders = {group.name: order for order, group in enumerate(rendering.groups)}
    pods = [item for item in items if kind_of(item) == POD]
    instances = [instance_of(pod, now) for pod in pods if is_instance(pod)]
    groups = [
        _group(group, orders[group.name], live, _ailments(pods, group.name, now), warnings)
        for group in rendering.groups
        if group.manifests and not _is_job(blueprint, group.name)
    ]
    groups += _others(blueprint, rendering, live)
    superseded = secrets.superseded(items)
    return Observed(
        instances=tuple(_versioned(instance, blueprint, pods) for instance in instances),
        jobs=jobs.runs(items, blueprint, now),
        secrets=secrets.existing(items),
        groups=_with_surplus(sorted(groups, key=lambda group: group.order), superseded),
        certificates=secrets.certificates(items, blueprint.secrets),
    )


def compared(manifest: Manifest, live: Object | None) -> Finding:
    """How far the live object, if there is one, is what the manifest says."""
    name = words(key_of(manifest))
    if live is None:
        return Finding(Standing.MISSING, f"{name} is missing")
    if annotations_of(live).get(APPLIED) != fingerprint(manifest):
        return Finding(Standing.OUTDATED, f"{name} is outdated")
    changed = difference(manifest, live)
    if changed:
        return Finding(Standing.DRIFTED, f"{name} was changed: {changed}")
    return Finding(Standing.APPLIED)


def _group(
    group: Rendered,
    order: int,
    live: Mapping[Key, Object],
    ailments: Sequence[Ailment],
    warnings: Mapping[str, str],
) -> Group:
    wanted = {key_of(manifest): manifest for manifest in group.manifests}
    mine = [live[key] for key in wanted if key in live]
    leaving = any(is_leaving(item) for item in mine)
    findings = {key: compared(manifest, live.get(key)) for key, manifest in wanted.items()}
    standing, details = (Standing.APPLIED, "") if leaving else _summary(findings)
    progress = _joined([progress_of(item) for item in mine], ailments, [_warning(item, warnings) for item in mine])
    surplus = [
        words(key)
        for key, item in live.items()
        if part_of(item)[0] == group.name and key not in wanted and _removable(item)
    ]
    return Group(
        name=group.name,
        order=order,
        standing=standing,
        details=details,
        served=progress.served and len(mine) == len(wanted),
        ready=progress.ready and not leaving,
        message=progress.message,
        reason=progress.reason,
        surplus=tuple(sorted(surplus)),
    )


def _summary(findings: Mapping[Key, Finding]) -> tuple[Standing, str]:
    """The group's standing. One that runs and lacks a part has lost it: that is repaired without waiting for anything."""
    runs = [key for key in findings if key[0] in {kind.name for kind in RUNNING}]
    details = "; ".join(finding.details for finding in findings.values() if finding.details)
    by = {standing: [key for key, item in findings.items() if item.standing is standing] for standing in Standing}
    if len(by[Standing.MISSING]) == len(findings):
        return Standing.MISSING, "it is not there yet"
    if any(key in by[Standing.MISSING] for key in runs):
        return Standing.MISSING, details
    if by[Standing.OUTDATED]:
        return Standing.OUTDATED, details
    if by[Standing.MISSING] or by[Standing.DRIFTED]:
        return Standing.DRIFTED, details
    return Standing.APPLIED, ""


def _joined(each: Iterable[Progress], ailments: Sequence[Ailment], warnings: Iterable[str]) -> Progress:
    """The worst of the objects, with the words of the pod that says most."""
    found = list(each)
    served, ready = all(item.served for item in found), all(item.ready for item in found)
    if ready:
        return Progress(served)
    telling = [Progress(message=item.message, reason=item.reason) for item in ailments]
    telling += [item for item in found if item.message and not item.ready]
    telling += [Progress(message=item.message) for item in found if item.message and item.ready]
    telling += [Progress(message=warning) for warning in warnings if warning]
    words_ = "; ".join(dict.fromkeys(item.message for item in telling if item.message))
    return Progress(served, False, words_, next((item.reason for item in telling if item.reason), ""))


def _warning(item: Object, warnings: Mapping[str, str]) -> str:
    return warnings.get(item["metadata"].get("uid", ""), "")


def _others(blueprint: Blueprint, rendering: Rendering, live: Mapping[Key, Object]) -> list[Group]:
    """Jobs, of which only what is too much matters here, and groups that are not declared any more."""
    declared = {group.name: group for group in rendering.groups if group.manifests}
    parts: dict[str, list[Object]] = {}
    for item in live.values():
        name = part_of(item)[0]
        if name not in declared or _is_job(blueprint, name):
            parts.setdefault(name, []).append(item)
    for name in declared:
        if _is_job(blueprint, name):
            parts.setdefault(name, [])
    found = []
    for name, items in parts.items():
        removable = [item for item in items if kind_of(item) not in DATA]
        order = max((part_of(item)[1] for item in items), default=0)
        if name in declared:
            kept = jobs.kept(items, declared[name].manifests)
            surplus = sorted(words(key_of(item)) for item in removable if key_of(item) not in kept and _removable(item))
            place = next(at for at, group in enumerate(rendering.groups) if group.name == name)
            found.append(Group(name, place, Standing.APPLIED, served=True, ready=True, surplus=tuple(surplus)))
        elif removable:
            surplus = sorted(words(key_of(item)) for item in removable if not is_leaving(item))
            found.append(Group(name, order, Standing.UNWANTED, surplus=tuple(surplus)))
    return found


def _removable(item: Object) -> bool:
    return kind_of(item) not in DATA and not is_leaving(item)


def _with_surplus(groups: Sequence[Group], superseded: Sequence[Object]) -> tuple[Group, ...]:
    """Secrets that nothing refers to any more go with the first group, when all is done."""
    names = tuple(sorted(words(key_of(item)) for item in superseded if not is_leaving(item)))
    if not groups or not names or groups[0].standing is Standing.UNWANTED:
        return tuple(groups)
    return (replace(groups[0], surplus=groups[0].surplus + names), *groups[1:])


def _ailments(pods: Iterable[Object], workload: str, now: float) -> list[Ailment]:
    """Of the pods of a workload; those with a reason first."""
    found = [
        ailment
        for pod in pods
        if instance_of(pod, now).workload == workload and is_instance(pod) and not is_leaving(pod)
        if (ailment := ailment_of(pod, now)) is not None
    ]
    return sorted(found, key=lambda ailment: not ailment.reason)


def _versioned(instance: Instance, blueprint: Blueprint, pods: Iterable[Object]) -> Instance:
    """With the version that its image is called by: pods do not carry it, or a new name would restart them."""
    pod = next(pod for pod in pods if pod["metadata"]["name"] == instance.id)
    image = pod["spec"]["containers"][0].get("image", "")
    workload = blueprint.workload(instance.workload)
    if workload is not None and image == workload.image:
        return replace(instance, version=workload.version, digest=workload.digest)
    return replace(instance, version=image.rpartition("@")[0].rpartition(":")[2] or image.rpartition(":")[2])


def _is_job(blueprint: Blueprint, name: str) -> bool:
    workload = blueprint.workload(name)
    return workload is not None and workload.kind is Kind.JOB
