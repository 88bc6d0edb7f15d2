"""Declarations on their way in: from a file, the standard input, or the one that `up` has built in."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.api.load import LONGEST, load_plain
from controller.api.validate import dump, parse_system
from controller.cli.failure import USAGE, Failure
from controller.cli.version import installed_version

if TYPE_CHECKING:
    from controller.cli.session import Session

DEFAULT_NAME = "chat"


def default_document() -> dict[str, Any]:
    """The declaration that `up` uses when none is given and none is kept yet."""
    return {
        "apiVersion": "chatsystem.dev/v1alpha1",
        "kind": "ChatSystem",
        "metadata": {"name": DEFAULT_NAME},
        "spec": {"version": installed_version()},
    }


async def wanted(session: Session, given: dict[str, Any] | None) -> dict[str, Any]:
    """What `up` is to run: the given declaration, else `chat` as it was left, else the built-in one. Raises InvalidDocument when
    what was left is not valid any more."""
    if given is not None:
        return given
    kept = await session.store.get(DEFAULT_NAME)
    if kept is None or kept.deleting:
        return default_document()
    return dump(parse_system(dict(kept.document)))


def read_document(file: str) -> dict[str, Any]:
    """The validated document of a file (`-`: the standard input). Raises Failure or InvalidDocument."""
    return dump(parse_system(load_plain(_read(file))))


def author() -> str:
    """Who changes a declaration, for its history."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def _read(file: str) -> str:
    try:
        if file == "-" and sys.stdin is None:
            raise Failure("there is no standard input to read from; name a file with -f", USAGE)
        if file == "-":
            raw = sys.stdin.buffer.read(4 * LONGEST + 1)
        else:
            with Path(file).open("rb") as stream:
                raw = stream.read(4 * LONGEST + 1)
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Failure(f"{file}: byte {error.start} is not UTF-8; save the file as UTF-8 text", USAGE) from None
    except OSError as error:
        words = error.strerror or str(error)
        raise Failure(f"cannot read {file}: {words}; name a file with -f, or - for the standard input", USAGE) from None
    except ValueError as error:
        raise Failure(f"cannot read the file: {error}; name a file with -f", USAGE) from None
