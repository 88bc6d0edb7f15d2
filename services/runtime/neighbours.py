"""Who else holds connections of this system: needed by a process that hosts all services, and so is mostly alone.

Every holder of connections says on one channel that it is here, again from time to time, and that it leaves. Pure.
"""

from __future__ import annotations

CHANNEL = "push:holders"


class Neighbours:
    """`own` is the name of this process. A neighbour that was not heard of for `lifetime` seconds counts as gone."""

    def __init__(self, own: str, lifetime: float) -> None:
        self._own = own
        self._lifetime = lifetime
        self._heard: dict[str, float] = {}

    def question(self) -> bytes:
        """To be said at the start: I am here, and who else?"""
        return f"?{self._own}".encode()

    def here(self) -> bytes:
        """The answer, to be repeated from time to time."""
        return f"+{self._own}".encode()

    def farewell(self) -> bytes:
        return f"-{self._own}".encode()

    def hear(self, word: bytes, now: float) -> bool:
        """Takes in what somebody said. Returns whether it wants an answer."""
        what, name = word[:1], word[1:].decode(errors="replace")
        if name == self._own:
            return False
        if what == b"-":
            self._heard.pop(name, None)
        else:
            self._heard[name] = now
        return what == b"?"

    def lose(self, name: str) -> None:
        self._heard.pop(name, None)

    def count(self, now: float) -> int:
        self._heard = {name: heard for name, heard in self._heard.items() if now - heard <= self._lifetime}
        return len(self._heard)
