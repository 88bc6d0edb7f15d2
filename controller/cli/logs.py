"""`chatsystem logs`: what the processes of a system wrote."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Collection
from typing import TYPE_CHECKING

import click

from controller.cli.failure import FAILED, Failure
from controller.cli.options import Place, place_options

if TYPE_CHECKING:
    from controller.cli.session import Session
    from controller.engine.ports import Stored


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
        session = await place.open()
        stored = await find(session, name)
        if component is not None:
            refuse_unknown(component, known_sources(session, stored))
        async for source, line in session.target.logs(name, component, follow=follow, tail=tail):
            click.echo(f"{source} | {line}")

    run(work())


def known_sources(session: Session, stored: Stored) -> set[str]:
    """What `logs` of the system can be asked for: its components, and the workloads that host them."""
    from controller.engine.ports import InvalidDeclaration
    from services.catalogue import BY_NAME, STORES

    known = {*BY_NAME, *STORES, *(row["name"] for row in stored.status.get("components") or ())}
    with contextlib.suppress(InvalidDeclaration):  # what it ran before can still be asked for by component
        known.update(workload.name for workload in session.target.blueprint(stored.document).workloads)
    return known


def refuse_unknown(component: str, known: Collection[str]) -> None:
    """Ends the command with the nearest name."""
    if component in known:
        return
    close = difflib.get_close_matches(component[:60], sorted(known), n=1)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(known))}"
    raise Failure(f"there is no component {component[:60]!r}; {hint}", FAILED)
