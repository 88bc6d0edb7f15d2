"""How much one person, session or address may ask for: token buckets, kept as one number each.

The generic cell rate algorithm: instead of tokens and the time they were counted, a key keeps the time at which its
bucket will be full again.
"""

from __future__ import annotations

import ipaddress


def subscriber_of(address: str) -> str:
    """Who is behind an address, as far as limits are concerned: of IPv6 the /64, all of which one subscriber has (RFC 6177; one
    machine alone may use any number of its addresses, RFC 8981). Anything that is no address stands for itself."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))


class RateLimiter:
    """`rate` per second over a longer time (0: no limit), `burst` at once. At most `capacity` keys are kept; when more are
    active at the same time, the oldest are forgotten, which only ever allows more."""

    __slots__ = ("_capacity", "_full_at", "_interval", "_tolerance")

    def __init__(self, rate: float, burst: int, capacity: int = 100_000) -> None:
        self._interval = 1.0 / rate if rate > 0 else 0.0
        self._tolerance = self._interval * (burst - 1)
        self._capacity = capacity
        self._full_at: dict[str, float] = {}

    def take(self, key: str, now: float) -> float:
        """Takes one token at the time `now` (seconds, any origin). 0.0 if there was one, else seconds until there is."""
        if not self._interval:
            return 0.0
        full_at = self._full_at.get(key)
        if full_at is None:
            if len(self._full_at) >= self._capacity:
                self._forget(now)
            full_at = now
        elif full_at < now:
            full_at = now
        wait = full_at - self._tolerance - now
        if wait > 1e-9:
            return wait
        self._full_at[key] = full_at + self._interval
        return 0.0

    def _forget(self, now: float) -> None:
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        for key in list(self._full_at)[: max(0, len(self._full_at) - self._capacity // 2)]:
            del self._full_at[key]
