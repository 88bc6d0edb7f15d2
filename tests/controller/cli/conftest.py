"""Running the command line in this process, in a state folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from controller.cli.main import program

Chatsystem = Callable[..., Result]


@pytest.fixture
def chatsystem(tmp_path: Path) -> Chatsystem:
    """Runs a command line; `text` is what stands on its standard input."""

    def call(*arguments: str, text: str | None = None) -> Result:
        environment = {"CHATSYSTEM_STATE_DIR": str(tmp_path / "state")}
        result = CliRunner().invoke(program, list(arguments), input=text, env=environment)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call
