"""`chatsystem controller`: runs the loop in the foreground, as a service manager would."""

from __future__ import annotations

import click

from controller.cli.options import Place, place_options


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@place_options
def controller(names: tuple[str, ...], place: Place) -> None:
    """Run the loop for each NAME, or for all systems, until SIGTERM or Ctrl-C. What they run goes on running then."""
    from controller.cli.systems import run

    run(_drive(place, names))


async def _drive(place: Place, names: tuple[str, ...]) -> None:
    import asyncio

    from controller.cli.signals import stop_on_signals
    from controller.cli.systems import find

    session = place.open()
    for name in names:
        await find(session, name)
    chosen = names or tuple(sorted(await session.store.names()))
    if not chosen:
        click.echo("There is no system yet. Begin with: chatsystem up", err=True)
        return
    stopped = asyncio.Event()
    with stop_on_signals(stopped):
        click.echo(f"driving {', '.join(chosen)}; Ctrl-C ends it", err=True)
        async with asyncio.TaskGroup() as group:
            for name in chosen:
                group.create_task(session.drive(name, stopped, halt=False))
