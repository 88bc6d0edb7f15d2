"""What can be done to which part of a chat system, as data. `tests/chaos/world.py` knows how it is done."""

from __future__ import annotations

from dataclasses import dataclass

from services.catalogue import SERVICES as CATALOGUE
from services.catalogue import STORES as STORE_NAMES

FILES = "files"
"""The folder of stored files, which is a disk and no process."""

SERVICES = tuple(service.name for service in CATALOGUE)
STORES = tuple(name for name in STORE_NAMES if name != FILES)
PARTS = (*SERVICES, *STORES, FILES)


@dataclass(frozen=True)
class Fault:
    """`away`: seconds between the strike and its end. `parts`: what it can befall. `disk` and `link`: what a world must have
    for it."""

    name: str
    meaning: str
    away: float
    parts: tuple[str, ...]
    disk: bool = False
    link: bool = False


FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("kill", "SIGKILL of one process, which is started again", 1.0, (*SERVICES, *STORES)),
        Fault("kill-all", "SIGKILL of all processes of a service, which are started again", 2.0, SERVICES),
        Fault("pause", "one process stands still (SIGSTOP)", 10.0, (*SERVICES, *STORES)),
        Fault("restart", "SIGTERM, and a new start when the process has ended", 0.0, (*SERVICES, *STORES)),
        Fault("cut", "every connection to the store is broken, and new ones are refused", 5.0, STORES, link=True),
        Fault("freeze", "connections to the store stay open and carry nothing", 10.0, STORES, link=True),
        Fault("disk-full", "no byte is left on the disk of the store", 5.0, (*STORES, FILES), disk=True),
    )
}


@dataclass(frozen=True)
class Strike:
    """One fault of one part. `replica` picks among the processes of a service."""

    part: str
    fault: Fault
    replica: int = 0

    def __str__(self) -> str:
        return f"{self.part}:{self.fault.name}"


Round = tuple[Strike, ...]
"""What is broken at the same time."""
