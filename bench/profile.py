"""Where the services' processor time goes: py-spy looks at each process a few hundred times a second while it is under load.

The stacks are those of threads that run; a thread that waits for a socket or a lock counts nowhere. Code in C counts for the
Python function that called it.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from bench.report import markdown

RATE = 400
"""Looks per second."""
SHOWN = 25


class Profile:
    """Takes samples of several processes at once. `pids` by name; the files go to `folder`."""

    def __init__(self, pids: Mapping[str, int], folder: Path, seconds: float) -> None:
        self._runs = {
            name: subprocess.Popen(
                [
                    *(
                        str(Path(sys.executable).with_name("py-spy")),
                        "record",
                        "--pid",
                        str(pid),
                    ),
                    *("--duration", str(max(1, round(seconds))), "--rate", str(RATE), "--threads", "--nonblocking"),
                    *("--format", "raw", "--output", str(folder / name)),
                ],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for name, pid in pids.items()
        }
        self._folder = folder

    def report(self) -> str:
        """A table for each process. Raises RuntimeError where one could not be looked at."""
        tables = []
        for name, run in self._runs.items():
            _, error = run.communicate(timeout=60)
            if run.returncode != 0:
                raise RuntimeError(f"py-spy could not look at {name}: {error.strip()}")
            tables.append(table(name, (self._folder / name).read_text()))
        return "\n\n".join(tables)


def table(name: str, stacks: str) -> str:
    """`stacks`: py-spy's raw form, a line for each stack: frames from the outermost, separated by ;, and a count."""
    own: Counter[str] = Counter()
    under: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [_function(frame) for frame in stack.split(";")]
        own[frames[-1]] += int(count)
        for frame in set(frames):
            under[frame] += int(count)
    total = max(1, own.total())
    shown = [
        [f"`{frame}`", f"{100 * count / total:.1f}", f"{100 * under[frame] / total:.1f}"]
        for frame, count in own.most_common(SHOWN)
    ]
    return markdown([f"{name}, {total} samples", "own %", "with what it calls %"], shown)


def _function(frame: str) -> str:
    """`name (path/to/file.py:12)` without the line and the path to the packages."""
    text, _, place = frame.rpartition(" (")
    return f"{text} {place.rstrip(')').rpartition(':')[0].rpartition('site-packages/')[2]}" if text else frame
