"""`chatsystem controller`: runs the loop in the foreground, as a service manager would."""

from __future__ import annotations

import click

from controller.cli.options import Place, place_options


@click.command()
@click.option(
    "--only", "names", multiple=True, metavar="NAME", help="Drive this system only; may be given several times."
)
@place_options
def controller(names: tuple[str, ...], place: Place) -> None:
    """Run the loop for all systems, also for those to come, until SIGTERM or Ctrl-C. What they run goes on running then.

    A system that another controller drives is left to that one. With --only it ends by itself once those systems are removed.
    """
    from controller.cli.systems import run

    run(_drive(place, names))


async def _drive(place: Place, names: tuple[str, ...]) -> None:
    import asyncio
    import logging

    from controller.cli.signals import stop_on_signals
    from controller.cli.systems import find

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    log = logging.getLogger(__name__)
    session = place.open()
    for name in names:
        await find(session, name)
    stopped = asyncio.Event()
    with stop_on_signals(stopped):
        log.info("driving %s in %s", ", ".join(names) or "all systems", place.state_dir)
        await session.run(names or None, stopped)
    log.info("ended")
