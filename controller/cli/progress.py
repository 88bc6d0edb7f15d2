"""Progress towards Ready: a picture that changes in place on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

import click

from controller.cli.status_view import View, changes


class Progress:
    """`show` is called with every look at the system. On stderr, so that stdout holds the result alone."""

    def __init__(self, name: str, *, err: bool) -> None:
        self._name = name
        self._err = err
        self._before: View | None = None
        self._begin = time.monotonic()
        self._live: Any = None

    def __enter__(self) -> Progress:
        stream = sys.stderr if self._err else sys.stdout
        if stream.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(file=stream, highlight=False), refresh_per_second=8, transient=True)
            self._live.start()
        return self

    def show(self, system: View) -> None:
        if system == self._before:
            return
        if self._live is not None:
            self._live.update(self._picture(system))
        else:
            for line in changes(self._before, system):
                click.echo(f"{time.monotonic() - self._begin:5.1f} s  {system.name}: {line}", err=self._err)
        self._before = system

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def _picture(self, system: View) -> Any:
        from rich.markup import escape
        from rich.table import Table

        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        for part in system.components:
            done = part.ready >= part.desired
            mark = "[green]●[/green]" if done else "[yellow]○[/yellow]"
            table.add_row(mark, part.name, f"{part.ready}/{part.desired}", escape(part.message))
        table.add_row("", "", "", escape(system.phase))
        return table
