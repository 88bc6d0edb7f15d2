"""Where files and pictures are kept: a volume, or a bucket. Pure."""

from __future__ import annotations

from controller.api.chatsystem import ChatSystem
from controller.api.quantity import bytes_of
from controller.blueprint.part import Part, Profile, encryption, fields_of
from controller.blueprint.workload import External, Secret, Volume

PREFIX = "CHATSYSTEM_FILES"
MOUNT = "/var/lib/chatsystem/files"


def part(system: ChatSystem, profile: Profile) -> Part:
    declared = system.spec.stores.files
    if declared.s3:
        s3 = declared.s3
        environment = {f"{PREFIX}_URL": f"s3://{s3.bucket}/{s3.prefix}", f"{PREFIX}_REGION": s3.region}
        if s3.endpoint:
            environment[f"{PREFIX}_ENDPOINT"] = str(s3.endpoint)
        said, secrets, files = encryption(PREFIX, s3.tls)
        environment |= said
        files |= {
            f"{PREFIX}_ACCESS_KEY_FILE": (s3.secret_name, "accessKey"),
            f"{PREFIX}_SECRET_KEY_FILE": (s3.secret_name, "secretKey"),
        }
        return Part(
            secrets=(Secret(s3.secret_name, ("accessKey", "secretKey"), generated=False), *secrets),
            environment=environment,
            secret_files=files,
            external=External("files", "spec.stores.files.s3", environment, files, fields_of(s3.secret_name, s3.tls)),
        )
    managed = declared.managed
    if profile.embedded or managed is None:
        volume = Volume("files", MOUNT)
    else:
        shared = managed.access_mode == "ReadWriteMany"
        volume = Volume("files", MOUNT, bytes_of(managed.storage), managed.storage_class, shared)
    return Part(environment={f"{PREFIX}_URL": "file://{volume:files}"}, volumes=(volume,))
