"""`chatsystem events`: what the controller did and met, newest last."""

from __future__ import annotations

import json

import click

from controller.cli.options import Place, output_option, place_options


@click.command()
@click.argument("name")
@click.option("--tail", type=click.IntRange(min=0), default=50, show_default=True, help="How many of the newest.")
@output_option("table", "json")
@place_options
def events(name: str, tail: int, output: str, place: Place) -> None:
    """Show what happened to NAME, newest last."""
    from controller.cli.clock import local_time
    from controller.cli.systems import find, run

    async def work() -> None:
        session = await place.open()
        await find(session, name)
        found = (await session.store.events(name))[-tail:] if tail else []
        if output == "json":
            items = [
                {
                    "time": event.time,
                    "type": event.type,
                    "reason": str(event.reason),
                    "component": event.component,
                    "message": event.message,
                }
                for event in found
            ]
            click.echo(json.dumps({"events": items}, indent=2, ensure_ascii=False))
            return
        for event in found:
            component = f" {event.component}" if event.component else ""
            click.echo(f"{local_time(event.time)}  {event.type:<7}  {event.reason}{component}: {event.message}")
        if not found:
            click.echo(f"nothing has happened to {name} yet", err=True)

    run(work())
