"""The options that many verbs share."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from controller.cli.failure import USAGE, Failure

if TYPE_CHECKING:
    from controller.cli.session import Session

Command = TypeVar("Command", bound=Callable[..., Any])

STATE_VARIABLE = "CHATSYSTEM_STATE_DIR"
TARGETS = ("local", "kubernetes")
"""The ones that this version has."""
_OPENED: ContextVar[list[Session]] = ContextVar("opened")


@dataclass(frozen=True)
class Place:
    """Where the systems of a command are."""

    state_dir: Path
    target: str
    context: str | None = None
    namespace: str | None = None

    async def open(self) -> Session:
        """The session of the target, which `run` closes. Ends the command when this version does not have the target."""
        if self.target not in TARGETS:
            raise Failure(
                f"the target {self.target} is not available in this version; use --target {' or '.join(TARGETS)}",
                exit_code=USAGE,
            )
        opening = import_module(f"controller.targets.{self.target}.session").open_for
        session: Session = await opening(state_dir=self.state_dir, context=self.context, namespace=self.namespace)
        _OPENED.get([]).append(session)
        return session


@contextlib.asynccontextmanager
async def closing() -> AsyncIterator[None]:
    """Closes in the end what was opened while the block ran."""
    opened: list[Session] = []
    token = _OPENED.set(opened)
    try:
        yield
    finally:
        _OPENED.reset(token)
        for session in opened:
            await session.close()


def default_state_dir() -> Path:
    """The XDG state folder of this person (https://specifications.freedesktop.org/basedir-spec/latest/)."""
    state = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return base / "chatsystem"


def place_options(command: Command) -> Command:
    """Adds --state-dir, --target, --context and --namespace; the command gets them as `place`. They may stand before the verb,
    too."""

    @click.option("--state-dir", metavar="DIR", help=f"Folder of the systems' state [env: {STATE_VARIABLE}].")
    @click.option(
        "--target",
        type=click.Choice(["local", "kubernetes", "swarm"]),
        help="Platform of the systems [default: local].",
    )
    @click.option("--context", metavar="NAME", help="Kubernetes: context of the kubeconfig [default: the current one].")
    @click.option(
        "-n", "--namespace", metavar="NAME", help="Kubernetes: namespace of the systems [default: the context's]."
    )
    @functools.wraps(command)
    def with_place(*args: Any, state_dir: str | None, target: str | None, **kwargs: Any) -> Any:
        ctx = click.get_current_context()
        before = ctx.find_root().params if ctx.parent else {}
        folder = state_dir or before.get("state_dir") or os.environ.get(STATE_VARIABLE)
        try:
            state = Path(folder).expanduser().absolute() if folder else default_state_dir()
        except RuntimeError:
            text = f"there is no home folder to keep systems in; name a folder with --state-dir or {STATE_VARIABLE}"
            raise Failure(text, USAGE) from None
        place = Place(
            state,
            target or before.get("target") or "local",
            kwargs.pop("context") or before.get("context"),
            kwargs.pop("namespace") or before.get("namespace"),
        )
        return command(*args, place=place, **kwargs)

    return with_place  # type: ignore[return-value]


def file_option(required: bool) -> Callable[[Command], Command]:
    """Adds -f FILE; `-` is the standard input."""
    return click.option(
        "-f",
        "--file",
        "file",
        metavar="FILE",
        required=required,
        help="Declaration as YAML or JSON; - reads it from the standard input.",
    )


def output_option(*formats: str) -> Callable[[Command], Command]:
    """Adds -o; the first format is the default."""
    return click.option(
        "-o", "--output", type=click.Choice(formats), default=formats[0], show_default=True, help="Form of the output."
    )


class Duration(click.ParamType[float]):
    """A duration such as 30s or 2m, or a plain number of seconds; becomes seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from controller.api.quantity import DURATION_REMEDY, seconds_of

        if isinstance(value, int | float):
            return float(value)
        try:
            return seconds_of(f"{value}s" if str(value).isdecimal() else str(value))
        except ValueError as error:
            self.fail(f"{error}; {DURATION_REMEDY}", param, ctx)


def timeout_option(default: str) -> Callable[[Command], Command]:
    """Adds --timeout."""
    return click.option(
        "--timeout",
        type=Duration(),
        default=default,
        show_default=True,
        metavar="DURATION",
        help="How long to wait; after it the exit code is 4.",
    )
