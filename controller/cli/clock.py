"""Times for people: this machine's time zone, whole seconds."""

from __future__ import annotations

from datetime import datetime


def local_time(seconds: float) -> str:
    """Unix seconds as `2026-01-31 12:00:00`."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")
