"""What a component contributes to a blueprint, and what the platform lets it assume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.api.stores import ExternalStore, ServerTls, StoreTls
from controller.blueprint.workload import External, Secret, Volume, Workload


@dataclass(frozen=True)
class Profile:
    """What a target is like, as far as blueprints depend on it."""

    embedded: bool
    """Managed stores are embedded ones: files, and one Valkey server. Otherwise each is a server of its own."""
    shared_process: bool = False
    """One process hosts all services, so that they need no registry."""
    schedules: bool = True
    """There are nodes to choose from and limits that can be enforced. Without: placement and resources are left out, and
    a service whose `replicas` is left out runs once."""
    address: str = "0.0.0.0"
    """Where the public ports listen."""
    rpc_address: str = "0.0.0.0"
    """Where calls of other instances are taken. They are told this address, so it is one that they can reach."""
    metrics_address: str = "0.0.0.0"
    """Where health and metrics are asked for."""
    schema: str = ""
    """Fingerprint of the schema's files, where they can change without a change of version."""


@dataclass(frozen=True)
class Part:
    """A store, or what stands for it: what to run, and what the services are told about it."""

    workloads: tuple[Workload, ...] = ()
    secrets: tuple[Secret, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    secret_files: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    volumes: tuple[Volume, ...] = ()
    external: External | None = None
    """The store itself, where it runs somewhere else."""

    @property
    def names(self) -> tuple[str, ...]:
        """The workloads that have to be healthy before a service can use it."""
        return tuple(workload.name for workload in self.workloads)


def credentials(prefix: str, secret: str | None) -> tuple[tuple[Secret, ...], dict[str, tuple[str, str]]]:
    """The secret of an external store, with the variables `<prefix>_USERNAME_FILE` and `<prefix>_PASSWORD_FILE`."""
    if secret is None:
        return (), {}
    files = {f"{prefix}_USERNAME_FILE": (secret, "username"), f"{prefix}_PASSWORD_FILE": (secret, "password")}
    return (Secret(secret, ("username", "password"), generated=False),), files


def external(name: str, prefix: str, store: ExternalStore, environment: Mapping[str, str]) -> Part:
    """A store that runs somewhere else: `environment` says where; its secrets and its encryption are the same for all.

    The variables beside `<prefix>_URL` are those of `credentials`, and `_TLS`, `_TLS_VERIFY`, `_CA_FILE`,
    `_CERTIFICATE_FILE` and `_KEY_FILE`."""
    secrets, files = credentials(prefix, store.secret_name)
    said, more_secrets, more_files = encryption(prefix, store.tls)
    variables, files = {**environment, **said}, {**files, **more_files}
    outside = External(name, f"spec.stores.{name}.external", variables, files, fields_of(store.secret_name, store.tls))
    return Part(secrets=secrets + more_secrets, environment=variables, secret_files=files, external=outside)


def fields_of(secret: str | None, tls: ServerTls | None) -> dict[str, str]:
    """Secret name -> the field of an external store that names it."""
    named = {"secretName": secret}
    if tls is not None:
        named["tls.caSecret"] = tls.ca_secret
    if isinstance(tls, StoreTls):
        named["tls.clientSecret"] = tls.client_secret
    return {name: path for path, name in named.items() if name is not None}


def encryption(
    prefix: str, tls: ServerTls | None
) -> tuple[dict[str, str], tuple[Secret, ...], dict[str, tuple[str, str]]]:
    """How the connection to an external store is encrypted: variables, secrets, and the files that hold them."""
    if tls is None:
        return {}, (), {}
    variables = {f"{prefix}_TLS": "true"}
    secrets: tuple[Secret, ...] = ()
    files: dict[str, tuple[str, str]] = {}
    if tls.insecure_skip_verify:
        variables[f"{prefix}_TLS_VERIFY"] = "false"
    if tls.ca_secret:
        secrets += (Secret(tls.ca_secret, ("ca.crt",), generated=False),)
        files[f"{prefix}_CA_FILE"] = (tls.ca_secret, "ca.crt")
    if isinstance(tls, StoreTls) and tls.client_secret:
        secrets += (Secret(tls.client_secret, ("tls.crt", "tls.key"), generated=False),)
        files[f"{prefix}_CERTIFICATE_FILE"] = (tls.client_secret, "tls.crt")
        files[f"{prefix}_KEY_FILE"] = (tls.client_secret, "tls.key")
    return variables, secrets, files
