"""`chatsystem resume`: ends a pause."""

from __future__ import annotations

import click

from controller.cli.options import Place, place_options


@click.command()
@click.argument("name")
@place_options
def resume(name: str, place: Place) -> None:
    """Let the controller act on NAME again."""
    from controller.cli.systems import find_for_change, run

    async def work() -> None:
        session = await place.open()
        await find_for_change(session, name)
        await session.store.set_paused(name, False)
        await session.start_controller(name)
        click.echo(f"{name} is resumed")

    run(work())
