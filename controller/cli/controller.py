"""`chatsystem controller`: runs the loop in the foreground, as a service manager would."""

from __future__ import annotations

import click

from controller.cli.failure import USAGE, Failure
from controller.cli.options import Place, place_options


@click.command()
@click.option(
    "--only", "names", multiple=True, metavar="NAME", help="Drive this system only; may be given several times."
)
@click.option(
    "--namespaces",
    "namespaces",
    multiple=True,
    metavar="NAME",
    help="Kubernetes: look after this namespace only; may be given several times [default: all].",
)
@click.option(
    "--health-port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="PORT",
    help="Kubernetes: answer /healthz, /readyz and /metrics on this port [default: do not].",
)
@place_options
def controller(names: tuple[str, ...], namespaces: tuple[str, ...], health_port: int, place: Place) -> None:
    """Run the loop for all systems, also for those to come, until SIGTERM or Ctrl-C. What they run goes on running then.

    A system that another controller drives is left to that one. With --only it ends by itself once those systems are removed.
    In a cluster, one of several controllers leads and the others stand by.
    """
    from controller.cli.systems import run

    if place.target != "kubernetes" and (namespaces or health_port):
        raise Failure("--namespaces and --health-port are for --target kubernetes", USAGE)
    if place.target == "kubernetes" and names:
        raise Failure("--only is for --target local; in a cluster, choose with --namespaces", USAGE)
    run(_drive(place, names, namespaces, health_port))


async def _drive(place: Place, names: tuple[str, ...], namespaces: tuple[str, ...], health_port: int) -> None:
    import asyncio
    import logging

    from controller.cli.signals import stop_on_signals
    from controller.cli.systems import find

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    log = logging.getLogger(__name__)
    session = await place.open()
    for name in names:
        await find(session, name)
    stopped = asyncio.Event()
    with stop_on_signals(stopped):
        where = place.state_dir if place.target == "local" else "the cluster"
        log.info("driving %s in %s", ", ".join(names) or "all systems", where)
        await session.run(names or None, stopped, namespaces=namespaces, health_port=health_port)
    log.info("ended")
