"""`make bench`: starts a system of its own, puts it under load, prints what it measured, and stops it.

Services, stores and load generator are on the same machine and talk over the loopback interface.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import signal
import sys

from bench.compare import compare
from bench.record import inhabitants, record
from bench.subject import Setup, started
from services.catalogue import BY_NAME


def main() -> int:
    options = _options()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped

    busy = os.getloadavg()[0]
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, load before {busy:.1f}, Python {platform.python_version()}")
    if busy > 0.5:
        print("other work runs on this machine: only CPU time and memory tell something", file=sys.stderr)
    setup = Setup(options.stores, options.layout, options.replicas)
    if options.base:
        print(f"{setup}\n", flush=True)
        print(compare(setup, options.base, only=options.only, seconds=options.seconds))
        return 0
    with started(setup) as subject:
        print(f"{setup}: ready in {subject.started_in:.1f} s", flush=True)
        people = inhabitants()
        subject.inhabit(people)
        record(subject, people, only=options.only, seconds=options.seconds, profile=options.profile)
    return 0


def _replicas(text: str) -> dict[str, int]:
    counts = {}
    for part in text.split(","):
        name, equals, count = part.partition("=")
        if name not in BY_NAME or not equals or not count.isdecimal() or int(count) < 1:
            raise argparse.ArgumentTypeError(f"{part!r} is not of the form gateway=2")
        counts[name] = int(count)
    return counts


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--stores", choices=("embedded", "production"), default="embedded")
    parser.add_argument(
        "--layout", choices=("one", "split"), default="one", help="one process for all services, or seven"
    )
    parser.add_argument("--replicas", type=_replicas, default={}, help="with split: gateway=2,transmit=2")
    parser.add_argument("--only", default="", help="measure that whose name contains this text")
    parser.add_argument("--seconds", type=float, default=8.0, help="length of a measured window (default: 8)")
    parser.add_argument("--profile", action="store_true", help="also show where the services' processor time goes")
    parser.add_argument("--base", default="", help="compare with this revision of the services, both in turn")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
