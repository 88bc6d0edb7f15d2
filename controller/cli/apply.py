"""`chatsystem apply`: keeps a declaration and sees to it that a controller acts on it."""

from __future__ import annotations

from typing import Any

import click

from controller.cli.options import Place, file_option, place_options


@click.command()
@file_option(required=True)
@place_options
def apply(file: str, place: Place) -> None:
    """Keep a declaration and make sure that a controller acts on it.

    Returns at once; `chatsystem wait` waits for the outcome.
    """
    from controller.cli.documents import read_document
    from controller.cli.systems import run

    document = read_document(file)
    click.echo(run(put(place, document)))


async def put(place: Place, document: dict[str, Any], *, say_notes: bool = True) -> str:
    """Keeps the document and starts a controller where none runs; says what happened."""
    from controller.cli.declare import keep

    session = await place.open()
    name = document["metadata"]["name"]
    before = await session.store.get(name)
    stored = await keep(session, document, say_notes=say_notes)
    await session.start_controller(name)
    if before is None or before.deleting:
        change = "created"
    elif stored.generation != before.generation:
        change = "changed"
    else:
        change = "unchanged"
    paused = f"; it is paused: nothing happens before chatsystem resume {name}" if stored.paused else ""
    return f"{name} {change} (generation {stored.generation}){paused}"
