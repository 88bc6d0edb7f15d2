"""A place for one cluster on this machine: a number that nobody else holds, and what follows from it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.testbed.machine import HOME, Lease, Network, remove_cgroup

_SLOTS = 32


@dataclass(frozen=True)
class Slot:
    """Addresses are from 198.18.0.0/15, which is set aside for tests of networks (RFC 2544) and so in nobody's way."""

    number: int
    lease: Lease

    @classmethod
    def claim(cls) -> Slot:
        """The first free one, rid of what a killed run has left of it."""
        for number in range(_SLOTS):
            slot = cls(number, Lease(HOME / f"kubernetes-{number}.lock"))
            if slot.lease.take(wait=False):
                slot.clear()
                return slot
        raise AssertionError(f"{_SLOTS} clusters of the test bed run already")

    @property
    def name(self) -> str:
        return f"kubernetes-{self.number}"

    @property
    def directory(self) -> Path:
        return HOME / self.name

    @property
    def cgroup(self) -> str:
        return f"chatsystem-testbed-{self.name}"

    @property
    def pods(self) -> str:
        return f"198.19.{self.number}.0/24"

    @property
    def services(self) -> str:
        return f"198.19.{128 + self.number}.0/24"

    def service(self, host: int) -> str:
        return f"198.19.{128 + self.number}.{host}"

    @property
    def network(self) -> Network:
        link = f"198.18.{128 + self.number}"
        return Network(f"chat-kube{self.number}", f"{link}.1/30", f"{link}.2/30", (self.pods, self.services))

    def clear(self) -> None:
        """Nothing may be running in it any more."""
        self.network.remove()
        remove_cgroup(self.cgroup)
        if self.directory.exists():
            shutil.rmtree(self.directory)

    def leave(self) -> None:
        self.clear()
        self.lease.release()
