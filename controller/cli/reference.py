"""Writes docs/reference/cli.md from the verbs: `python -m controller.cli.reference [--check]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from controller.cli.main import program

ROOT = Path(__file__).resolve().parents[2]
FILE = "docs/reference/cli.md"
COMMAND = "python -m controller.cli.reference"

_HEAD = """# chatsystem

Made from the program; do not edit. Run a complete instant-messaging system from one declaration.

`--state-dir DIR` (or the variable `CHATSYSTEM_STATE_DIR`, else `$XDG_STATE_HOME/chatsystem`, else `~/.local/state/chatsystem`) and
`--target local` may stand before or after the verb. The targets `kubernetes` and `swarm` are not available in this version.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | failed; stderr says why and what to do |
| 2 | usage, or an invalid declaration; nothing was changed |
| 3 | the release failed and was rolled back |
| 4 | timed out |

Results are written to stdout; progress, notes and errors to stderr. With `CHATSYSTEM_TRACEBACK=1` an unexpected error shows its
traceback.
"""

_JSON = """## JSON output

The forms of `-o json` are stable: fields may be added, none is renamed or removed within `v1alpha1`. Times are Unix seconds unless
they are inside `status`, which has the form of [ChatSystem.status](chatsystem.md).

| verb | form |
|---|---|
| `status NAME` | `{"name", "generation", "paused", "deleting", "controller": process id or null, "document", "status"}`; with `--watch` one line for each change |
| `status` | `{"systems": [as above]}` |
| `plan` | `{"name", "steps": [{"action", "workload", "index", "instance", "reason"}]}`; no steps: nothing to do. Actions: `create-secret`, `renew-secret`, `run-job`, `start`, `restart`, `stop`, `forget` |
| `events` | `{"events": [{"time", "type", "reason", "component", "message"}]}`, newest last |
| `history` | `{"revisions": [{"number", "generation", "time", "author", "verdict", "seconds", "summary", "message", "document"}]}`, newest first |
| `render` | `{"system", "workloads": [...], "secrets": [...]}`; with `--target kubernetes` a `List` of manifests |
| `queue dead` | `{"deadLetters": [{"id", "topic", "group", "attempts", "reason", "event"}]}` |
| `doctor` | `{"findings": [{"check", "level": "ok" or "warning" or "error", "message", "remedy", "field"}]}` |
"""


def page() -> str:
    """The reference page of the command line, as Markdown."""
    parts = [_HEAD]
    for name, command in _verbs(program):
        parts.append("\n".join(_verb(name, command)))
    return "\n".join([*parts, _JSON])


def _verbs(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _verbs(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def _verb(name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=f"chatsystem {name}")
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"## {name}"
    yield ""
    yield f"`chatsystem {name} {usage}`"
    yield ""
    for paragraph in (command.help or "").split("\n\n"):
        yield " ".join(paragraph.split())
        yield ""
    rows = [
        record
        for parameter in command.params
        if isinstance(parameter, click.Option)
        and parameter.name not in ("state_dir", "target")
        and (record := parameter.get_help_record(context))
    ]
    if rows:
        yield "| option | meaning |"
        yield "|---|---|"
        for option, meaning in rows:
            cells = [" ".join(text.split()).replace("|", "\\|") for text in (option, meaning)]
            yield f"| `{cells[0]}` | {cells[1]} |"
        yield ""


def main(arguments: list[str]) -> int:
    """0: written, or current. 1: `--check` found it stale."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write(f"usage: {COMMAND} [--check]\n")
        return 2
    file, text = ROOT / FILE, page()
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return 0
    if arguments:
        sys.stderr.write(f"{FILE} is stale: run {COMMAND}\n")
        return 1
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
