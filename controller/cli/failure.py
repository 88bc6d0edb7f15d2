"""How a command ends: the exit codes, and the failure that carries one with its words."""

from __future__ import annotations

from typing import IO, Any

import click

DONE = 0
FAILED = 1
USAGE = 2
ROLLED_BACK = 3
TIMED_OUT = 4


class Failure(click.ClickException):
    """Ends the command with a sentence on stderr: what is wrong, and after a line break or a semicolon what to do."""

    exit_code: int  # type: ignore[misc]  # click declares it for the class, and reads it of the instance

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"chatsystem: {self.message}", file=file, err=file is None)
