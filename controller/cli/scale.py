"""`chatsystem scale`: changes how many replicas of services a declaration asks for."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Mapping
from typing import Any

import click

from controller.cli.options import Place, place_options
from services.catalogue import BY_NAME


class Replicas(click.ParamType[tuple[str, int]]):
    """`gateway=3`."""

    name = "service=replicas"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        service, equals, count = str(value).partition("=")
        if not equals or not (count.isascii() and count.isdigit() and len(count) <= 4):
            self.fail(f"{value!r} is not of the form SERVICE=REPLICAS; write for example gateway=3", param, ctx)
        if service not in BY_NAME:
            close = difflib.get_close_matches(service, list(BY_NAME), n=1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(BY_NAME))}"
            self.fail(f"{service!r} is not a service; {hint}", param, ctx)
        return service, int(count)


@click.command()
@click.argument("name")
@click.argument("replicas", nargs=-1, required=True, type=Replicas(), metavar="SERVICE=REPLICAS...")
@place_options
def scale(name: str, replicas: tuple[tuple[str, int], ...], place: Place) -> None:
    """Change the number of replicas of services of NAME. 0 switches a service off."""
    from controller.api.validate import dump, parse_system
    from controller.cli.apply import put
    from controller.cli.systems import find_for_change, run

    async def work() -> None:
        stored = await find_for_change(await place.open(), name)
        parse_system(dict(stored.document))
        system = parse_system(scaled(stored.document, dict(replicas)))
        click.echo(await put(place, dump(system), say_notes=False))
        if system.spec.local.processes == "Shared" and any(count > 1 for _, count in replicas):
            click.echo(
                "note: with spec.local.processes: Shared one process hosts all services once; replicas beyond 1 take effect "
                "with PerService",
                err=True,
            )

    run(work())


def scaled(document: Mapping[str, Any], replicas: Mapping[str, int]) -> dict[str, Any]:
    """The document with other numbers of replicas; the given one is left alone."""
    result: dict[str, Any] = copy.deepcopy(dict(document))
    services = result["spec"].setdefault("services", {})
    for service, count in replicas.items():
        services.setdefault(service, {})["replicas"] = count
    return result
