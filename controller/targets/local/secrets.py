"""Secrets as files that only this user can read. Values are made here, and leave only as paths."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from controller.blueprint.workload import Secret
from controller.engine.ports import TargetError
from controller.engine.reasons import Reason
from controller.targets.local.atomic import write_bytes
from controller.targets.local.layout import SystemPaths


def existing(paths: SystemPaths) -> dict[str, tuple[str, ...]]:
    """Secret name -> the keys that have a value."""
    if not paths.secrets.is_dir():
        return {}
    return {
        folder.name: tuple(sorted(file.name for file in folder.iterdir() if not file.name.startswith(".")))
        for folder in paths.secrets.iterdir()
        if folder.is_dir()
    }


def create(paths: SystemPaths, secret: Secret) -> None:
    """Makes the missing keys; existing ones keep their values."""
    for key in secret.keys:
        path = paths.secrets / secret.name / key
        if not path.exists():
            write_bytes(path, secrets.token_urlsafe(32).encode(), durable=True)


def path_of(paths: SystemPaths, name: str, key: str) -> Path:
    """The file with the value. Raises TargetError if there is none."""
    path = paths.secrets / name / key
    if not path.is_file():
        raise TargetError(
            f"the secret {name} has no key {key}; {remedy(paths, name, [key])}", reason=Reason.SECRET_MISSING
        )
    return path


def remedy(paths: SystemPaths, name: str, keys: Sequence[str]) -> str:
    """How a person gives a secret these keys."""
    files = " and ".join(str(paths.secrets / name / key) for key in keys)
    return f"put {'its value into the file' if len(keys) == 1 else 'their values into the files'} {files}, readable by you only"
