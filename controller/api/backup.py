"""`spec.backup`, and the two kinds `ChatSystemBackup` and `ChatSystemRestore`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from controller.api.metadata import ApiVersion, Metadata
from controller.api.model import Model
from controller.api.names import ObjectName, SystemName, refuse
from controller.api.quantity import Duration, Size
from controller.api.rules import Rule, Transition, exactly_one_of, immutable
from controller.api.status import BackupStatus, RestoreStatus
from controller.api.stores import S3

CRON_PATTERN = r"^(@(hourly|daily|weekly|monthly|yearly)|[^\s]+( [^\s]+){4})$"


def _cron(text: str) -> str:
    from croniter import croniter

    remedy = 'write five fields (minute hour day month weekday), for example "0 3 * * *"'
    if len(text) > 100 or (len(text.split(" ")) != 5 and text not in _CRON_NAMES) or text != text.strip():
        raise refuse(f"{text[:60]!r} is not a cron schedule", remedy)
    if not croniter.is_valid(text):
        raise refuse(f"{text[:60]!r} is not a cron schedule", remedy)
    return text


_CRON_NAMES = ("@hourly", "@daily", "@weekly", "@monthly", "@yearly")


def _time_zone(text: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise refuse(
            f"{text[:60]!r} is not a time zone", "write a name of the IANA database, for example Asia/Shanghai or UTC"
        ) from None
    return text


Cron = Annotated[
    str, AfterValidator(_cron), WithJsonSchema({"type": "string", "pattern": CRON_PATTERN, "maxLength": 100})
]
TimeZone = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9+_-]+(/[A-Za-z0-9+_-]+){0,2}$", max_length=64),
    AfterValidator(_time_zone),
]


class Folder(Model):
    """A folder of the machine (local target, or a mount on a node)."""

    path: Annotated[str, Field(pattern=r"^/[^\x00]*$", max_length=1000)]
    """Absolute path of the folder."""

    node: ObjectName | None = None
    """Node that has it. Left out on a cluster: every node has to."""


class VolumeDestination(Model):
    """A volume of the platform."""

    storage: Size = "100Gi"
    """Size of the volume."""

    storage_class: ObjectName | None = None
    """Storage class (Kubernetes) or volume driver (Swarm)."""


class Destination(Model):
    """Where backup sets are kept."""

    rules: ClassVar[tuple[Rule, ...]] = (exactly_one_of("volume", "folder", "s3"),)

    volume: VolumeDestination | None = None
    """A volume of the platform."""

    folder: Folder | None = None
    """A folder."""

    s3: S3 | None = None
    """S3-compatible storage."""


class Keep(Model):
    """Which backup sets are kept. A set is deleted when it is beyond both; the newest verified one is never deleted."""

    count: Annotated[int, Field(ge=1, le=10_000)] = 14
    """Newest sets that are kept."""

    age: Duration | None = None
    """Age up to which sets are kept. Left out: the count alone decides."""


class Encryption(Model):
    """Encryption of backup sets."""

    secret_name: ObjectName
    """Secret with the key `key`, a passphrase of at least 16 characters. Without it no set can be restored: keep it elsewhere too."""


class BackupPolicy(Model):
    """When backups are taken and which are kept."""

    schedule: Cron | None = None
    """When a backup is taken, as a cron schedule: `0 3 * * *`. Left out: only on request."""

    time_zone: TimeZone = "UTC"
    """Time zone of the schedules, a name of the IANA database."""

    keep: Keep = Keep()
    """Which sets are kept."""

    drill: Cron | None = None
    """When the newest set is restored into a scratch system and checked, as a cron schedule. Left out: only on request."""

    destination: Destination = Destination(volume=VolumeDestination())
    """Where sets are kept."""

    encryption: Encryption | None = None
    """Encrypts the sets. Left out: they are readable to whoever reads the destination."""

    deadline: Duration = "2h"
    """How long a backup may take before it counts as failed."""


class BackupSpec(Model):
    """One backup."""

    transitions: ClassVar[tuple[Transition, ...]] = (immutable(),)

    system: SystemName
    """Name of the ChatSystem, in the same namespace."""

    destination: Destination | None = None
    """Where the set is kept. Left out: as the system's `spec.backup` says."""

    encryption: Encryption | None = None
    """Encrypts the set. Left out: as the system's `spec.backup` says."""

    deadline: Duration = "2h"
    """How long it may take before it counts as failed."""

    deletion_policy: Literal["Retain", "Delete"] = "Delete"
    """What happens to the set when this resource is deleted."""


class ChatSystemBackup(Model):
    """A backup set of a ChatSystem: the request for it, and afterwards the record of it."""

    api_version: ApiVersion
    """Version of this schema."""

    kind: Literal["ChatSystemBackup"]
    """Kind of the resource."""

    metadata: Metadata
    """Name and labels."""

    spec: BackupSpec
    """What is asked for."""

    status: BackupStatus | None = None
    """What became of it. Written by the controller."""


class SetReference(Model):
    """A backup set that no ChatSystemBackup of this cluster records."""

    destination: Destination
    """Where it is kept."""

    set: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=200)]
    """Name of the set at its destination."""


class RestoreSource(Model):
    """What is restored."""

    rules: ClassVar[tuple[Rule, ...]] = (exactly_one_of("backup", "latest", "reference"),)

    backup: SystemName | None = None
    """Name of a ChatSystemBackup."""

    latest: SystemName | None = None
    """Name of a ChatSystem whose newest good set is taken."""

    reference: SetReference | None = None
    """A set by its place."""


class RestoreSpec(Model):
    """One restore."""

    transitions: ClassVar[tuple[Transition, ...]] = (immutable(),)

    system: SystemName
    """Name of the ChatSystem that receives the data: the same one or a new one."""

    source: RestoreSource
    """What is restored."""

    encryption: Encryption | None = None
    """Key of the set, where it is encrypted and the system's own key is another one."""

    overwrite: bool = False
    """Allows that messages, accounts and files that the system has now are replaced. Without it, a system with data is left alone."""

    drill: bool = False
    """Only checks that the set can be restored, in a scratch system that is removed afterwards."""

    deadline: Duration = "4h"
    """How long it may take before it counts as failed."""


class ChatSystemRestore(Model):
    """A restore of a backup set into a ChatSystem."""

    api_version: ApiVersion
    """Version of this schema."""

    kind: Literal["ChatSystemRestore"]
    """Kind of the resource."""

    metadata: Metadata
    """Name and labels."""

    spec: RestoreSpec
    """What is asked for."""

    status: RestoreStatus | None = None
    """What became of it. Written by the controller."""
