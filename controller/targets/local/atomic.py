"""Files that are always whole: written beside their place, then renamed into it."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

Shape = TypeVar("Shape")


def write_bytes(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Replaces the file, with mode 0600. `durable`: it is on the disk when this returns, even if the machine fails."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    if durable:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_json(path: Path, value: Any, *, durable: bool = False) -> None:
    write_bytes(path, json.dumps(value, ensure_ascii=False, indent=1).encode(), durable=durable)


def read_json(path: Path) -> Any:
    """The value, or None if there is no such file or it is no JSON, as after a power cut."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def read_as(path: Path, shape: TypeAdapter[Shape]) -> Shape | None:
    """The value as what it is meant to be; None also if it is something else. Unknown fields are passed over: another version
    may have written them."""
    try:
        return shape.validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None
