"""`chatsystem wait`: ends when a system is as wished, and says by its exit code whether it is."""

from __future__ import annotations

import click

from controller.cli.failure import Failure
from controller.cli.options import Place, place_options, timeout_option


@click.command()
@click.argument("name")
@click.option(
    "--for",
    "goal",
    type=click.Choice(["ready", "released", "deleted"]),
    default="ready",
    show_default=True,
    help="ready: what runs is what is declared, and healthy. released: the newest revision is. deleted: it is gone.",
)
@timeout_option("5m")
@place_options
def wait(name: str, goal: str, timeout: float, place: Place) -> None:
    """Wait until NAME is ready, released or deleted.

    The exit code is 0 when it is, 1 when it cannot be, 3 when the release was rolled back, 4 when the time is over.
    """
    from controller.cli.systems import find, run
    from controller.cli.waiting import wait_for

    async def work() -> None:
        session = await place.open()
        if goal != "deleted":
            await find(session, name)
        waited = await wait_for(session, name, goal, timeout)  # type: ignore[arg-type]
        if waited.outcome.exit_code:
            raise Failure(f"{name}: {waited.outcome.message}", waited.outcome.exit_code)
        click.echo(f"{name}: {waited.outcome.message}")

    run(work())
