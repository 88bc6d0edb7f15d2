"""Ports on this machine: finding free private ones, and naming who holds a public one."""

from __future__ import annotations

import contextlib
import errno
import random
import socket
from collections.abc import Collection
from pathlib import Path

from controller.engine.ports import TargetError
from controller.engine.reasons import Reason

LOOPBACK = "127.0.0.1"
LOWEST, HIGHEST = 20_000, 32_000


def allocate(preferred: int | None, avoid: Collection[int]) -> int:
    """A free port of the loopback address: the preferred one if it can be had. Never one of the range from which the kernel
    takes the source ports of connections: such a port may be taken at a restart, and a client that keeps trying to reach it
    while nobody listens can end up connected to itself."""
    low, high = _private_range()
    if preferred and preferred not in avoid and is_free(LOOPBACK, preferred):
        return preferred
    for _ in range(1000):
        number = random.randint(low, high)  # noqa: S311 - any free one will do
        if number not in avoid and is_free(LOOPBACK, number):
            return number
    raise TargetError(f"no free port between {low} and {high} on {LOOPBACK}; stop something that listens there")


def is_free(address: str, number: int) -> bool:
    return refusal(address, number) is None


def refusal(address: str, number: int) -> OSError | None:
    """Why nothing can listen there now, if so."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Remains of closed connections do not matter; a listener does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, number))
            probe.listen(1)
        except OSError as error:
            return error
    return None


def demand(address: str, number: int, field: str) -> None:
    """Raises TargetError, with what to do, if the public port cannot be had. `field` is where the declaration names it."""
    error = refusal(address, number)
    if error is None:
        return
    match error.errno:
        case errno.EADDRINUSE:
            what = f"port {number} on {address} is taken by {owner(number)}"
            remedy = f"stop that program, or choose another port with {field}"
        case errno.EACCES:
            what = f"port {number} may only be used by an administrator"
            remedy = f"choose one above 1023 with {field}"
        case errno.EADDRNOTAVAIL:
            what = f"this machine has no address {address}"
            remedy = "set spec.local.address to one of its addresses, or to 0.0.0.0"
        case _:
            what = f"port {number} on {address} cannot be used: {error.strerror}"
            remedy = f"choose another with {field}"
    raise TargetError(f"{what}; {remedy}", reason=Reason.PORT_TAKEN)


def overlap(one: str, other: str) -> bool:
    """Whether listeners on one port of both addresses would get in each other's way."""
    return one == other or not {one, other}.isdisjoint({"0.0.0.0", "::"})


def owner(number: int) -> str:
    """Who listens on the port, as far as this user may know."""
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            if connection.laddr and connection.laddr.port == number and connection.status == psutil.CONN_LISTEN:
                if connection.pid is None:
                    break
                with contextlib.suppress(psutil.Error):
                    return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return "another program"


def _private_range() -> tuple[int, int]:
    with contextlib.suppress(OSError, ValueError):
        low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
        if low <= HIGHEST and high >= LOWEST:
            # An unusual setting: stay below it, or above it.
            return (10_000, low - 1) if low > 12_000 else (min(high + 1, 60_000), 65_000)
    return LOWEST, HIGHEST
