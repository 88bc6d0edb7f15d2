"""`chatsystem logs`: what the processes of a system wrote."""

from __future__ import annotations

import click

from controller.cli.options import Place, place_options


@click.command()
@click.argument("name")
@click.argument("component", required=False)
@click.option("-f", "--follow", is_flag=True, help="Keep showing new lines until Ctrl-C.")
@click.option("--tail", type=click.IntRange(min=0), default=100, show_default=True, help="Lines of each source.")
@place_options
def logs(name: str, component: str | None, follow: bool, tail: int, place: Place) -> None:
    """Show the logs of NAME, or of one COMPONENT of it, such as gateway or valkey."""
    from controller.cli.systems import find, run

    async def work() -> None:
        session = place.open()
        await find(session, name)
        async for source, line in session.target.logs(name, component, follow=follow, tail=tail):
            click.echo(f"{source} | {line}")

    run(work())
