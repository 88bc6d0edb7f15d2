"""The log of a process: one record a line on standard output, as text for people or JSON for collectors.

Records carry the id of the request they belong to. Neither form ever holds a secret or the text of a message: code that
logs passes ids, numbers and reasons, in `extra` where they are data.
"""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The request that the current task works on; set by the gateway, carried over to other processes by calls."""

_LONGEST_ID = 128
"""A client can send any text as its request id."""
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_NOISY = ("grpc", "asyncio", "redis", "elastic_transport", "aiohttp.access")


def set_up_logs(*, level: str, form: str, instance: str, stream: TextIO | None = None) -> None:
    """Sends all records of `level` (debug, info ...) and above to `stream` as `form` (text, json)."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonLines(instance) if form == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, instance, request_id, the record's extra fields."""

    def __init__(self, instance: str) -> None:
        super().__init__()
        self._instance = instance

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "instance": self._instance,
        }
        if current := request_id.get():
            line["request_id"] = current[:_LONGEST_ID]
        line |= _extra(record)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class TextLines(logging.Formatter):
    """`time level logger: message key=value ...`, the traceback indented below. Line breaks inside a message are escaped,
    so that nothing a client sent can look like a record of its own."""

    def format(self, record: logging.LogRecord) -> str:
        fields = _extra(record)
        if current := request_id.get():
            fields["request_id"] = current[:_LONGEST_ID]
        message = record.getMessage() + "".join(f" {name}={value}" for name, value in fields.items())
        message = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in message)
        line = f"{_time(record)} {record.levelname:<7} {record.name}: {message}"
        if record.exc_info:
            line += "\n  " + self.formatException(record.exc_info).replace("\n", "\n  ")
        return line


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
