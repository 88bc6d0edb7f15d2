"""`chatsystem render`: what a declaration becomes, as data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import click

from controller.cli.failure import USAGE, Failure
from controller.cli.options import Place, file_option, output_option, place_options


@click.command()
@click.argument("name", required=False)
@file_option(required=False)
@output_option("yaml", "json")
@place_options
def render(name: str | None, file: str | None, output: str, place: Place) -> None:
    """Show what would run for FILE, or for the declaration that is kept of NAME: workloads, ports, volumes, environment; with --target
    kubernetes the manifests. Secrets are named, their values are not."""
    from controller.cli.documents import read_document
    from controller.cli.systems import find, run

    if (name is None) == (file is None):
        raise Failure("give either -f FILE or the NAME of a system", USAGE)

    async def work() -> None:
        given = read_document(file) if file is not None else None
        if given is not None and place.target == "kubernetes":
            click.echo(_manifests(given, output), nl=False)  # No cluster is needed for that.
            return
        session = await place.open()
        document = given or dict((await find(session, str(name))).document)
        if place.target == "kubernetes":
            click.echo(_manifests(document, output), nl=False)
            return
        data = plain(session.target.blueprint(document))
        if output == "json":
            click.echo(json.dumps(data, indent=2, ensure_ascii=False))
            return
        import yaml

        click.echo(yaml.safe_dump(data, sort_keys=False, width=120, allow_unicode=True), nl=False)

    run(work())


def _manifests(document: dict[str, Any], output: str) -> str:
    from controller.cli.manifests import manifests, shown

    return shown(manifests(document), output)


def plain(value: Any) -> Any:
    """Dataclasses, enums, tuples and mappings as what JSON can say."""
    if is_dataclass(value):
        return {spec.name: plain(getattr(value, spec.name)) for spec in fields(value) if spec.compare}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, str) else value
