"""The pod of a workload. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from controller.blueprint.workload import Kind, Workload
from controller.targets.kubernetes.render import placement, probes, references, security, volumes
from controller.targets.kubernetes.render.config_map import config_map
from controller.targets.kubernetes.render.manifest import Manifest, given
from controller.targets.kubernetes.render.names import PREFIX
from controller.targets.kubernetes.render.resources import resources
from controller.targets.kubernetes.render.scope import Scope
from controller.targets.kubernetes.render.service_account import service_account_name


def template(scope: Scope, workload: Workload) -> Manifest:
    """What is not in here may change without a restart: so the version that a person calls it by is not, the image is."""
    marks = {volumes.mark(volume): "true" for volume in workload.volumes}
    return {
        "metadata": given(
            {"labels": scope.selector(workload) | marks, "annotations": _fingerprints(scope, workload)},
        ),
        "spec": _spec(scope, workload),
    }


def _fingerprints(scope: Scope, workload: Workload) -> dict[str, str]:
    known = scope.surroundings.fingerprints
    return {f"{PREFIX}/secret-{name}": known[name] for name in references.secrets(workload) if name in known}


def _spec(scope: Scope, workload: Workload) -> Manifest:
    pull_secret = scope.system.spec.image.pull_secret
    job = workload.kind is Kind.JOB
    return given(
        {
            "affinity": placement.affinity(scope, workload),
            "automountServiceAccountToken": False,
            "containers": [_container(scope, workload)],
            "dnsPolicy": "ClusterFirst",
            # Variables named after Services would be settings that nobody declared.
            "enableServiceLinks": False,
            "imagePullSecrets": [{"name": pull_secret}] if pull_secret else None,
            "restartPolicy": "Never" if job else "Always",
            "securityContext": security.of_pod(workload),
            "serviceAccountName": service_account_name(scope),
            "terminationGracePeriodSeconds": probes.grace(workload),
            "topologySpreadConstraints": None if job else placement.spread(scope, workload),
            "volumes": volumes.volumes(scope, workload),
        }
    )


def _container(scope: Scope, workload: Workload) -> Manifest:
    settings = config_map(scope, workload)
    checks = {} if workload.kind is Kind.JOB else probes.probes(workload)
    return given(
        {
            "name": workload.name,
            "image": workload.image,
            "imagePullPolicy": _pull_policy(scope, workload),
            "command": [references.expanded(scope, workload, text) for text in workload.command],
            "args": [references.expanded(scope, workload, text) for text in workload.arguments],
            "env": _environment(scope, workload),
            "envFrom": [{"configMapRef": {"name": settings["metadata"]["name"]}}] if settings else None,
            "ports": [{"name": port.name, "containerPort": port.number, "protocol": "TCP"} for port in workload.ports],
            "resources": resources(workload.resources),
            "securityContext": security.of_container(),
            **checks,
            "lifecycle": probes.lifecycle(workload),
            # The last lines of a log say why a container ended: they become part of its state.
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "volumeMounts": volumes.mounts(workload),
        }
    )


def _pull_policy(scope: Scope, workload: Workload) -> str:
    return "IfNotPresent" if workload.kind is Kind.STORE else scope.system.spec.image.pull_policy


def inlined(scope: Scope, workload: Workload, made: Manifest) -> Manifest:
    """A template whose environment is all in it and in no ConfigMap."""
    (container,) = made["spec"]["containers"]
    environment = [*_pod_variables(), *_variables(scope, workload, workload.environment)]
    environment += [
        {"name": name, "value": references.secret_path(*secret)} for name, secret in sorted(workload.secrets.items())
    ]
    alone = {name: value for name, value in container.items() if name != "envFrom"} | {"env": environment}
    return {**made, "spec": {**made["spec"], "containers": [alone]}}


def _environment(scope: Scope, workload: Workload) -> list[Manifest]:
    """What differs from pod to pod; all other variables are in the ConfigMap."""
    texts = [*workload.command, *workload.arguments, *workload.environment.values()]
    if not any(references.differs_by_pod(text) for text in texts):
        return []
    differing = {name: text for name, text in workload.environment.items() if references.differs_by_pod(text)}
    return [*_pod_variables(), *_variables(scope, workload, differing)]


def _pod_variables() -> list[Manifest]:
    return [
        {"name": variable, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
        for variable, path in references.POD_VARIABLES.values()
    ]


def _variables(scope: Scope, workload: Workload, texts: Mapping[str, str]) -> list[Manifest]:
    return [
        given({"name": name, "value": references.expanded(scope, workload, text)})
        for name, text in sorted(texts.items())
    ]
