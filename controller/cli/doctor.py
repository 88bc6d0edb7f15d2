"""`chatsystem doctor`: would `up` work on this machine, and if not, what to do."""

from __future__ import annotations

import json

import click

from controller.cli.failure import FAILED, Failure
from controller.cli.options import Place, file_option, output_option, place_options

_MARKS = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}


@click.command()
@file_option(required=False)
@output_option("text", "json")
@place_options
def doctor(file: str | None, output: str, place: Place) -> None:
    """Check this machine: ports, programs, packages, disk, state folder, certificates. The ports are those that `up` would use.

    The exit code is 1 when something would stop `up`.
    """
    from controller.cli.checks import findings
    from controller.cli.documents import read_document
    from controller.cli.systems import run

    found = run(findings(place, read_document(file) if file is not None else None))
    if output == "json":
        items = [
            {"check": item.check, "level": item.level, "message": item.message, "remedy": item.remedy} for item in found
        ]
        click.echo(json.dumps({"findings": items}, indent=2, ensure_ascii=False))
    else:
        for item in found:
            remedy = f"\n         {item.remedy}" if item.remedy else ""
            click.echo(f"{_MARKS[item.level]}  {item.check}: {item.message}{remedy}")
    errors = [item.check for item in found if item.level == "error"]
    if errors:
        raise Failure(f"{len(errors)} of {len(found)} checks failed: {', '.join(errors)}", FAILED)
