"""`chatsystem status`: what is so now, of one system or of all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from controller.cli.options import Place, output_option, place_options

if TYPE_CHECKING:
    from controller.cli.session import Session
    from controller.engine.ports import Stored


@click.command()
@click.argument("name", required=False)
@click.option("--watch", is_flag=True, help="Keep showing it until Ctrl-C.")
@output_option("table", "json")
@place_options
def status(name: str | None, watch: bool, output: str, place: Place) -> None:
    """Show the state of NAME, or a list of all systems."""
    from controller.cli.systems import run

    run(_watch(place, name, output) if watch else _once(place, name, output))


async def _once(place: Place, name: str | None, output: str) -> None:
    from controller.cli.status_view import as_json
    from controller.cli.tables import overview, system_table

    session = await place.open()
    systems = [(stored, await session.driver(stored.name)) for stored in await _read(session, name)]
    if output == "json":
        items = [as_json(stored, pid) for stored, pid in systems]
        click.echo(json.dumps({"systems": items} if name is None else items[0], indent=2, ensure_ascii=False))
    elif name is None:
        overview(systems)
    else:
        system_table(*systems[0])


async def _watch(place: Place, name: str | None, output: str) -> None:
    """On a terminal one picture that changes; elsewhere, and as JSON (a line each), only what changed."""
    import asyncio

    from controller.cli.status_view import View, as_json, changes, view
    from controller.cli.tables import can_change_in_place, show_live

    session = await place.open()
    if output == "table" and name is not None and can_change_in_place():
        await show_live(session, name)
        return
    shown: dict[str, View] = {}
    while True:
        for stored in await _read(session, name):
            before, after = shown.get(stored.name), view(stored)
            if before == after:
                continue
            shown[stored.name] = after
            if output == "json":
                click.echo(json.dumps(as_json(stored, await session.driver(stored.name)), ensure_ascii=False))
            else:
                for line in changes(before, after):
                    click.echo(f"{stored.name}: {line}")
        await asyncio.sleep(0.2)


async def _read(session: Session, name: str | None) -> list[Stored]:
    from controller.cli.systems import find

    if name is not None:
        return [await find(session, name)]
    found = [await session.store.get(each) for each in sorted(await session.store.names())]
    return [stored for stored in found if stored is not None]
