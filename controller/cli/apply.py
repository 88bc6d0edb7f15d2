"""`chatsystem apply`: keeps a declaration and sees to it that a controller acts on it."""

from __future__ import annotations

from collections.abc import Mapping
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
    say_notes(document)
    click.echo(run(put(place, document)))


def say_notes(document: Mapping[str, Any]) -> None:
    """Tells on stderr what of the declaration has no effect here."""
    from controller.cli.notes import notes

    for note in notes(document):
        click.echo(f"note: {note}", err=True)


async def put(place: Place, document: dict[str, Any]) -> str:
    """Keeps the document and starts a controller where none runs; says what happened."""
    from controller.cli.documents import author

    session = place.open()
    name = document["metadata"]["name"]
    before = await session.store.get(name)
    stored = await session.store.put(document, author=author())
    await session.start_controller(name)
    if before is None or before.deleting:
        change = "created"
    elif stored.generation != before.generation:
        change = "changed"
    else:
        change = "unchanged"
    paused = f"; it is paused: nothing happens before chatsystem resume {name}" if stored.paused else ""
    return f"{name} {change} (generation {stored.generation}){paused}"
