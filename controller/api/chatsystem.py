"""The kind `ChatSystem`: a complete instant-messaging system in one declaration."""

from __future__ import annotations

from typing import ClassVar, Literal

from controller.api.backup import BackupPolicy
from controller.api.exposure import Exposure, Logging, Network
from controller.api.local import Local
from controller.api.metadata import ApiVersion, Metadata
from controller.api.model import Model
from controller.api.names import Digest, ObjectName, Repository, Tag
from controller.api.notifications import Notifications
from controller.api.release import Release
from controller.api.rules import Rule
from controller.api.services import Services
from controller.api.status import ChatSystemStatus
from controller.api.stores import Stores


class ImageSource(Model):
    """The one image that holds all seven services. The local target runs the installed package instead."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            at="tag",
            reads=("tag", "digest"),
            holds=lambda tag, digest: tag is None or digest is None,
            cel="!has(self.tag) || !has(self.digest)",
            problem="tag and digest are both given",
            remedy="keep one of them; a digest says exactly which image, a tag may move",
        ),
    )

    repository: Repository = "chatsystem"
    """Repository of the image, without tag."""

    tag: Tag | None = None
    """Tag, where it is another one than `spec.version`."""

    digest: Digest | None = None
    """Digest that pins the image; `spec.version` then only names it."""

    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When a node fetches the image."""

    pull_secret: ObjectName | None = None
    """Secret with the credentials of the registry."""


class ChatSystemSpec(Model):
    """What is wanted."""

    version: Tag
    """Version of the services: the tag of the image. Changing it starts a release."""

    image: ImageSource = ImageSource()
    """Where the image comes from."""

    services: Services = Services()
    """The seven services."""

    stores: Stores = Stores()
    """The stores."""

    exposure: Exposure = Exposure()
    """The public ports."""

    network: Network = Network()
    """The network between the components."""

    logging: Logging = Logging()
    """What is logged, and how much of it is kept."""

    release: Release = Release()
    """How a change reaches the running system."""

    backup: BackupPolicy = BackupPolicy()
    """When backups are taken and which are kept."""

    notifications: Notifications | None = None
    """Whom the controller tells when something needs a person. Left out: nobody; status and events still say it."""

    deletion_policy: Literal["Retain", "Delete", "BackupThenDelete"] = "Retain"
    """What happens to the data when the ChatSystem is deleted. `Retain`: it stays. `Delete`: it is removed. `BackupThenDelete`: it
    is removed after a backup was taken and verified."""

    suspend: bool = False
    """Stops every service and store and keeps the data."""

    local: Local = Local()
    """What concerns the local target only."""


class ChatSystem(Model):
    """A complete instant-messaging system."""

    api_version: ApiVersion
    """Version of this schema."""

    kind: Literal["ChatSystem"]
    """Kind of the resource."""

    metadata: Metadata
    """Name and labels."""

    spec: ChatSystemSpec
    """What is wanted."""

    status: ChatSystemStatus | None = None
    """What is so now. Written by the controller."""

    @property
    def name(self) -> str:
        return self.metadata.name
