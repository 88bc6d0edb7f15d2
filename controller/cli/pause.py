"""`chatsystem pause`: the controller changes nothing until `resume`."""

from __future__ import annotations

import click

from controller.cli.options import Place, place_options


@click.command()
@click.argument("name")
@place_options
def pause(name: str, place: Place) -> None:
    """Let the controller change nothing of NAME, whatever happens to it. What runs goes on running."""
    from controller.cli.systems import find_for_change, run

    async def work() -> None:
        session = await place.open()
        await find_for_change(session, name)
        await session.store.set_paused(name, True)
        click.echo(f"{name} is paused; chatsystem resume {name} ends it")

    run(work())
