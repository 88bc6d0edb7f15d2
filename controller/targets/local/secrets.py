"""Secrets as files that only this user can read. Values are made here, and leave only as paths.

Of a certificate, the document of its authority is written first and durably; the files that processes read are made from it.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from controller.blueprint.workload import AUTHORITY_KEY, Secret, Workload
from controller.engine.authority import Authority, DamagedAuthority, changed, ends, read_authority
from controller.engine.certificates import CertificateState, due
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


def certificates(paths: SystemPaths, secrets: Iterable[Secret]) -> dict[str, CertificateState]:
    """Secret name -> the certificate in it, of those that have one that can be read."""
    found = {}
    for secret in secrets:
        if "tls.crt" not in secret.keys:
            continue
        with contextlib.suppress(OSError, DamagedAuthority):
            if secret.certificate is None:
                found[secret.name] = ends((paths.secrets / secret.name / "tls.crt").read_bytes())
            else:
                found[secret.name] = _authority(paths, secret).state(_published(paths, secret))
    return found


def create(paths: SystemPaths, secret: Secret) -> None:
    """Makes the missing keys; existing ones keep their values."""
    if secret.certificate is not None:
        return renew(paths, secret, time.time())
    for key in secret.keys:
        path = paths.secrets / secret.name / key
        if not path.exists():
            write_bytes(path, secrets.token_urlsafe(32).encode(), durable=True)


def renew(paths: SystemPaths, secret: Secret, now: float) -> None:
    """Carries out the next change of a certificate that is due; nothing if none is. `now` in Unix seconds."""
    if secret.certificate is None:
        return
    authority = state = None
    with contextlib.suppress(OSError, DamagedAuthority):
        authority = _authority(paths, secret)
        state = authority.state(_published(paths, secret))
    change = due(secret.certificate, state, now, settled=True)
    if change is None:
        return
    authority = changed(authority, change, secret.certificate, now)
    write_bytes(paths.secrets / secret.authority / AUTHORITY_KEY, authority.document(), durable=True)
    for key, content in authority.published().items():
        write_bytes(paths.secrets / secret.name / key, content, durable=True)


def _authority(paths: SystemPaths, secret: Secret) -> Authority:
    return read_authority((paths.secrets / secret.authority / AUTHORITY_KEY).read_bytes())


def _published(paths: SystemPaths, secret: Secret) -> dict[str, bytes]:
    folder = paths.secrets / secret.name
    return {key: (folder / key).read_bytes() for key in secret.keys if (folder / key).is_file()}


def given(paths: SystemPaths, workload: Workload) -> dict[str, str]:
    """What a workload is given now: `name/key` -> fingerprint."""
    return {f"{name}/{key}": fingerprint(paths.secrets / name / key) for name, key in workload.secrets.values()}


def fingerprint(path: Path) -> str:
    """Of a value, without telling it; empty if there is none. A file that has not changed is not read again."""
    try:
        stat = path.stat()
        return _fingerprint(path, stat.st_mtime_ns, stat.st_ino, stat.st_size)
    except OSError:
        return ""


@lru_cache(maxsize=1024)
def _fingerprint(path: Path, *_signature: int) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=12, person=b"chatsystem").hexdigest()


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
