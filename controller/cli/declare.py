"""Keeping a declaration: the one way by which verbs change what is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from controller.api.change import check_change
from controller.api.validate import parse_system
from controller.cli.documents import author
from controller.cli.notes import notes
from controller.cli.session import Session
from controller.engine.ports import Stored


async def keep(session: Session, document: dict[str, Any], *, say_notes: bool = True) -> Stored:
    """Keeps a valid document unless it changes what may not change (InvalidDocument), and says on stderr what of it has no
    effect here."""
    before = await session.store.get(document["metadata"]["name"])
    if before is not None and not before.deleting:
        check_change(before.document, parse_system(document))
    if say_notes:
        tell(document, session.target.name)
    return await session.store.put(document, author=author())


def tell(document: Mapping[str, Any], target: str) -> None:
    """Says what of a declaration has no effect on the target."""
    for note in notes(document, target):
        click.echo(f"note: {note}", err=True)
