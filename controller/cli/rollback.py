"""`chatsystem rollback`: declares an earlier revision again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from controller.cli.failure import FAILED, Failure
from controller.cli.options import Place, place_options

if TYPE_CHECKING:
    from controller.engine.model import Revision


@click.command()
@click.argument("name")
@click.option(
    "--to",
    "number",
    type=click.IntRange(min=1),
    help="Number of the revision [default: the last good one before this].",
)
@place_options
def rollback(name: str, number: int | None, place: Place) -> None:
    """Declare an earlier revision of NAME again. It becomes a new revision; `wait` tells whether it is reached."""
    from controller.cli.apply import put
    from controller.cli.systems import find_for_change, run

    async def work() -> None:
        session = await place.open()
        stored = await find_for_change(session, name)
        revision = choose(await session.store.revisions(name), stored.document, number)
        from controller.api.validate import dump, parse_system

        document = dump(parse_system(dict(revision.document)))
        click.echo(f"back to revision {revision.number}: {await put(place, document, say_notes=False)}")

    run(work())


def choose(revisions: Sequence[Revision], current: Mapping[str, Any], number: int | None) -> Revision:
    """The revision to go back to. Ends the command when there is none. `revisions` oldest first."""
    known = ", ".join(str(item.number) for item in revisions) or "none"
    if number is not None:
        found = next((item for item in revisions if item.number == number), None)
        if found is None:
            raise Failure(f"there is no revision {number}; kept are: {known}", FAILED)
        return found
    earlier = [
        item for item in revisions if item.verdict == "Released" and item.document.get("spec") != current.get("spec")
    ]
    if not earlier:
        raise Failure(
            f"there is no other good revision to go back to; kept are: {known}, see chatsystem history", FAILED
        )
    return earlier[-1]
