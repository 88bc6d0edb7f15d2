"""What processes have cost so far: CPU time and memory, by the name of what they are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import psutil

Groups = Mapping[str, Sequence[int]]
"""Name -> the ids of its processes; what these have started counts with them."""


@dataclass(frozen=True)
class Costs:
    """Seconds of CPU (user and system) and bytes of memory, by name. Memory that processes share counts once for each."""

    cpu: Mapping[str, float] = field(default_factory=dict)
    memory: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, groups: Groups) -> Costs:
        cpu: dict[str, float] = {}
        memory: dict[str, int] = {}
        for name, pids in groups.items():
            for process in _family(pids):
                with contextlib.suppress(psutil.NoSuchProcess):
                    times = process.cpu_times()
                    cpu[name] = cpu.get(name, 0.0) + times.user + times.system
                    memory[name] = memory.get(name, 0) + process.memory_info().rss
        return cls(cpu, memory)

    def since(self, earlier: Costs) -> Costs:
        """The CPU time spent since then, and the memory of now."""
        return Costs({name: cpu - earlier.cpu.get(name, 0.0) for name, cpu in self.cpu.items()}, self.memory)

    def total(self, names: Sequence[str]) -> float:
        """Seconds of CPU of these together."""
        return sum(self.cpu.get(name, 0.0) for name in names)

    def resident(self, names: Sequence[str]) -> int:
        return sum(self.memory.get(name, 0) for name in names)


def _family(pids: Sequence[int]) -> Iterator[psutil.Process]:
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            yield process
            yield from process.children(recursive=True)
