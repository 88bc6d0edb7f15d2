"""The schema migration: a job that has to succeed before a service of its version starts. Pure."""

from __future__ import annotations

from controller.api.chatsystem import ChatSystem
from controller.api.quantity import seconds_of
from controller.blueprint.image import image_of
from controller.blueprint.part import Part, Profile
from controller.blueprint.workload import Kind, Workload

NAME = "migration"


def workload(system: ChatSystem, profile: Profile, database: Part) -> Workload:
    """Only the database matters to it, so that it need not wait for other stores."""
    return Workload(
        name=NAME,
        kind=Kind.JOB,
        image=image_of(system),
        version=system.spec.version,
        components=(NAME,),
        arguments=("migrate",),
        environment=dict(database.environment),
        secrets=dict(database.secret_files),
        volumes=database.volumes,
        depends_on=database.names,
        external=(database.external.name,) if database.external is not None else (),
        deadline=seconds_of(system.spec.release.migration_timeout),
        fingerprint=profile.schema,
    )
