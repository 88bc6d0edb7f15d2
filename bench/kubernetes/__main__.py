"""Many systems on one API server: what the controller costs, and how soon it acts.

The API server and its controllers are real; nodes and pods are played by kwok, so nothing runs in them. All of it is started on
this machine, and stopped in the end. Needs root.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import signal
import sys
import tempfile
from array import array
from pathlib import Path

from bench.kubernetes.course import Outcome, run
from bench.kubernetes.stage import stage
from bench.report import markdown
from bench.samples import percentile

RESYNCS = 120
"""Of an hour."""
SYSTEMS_OF_A_NODE = 50


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    busy = os.getloadavg()[0]
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, load before {busy:.1f}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory(prefix="chatsystem-bench-") as name:
        folder = Path(name)
        try:
            with stage(folder, nodes=1 + options.systems // SYSTEMS_OF_A_NODE) as one:
                outcome = asyncio.run(
                    run(
                        one,
                        systems=options.systems,
                        edits=options.edits,
                        resyncs=options.resyncs,
                        profile=options.profile,
                    )
                )
        finally:
            log = folder / "controller.log"
            if options.log and log.exists():
                Path(options.log).write_bytes(log.read_bytes())
    print(report(outcome))
    return 0


def report(outcome: Outcome) -> str:
    """Tables of one run."""
    systems, start, hour = outcome.systems, outcome.start_costs, outcome.hour_costs
    writes = sum(outcome.start_writes.values())
    rows = [
        ["objects for each system", f"{outcome.objects / systems:.1f}"],
        ["writes for each system until it rested", f"{writes / systems:.1f}"],
        ["to Ready, p50 / p99 s", _both(outcome.to_ready, 1)],
        ["controller CPU per system until all were Ready, ms", f"{1000 * start.cpu['controller'] / systems:.0f}"],
        ["API server CPU per system until all were Ready, ms", f"{1000 * start.cpu['API server'] / systems:.0f}"],
        ["controller RSS at most, MB", f"{outcome.resident / 1e6:.0f}"],
        ["edit to applied, p50 / p99 s", _both(outcome.edits, 3)],
        [
            "controller CPU per edit, ms",
            f"{1000 * outcome.edit_costs.cpu['controller'] / max(1, len(outcome.edits)):.0f}",
        ],
        ["passes of the compressed hour", f"{outcome.passes:,.0f}"],
        ["controller CPU of such a pass, ms", f"{1000 * hour.cpu['controller'] / max(1.0, outcome.passes):.2f}"],
        ["writes in that hour", f"{sum(outcome.hour_writes.values()):.0f}"],
        [
            "writes of a controller that takes over, per system",
            f"{sum(outcome.takeover_writes.values()) / systems:.1f}",
        ],
    ]
    kinds = sorted(outcome.start_writes.items(), key=lambda item: -item[1])
    written = [[f"{verb} {kind}", f"{count / systems:.2f}"] for (verb, kind), count in kinds]
    beside = [[name, f"{1000 * cpu / systems:.0f}"] for name, cpu in start.cpu.items()]
    return "\n\n".join(
        [
            markdown([f"{systems} systems", ""], rows),
            markdown(["write until it rested", "per system"], written),
            markdown(["CPU until all were Ready", "ms per system"], beside),
        ]
    )


def _both(samples: array[float], digits: int) -> str:
    return " / ".join(f"{percentile(samples, share):.{digits}f}" for share in (0.5, 0.99))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.kubernetes", description=__doc__)
    parser.add_argument("--systems", type=int, default=50)
    parser.add_argument("--edits", type=int, default=50)
    parser.add_argument("--resyncs", type=int, default=RESYNCS, help="of the compressed hour (default: 120, an hour's)")
    parser.add_argument("--profile", action="store_true", help="profile the controllers into their log")
    parser.add_argument("--log", default="", metavar="FILE", help="keep the controllers' log")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
