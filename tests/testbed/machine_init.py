"""The first process of a machine of the test bed: python -I -S machine_init.py NAME DIRECTORY LEASE

Gives the machine its name, its own /run and, in DIRECTORY, what is written below /etc and /var; waits until nobody holds LEASE.
"""

import ctypes
import fcntl
import os
import signal
import socket
import sys
import time
from pathlib import Path

GRACE = 5.0
"""Seconds that programs have to end by themselves when the last holder of the lease has gone."""


def main(hostname: str, directory: Path, lease: Path) -> None:
    socket.sethostname(hostname)
    mount("tmpfs", "/run", "tmpfs", "mode=755")
    for name in ("etc", "var"):
        # Over the real one, so that what is there stays to be seen.
        layers = f"lowerdir=/{name},upperdir={directory}/{name}/upper,workdir={directory}/{name}/work"
        mount("overlay", f"/{name}", "overlay", layers)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # orphans end without leaving a zombie
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    os.close(1)
    with lease.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            os.kill(-1, signal.SIGTERM)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + GRACE
        while (
            len([each for each in Path("/proc").iterdir() if each.name.isdigit()]) > 1 and time.monotonic() < deadline
        ):
            time.sleep(0.05)


def mount(source: str, target: str, kind: str, options: str) -> None:
    """mount(2). Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source.encode(), target.encode(), kind.encode(), 0, options.encode()) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mounting {kind} on {target}: {os.strerror(number)}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
