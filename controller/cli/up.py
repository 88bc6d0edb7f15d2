"""`chatsystem up`: from a declaration to a system that people can open, in one command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from controller.cli.failure import Failure
from controller.cli.options import Place, file_option, place_options, timeout_option

if TYPE_CHECKING:
    from controller.cli.session import Session
    from controller.cli.status_view import View
    from controller.engine.ports import Stored

LOG_LINES = 15
"""Lines of the log that are shown of what failed."""


@click.command()
@file_option(required=False)
@click.option("--detach", is_flag=True, help="Return when it is ready; it goes on in the background.")
@timeout_option("2m")
@place_options
def up(file: str | None, detach: bool, timeout: float, place: Place) -> None:
    """Start a system and show the address to open.

    Without FILE it is the system `chat` as it was declared last, or with defaults on ports 9000 and 9001. It runs until
    Ctrl-C stops it gracefully, or with --detach in the background.
    """
    from controller.cli.documents import read_document
    from controller.cli.systems import run

    given = read_document(file) if file is not None else None
    run(_detached(place, given, timeout) if detach else _foreground(place, given, timeout))


async def _keep(session: Session, document: dict[str, Any]) -> Stored:
    from controller.cli.declare import keep

    stored = await keep(session, document)
    if stored.paused:
        raise Failure(f"{stored.name} is paused, so nothing would start; chatsystem resume {stored.name}")
    return stored


async def _detached(place: Place, given: dict[str, Any] | None, timeout: float) -> None:
    from controller.cli.documents import wanted
    from controller.cli.progress import Progress
    from controller.cli.waiting import wait_for

    session = await place.open()
    stored = await _keep(session, await wanted(session, given))
    await session.start_controller(stored.name)
    with Progress(stored.name, err=True) as progress:
        waited = await wait_for(session, stored.name, "ready", timeout, report=progress.show)
    if waited.outcome.exit_code:
        await _explain(session, stored.name, waited.system)
        hint = f"(its controller keeps trying; chatsystem delete {stored.name} removes it)"
        raise Failure(f"{stored.name}: {waited.outcome.message}\n{hint}", waited.outcome.exit_code)
    _say_where(session, stored)


async def _foreground(place: Place, given: dict[str, Any] | None, timeout: float) -> None:
    """The loop, the progress and the signals side by side; whichever ends first ends the others."""
    import asyncio

    from controller.cli.documents import wanted
    from controller.cli.signals import stop_on_signals

    session = await place.open()
    document = await wanted(session, given)
    await _refuse_second(session, document["metadata"]["name"])
    stored = await _keep(session, document)
    stopped = asyncio.Event()
    with stop_on_signals(stopped):
        driving = asyncio.create_task(session.drive(stored.name, stopped, halt=True))
        watching = asyncio.create_task(_accompany(session, stored, timeout))
        asked = asyncio.create_task(stopped.wait())
        try:
            await asyncio.wait({driving, watching, asked}, return_when=asyncio.FIRST_COMPLETED)
            failure = watching.result() if watching.done() else None
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            if not driving.done():
                click.echo("stopping; the data is kept", err=True)
            stopped.set()
            await driving
        finally:
            stopped.set()
            watching.cancel()
            await asyncio.gather(driving, watching, asked, return_exceptions=True)
    if failure is not None:
        raise failure
    gone = await session.store.get(stored.name) is None
    click.echo(f"{stored.name} is {'deleted' if gone else 'stopped'}", err=True)


async def _refuse_second(session: Session, name: str) -> None:
    pid = await session.driver(name)
    if pid is not None:
        raise Failure(
            f"{name} already runs, driven by process {pid}; see chatsystem status {name}, change it with apply, or remove it "
            f"with delete"
        )


async def _accompany(session: Session, stored: Stored, timeout: float) -> Failure | None:
    """Reports until the system is ready, says where it is, then tells every change. Returns only with what made it fail."""
    import asyncio

    from controller.cli.progress import Progress
    from controller.cli.waiting import wait_for

    with Progress(stored.name, err=True) as progress:
        waited = await wait_for(session, stored.name, "ready", timeout, report=progress.show)
        if waited.outcome.exit_code:
            await _explain(session, stored.name, waited.system)
            return Failure(f"{stored.name}: {waited.outcome.message}", waited.outcome.exit_code)
    _say_where(session, stored)
    click.echo("Ctrl-C stops it; the data is kept.", err=True)
    before = waited.system
    while True:
        await asyncio.sleep(0.5)
        before = await _tell_changes(session, stored.name, before)


async def _tell_changes(session: Session, name: str, before: View | None) -> View | None:
    from controller.cli.status_view import changes, view

    stored = await session.store.get(name)
    if stored is None:
        return None
    after = view(stored)
    for line in changes(before, after):
        click.echo(f"{name}: {line}", err=True)
    return after


async def _explain(session: Session, name: str, system: View | None) -> None:
    """The last log lines of what runs but not as wanted. What was not even started has only lines of an earlier time."""
    components = system.components if system is not None else ()
    late = [item.name for item in components if item.ready < item.desired and item.message]
    shown: set[str] = set()
    for component in late:
        lines = [pair async for pair in session.target.logs(name, component, follow=False, tail=LOG_LINES)]
        for source, line in lines:
            text = f"{source} | {line}"
            if text not in shown:
                shown.add(text)
                click.echo(text, err=True)


def _say_where(session: Session, stored: Stored) -> None:
    addresses = session.target.endpoints(stored.document)
    if addresses:
        click.echo(f"{stored.name} is ready: open {addresses[0]}")
    else:
        click.echo(f"{stored.name} is ready; it has no gateway, so there is no address to open")
