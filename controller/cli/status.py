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
    from controller.cli.tables import overview, system_table

    session = place.open()
    systems = await _read(session, name)
    if output == "json":
        click.echo(_json(session, systems, one=name is not None))
    elif name is None:
        overview([(stored, session.controller_pid(stored.name)) for stored in systems])
    else:
        system_table(systems[0], session.controller_pid(name))


async def _watch(place: Place, name: str | None, output: str) -> None:
    """On a terminal one picture that changes; elsewhere, and as JSON (a line each), only what changed."""
    import asyncio

    from controller.cli.status_view import changes, view
    from controller.cli.tables import live_status

    session = place.open()
    if output == "table" and name is not None and live_status.possible():
        await live_status.show(session, name)
        return
    shown: dict[str, object] = {}
    while True:
        for stored in await _read(session, name):
            now = view(stored)
            before = shown.get(stored.name)
            if before != now:
                if output == "json":
                    click.echo(json.dumps(json.loads(_json(session, [stored], one=True)), ensure_ascii=False))
                else:
                    for line in changes(before, now):  # type: ignore[arg-type]
                        click.echo(f"{stored.name}: {line}")
                shown[stored.name] = now
        await asyncio.sleep(0.2)


async def _read(session: Session, name: str | None) -> list[Stored]:
    from controller.cli.systems import find

    if name is not None:
        return [await find(session, name)]
    found = [await session.store.get(each) for each in sorted(await session.store.names())]
    return [stored for stored in found if stored is not None]


def _json(session: Session, systems: list[Stored], *, one: bool) -> str:
    from controller.cli.status_view import as_json

    items = [as_json(stored, session.controller_pid(stored.name)) for stored in systems]
    return json.dumps(items[0] if one else {"systems": items}, indent=2, ensure_ascii=False)
