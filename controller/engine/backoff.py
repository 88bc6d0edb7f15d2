"""How long to wait before the next attempt: exponential, capped, with jitter. Pure; the random number comes in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Times in seconds. The first `free` attempts are not delayed at all."""

    first: float = 0.5
    factor: float = 2.0
    limit: float = 60.0
    jitter: float = 0.2
    """Share of the delay by which it varies at most, so that many failures do not return together."""
    free: int = 0

    def delay(self, failures: int, random: float = 0.5) -> float:
        """Seconds to wait after so many failures in a row. `random` in [0, 1); 0.5 means no jitter."""
        if failures <= self.free:
            return 0.0
        exponent = min(failures - self.free - 1, 64)
        base = min(self.first * self.factor**exponent, self.limit)
        return base * (1 + self.jitter * (2 * random - 1))


RESTARTS = Backoff(free=1)
"""Of instances: the first death is repaired at once."""

SETTLED_AFTER = 60.0
"""Seconds after which an instance that runs counts as stable: its next death is a first one again."""
