"""`chatsystem queue`: the work between the services that was given up on, and how it is taken up again."""

from __future__ import annotations

import json

import click

from controller.cli.failure import USAGE, Failure
from controller.cli.options import Place, output_option, place_options

COLUMNS = ("ID", "ATTEMPTS", "REASON")


@click.group()
def queue() -> None:
    """Look at and replay what the services gave up on: messages not indexed, recordings not transcribed."""


@queue.command()
@click.argument("name")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Of each queue, at most.")
@output_option("table", "json")
@place_options
def dead(name: str, limit: int, output: str, place: Place) -> None:
    """Show the dead letters of NAME: what failed so often that it is not tried any more, and why."""
    from controller.cli.systems import find, run

    async def work() -> None:
        session = await place.open()
        await find(session, name)
        answer = await session.ask_services(name, ["dead-letters", "list", "--limit", str(limit)])
        if output == "json":
            click.echo(answer.rstrip())
            return
        letters = json.loads(answer)["deadLetters"]
        if not letters:
            click.echo(f"{name} has no dead letters", err=True)
            return
        from rich.markup import escape
        from rich.table import Table

        from controller.cli.tables import show

        table = Table(*COLUMNS, box=None, pad_edge=False, header_style="bold")
        for letter in letters:
            table.add_row(*(escape(str(letter[key])) for key in ("id", "attempts", "reason")))
        show(table)

    run(work())


@queue.command()
@click.argument("name")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Replay all dead letters.")
@place_options
def replay(name: str, ids: tuple[str, ...], everything: bool, place: Place) -> None:
    """Give dead letters of NAME to the services again, as if they were new: those with the given IDs, or --all."""
    from controller.cli.systems import find, run

    if everything == bool(ids):
        raise Failure("name the dead letters to replay as `queue dead` shows them, or say --all", USAGE)

    async def work() -> None:
        session = await place.open()
        await find(session, name)
        which = ["--all"] if everything else ["--", *ids]
        replayed = json.loads(await session.ask_services(name, ["dead-letters", "replay", *which]))["replayed"]
        click.echo(f"replayed {replayed} dead letter{'' if replayed == 1 else 's'}")
        if not everything and replayed < len(set(ids)):
            raise Failure(
                f"{len(set(ids)) - replayed} of them are not there (any more); see: chatsystem queue dead {name}"
            )

    run(work())
