"""`chatsystem doctor`: would `up` work on this machine, and if not, what to do."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from controller.cli.failure import FAILED, USAGE, Failure
from controller.cli.options import Place, file_option, output_option, place_options

_MARKS = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}


@click.command()
@click.argument("name", required=False)
@file_option(required=False)
@output_option("text", "json")
@place_options
def doctor(name: str | None, file: str | None, output: str, place: Place) -> None:
    """Check this machine, and the external stores of a declaration: of NAME, of FILE, or of what `up` would run.

    Of the machine: ports, programs, packages, disk, state folder, certificates. Of each external store: whether the services could
    work on it as it is now, with the secrets that there are; FILE need not have been applied.

    The exit code is 1 when something would stop `up`.
    """
    from controller.cli.checks import findings
    from controller.cli.documents import read_document
    from controller.cli.systems import run

    if name is not None and file is not None:
        raise Failure("name a system or a file, not both", USAGE)
    found = run(findings(place, read_document(file) if file is not None else None, name))
    if output == "json":
        click.echo(json.dumps({"findings": [asdict(item) for item in found]}, indent=2, ensure_ascii=False))
    else:
        for item in found:
            where = f"{item.field}: " if item.field and item.level != "ok" else ""
            remedy = f"\n         {item.remedy}" if item.remedy else ""
            click.echo(f"{_MARKS[item.level]}  {item.check}: {where}{item.message}{remedy}")
    errors = [item.check for item in found if item.level == "error"]
    if errors:
        raise Failure(f"{len(errors)} of {len(found)} checks failed: {', '.join(dict.fromkeys(errors))}", FAILED)
