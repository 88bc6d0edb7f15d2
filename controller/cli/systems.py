"""Finding a system by name, and running a verb's coroutine: what nearly every verb begins with."""

from __future__ import annotations

import asyncio
import difflib
import re
from collections.abc import Coroutine
from typing import Any, TypeVar

from controller.cli.failure import FAILED, Failure
from controller.cli.options import closing
from controller.cli.session import Session
from controller.engine.ports import InvalidDeclaration, Stored, TargetError

Result = TypeVar("Result")

LONGEST_NAME = 40


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Runs a verb to its end; what the platform refuses becomes a failure in words."""
    try:
        return asyncio.run(_closing(work))
    except (TargetError, InvalidDeclaration) as error:
        raise Failure(str(error), FAILED) from None
    except BrokenPipeError:
        raise  # The reader of our output has gone; `main` ends quietly.
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        words = error.strerror or str(error)
        raise Failure(f"cannot use{place}: {words}; check the folder given with --state-dir", FAILED) from None


async def _closing(work: Coroutine[Any, Any, Result]) -> Result:
    async with closing():
        return await work


def possible(name: str) -> bool:
    """Whether it can be the name of a system. Asked before it becomes part of a path."""
    from controller.api.names import SYSTEM_PATTERN

    return re.fullmatch(SYSTEM_PATTERN, name) is not None and len(name) <= LONGEST_NAME


async def find(session: Session, name: str) -> Stored:
    """The system of that name. Ends the command with the nearest known name."""
    from controller.api.problem import shown

    stored = await session.store.get(name) if possible(name) else None
    if stored is not None:
        return stored
    names = await session.store.names()
    close = difflib.get_close_matches(name[:LONGEST_NAME], names, n=1)
    if close:
        hint = f"did you mean {close[0]}?"
    elif names:
        hint = f"there are: {', '.join(sorted(names))}"
    else:
        hint = "there is none yet; begin with: chatsystem up"
    raise Failure(f"there is no system named {shown(name)}; {hint}", FAILED)


async def find_for_change(session: Session, name: str) -> Stored:
    """The system of that name, unless it is being deleted: an edit would bring it back."""
    stored = await find(session, name)
    if stored.deleting:
        raise Failure(f"{name} is being deleted; chatsystem apply declares it anew", FAILED)
    return stored
