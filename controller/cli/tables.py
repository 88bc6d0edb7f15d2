"""Tables for people, with rich. Nothing here decides; what is shown comes from `status_view`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from controller.cli.session import Session
from controller.cli.status_view import View, view
from controller.engine.ports import Stored

WIDE = 200
"""Columns where the output is no terminal: lines are for grep and cut, not for a screen."""


def console() -> Console:
    """The standard output; plain and wide when it is not a terminal."""
    screen = Console(highlight=False)
    return screen if screen.is_terminal else Console(highlight=False, width=WIDE)


def show(content: RenderableType) -> None:
    """Prints without the blanks that pad a table's last column."""
    screen = console()
    if screen.is_terminal:
        screen.print(content)
        return
    with screen.capture() as captured:
        screen.print(content)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def overview(systems: Sequence[tuple[Stored, int | str | None]]) -> None:
    """One line a system."""
    if not systems:
        click.echo("There is no system yet. Begin with: chatsystem up")
        return
    table = plain_table("NAME", "VERSION", "READY", "STATUS", "ADDRESS", "CONTROLLER")
    for stored, pid in systems:
        system = view(stored)
        table.add_row(
            system.name,
            system.version,
            _ready(system),
            escape(system.phase),
            escape(next(iter(system.addresses), "")),
            "none" if pid is None else str(pid),
        )
    show(table)


def system_table(stored: Stored, pid: int | str | None) -> None:
    """Everything about one system."""
    show(picture(view(stored), pid))


def picture(system: View, pid: int | str | None) -> RenderableType:
    """The state of one system as a block of text."""
    head = plain_table("", "", header=False)
    head.add_row("Name", system.name)
    head.add_row("Version", system.version)
    head.add_row("State", escape(system.phase))
    for address in system.addresses:
        head.add_row("Address", escape(address))
    if not system.current:
        head.add_row("", f"the controller has not looked at generation {system.generation} yet")
    if pid is None:
        head.add_row("Controller", f"none; start one with: chatsystem controller --only {system.name}")
    if system.last_error:
        head.add_row("Last error", escape(system.last_error))
    conditions = plain_table("CONDITION", "STATUS", "REASON", "MESSAGE")
    for item in system.conditions:
        conditions.add_row(item.type, item.status, item.reason, escape(item.message))
    components = plain_table("COMPONENT", "READY", "VERSION", "MESSAGE")
    for part in system.components:
        components.add_row(part.name, _count(part.ready, part.desired), part.version, escape(part.message))
    parts: list[RenderableType] = [head]
    if system.conditions:
        parts += [Text(""), conditions]
    if system.components:
        parts += [Text(""), components]
    return Group(*parts)


def can_change_in_place() -> bool:
    """The output is a screen."""
    return console().is_terminal


async def show_live(session: Session, name: str) -> None:
    """A picture of the system that changes in place, until cancelled."""
    from controller.cli.systems import find

    with Live(console=Console(highlight=False), refresh_per_second=4) as live:
        while True:
            live.update(picture(view(await find(session, name)), await session.driver(name)))
            await asyncio.sleep(0.25)


def plain_table(*columns: str, header: bool = True) -> Table:
    table = Table(box=None, show_header=header, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _ready(system: View) -> str:
    if not system.current:
        return "Unknown"
    return system.condition("Ready").status


def _count(ready: int, desired: int) -> str:
    text = f"{ready}/{desired}"
    return text if ready >= desired else f"[yellow]{text}[/yellow]"
