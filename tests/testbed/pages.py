"""Reads the documentation as a script: what a reader is told to save and to type, in order.

A fence marked `console` holds commands behind `$ `; everything else in it is illustration. A `yaml` fence right after a sentence
with "Save this as `NAME`" is a file. Fences of other kinds are not run.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SAVE_AS = re.compile(r"Save this as `([\w./-]+)`[^`]*\Z")


@dataclass(frozen=True)
class File:
    name: str
    text: str


@dataclass(frozen=True)
class Command:
    line: str


def pages() -> list[Path]:
    """Every page that a person reads, the README first."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def script(text: str) -> list[File | Command]:
    """The files and commands of a page, in order."""
    steps: list[File | Command] = []
    for match in _FENCE.finditer(text):
        kind, body = match.group(1), match.group(2)
        before = text[: match.start()].rstrip()
        save_as = _SAVE_AS.search(before[-300:])
        if save_as:
            steps.append(File(save_as.group(1), body))
        elif kind == "console":
            steps += [Command(line[2:]) for line in body.splitlines() if line.startswith("$ ")]
    return steps


def needs_cluster(page: Path) -> bool:
    """Whether a page speaks of systems in a cluster rather than on this machine."""
    lines = [step.line for step in script(page.read_text()) if isinstance(step, Command)]
    return any(line.startswith(("kubectl ", "helm ")) for line in lines)


def run(command: str, of: str, folder: Path, environment: Mapping[str, str], timeout: float = 120.0) -> None:
    """One command as a reader has it typed, which has to end with 0. `of`: where it stands, for the report."""
    if command.startswith("make "):
        # What make does is proven by CI, which runs it; here the target has only to exist.
        command, folder = f"make -n {command.split()[1]}", ROOT
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert result.returncode == 0, f"{of}: $ {command}\n{result.stdout}\n{result.stderr}"
