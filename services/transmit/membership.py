"""The members of conversations, remembered by version.

Every change of membership increments the conversation's `member_version` in the same transaction, so a list remembered
for a version is exactly valid for as long as a transaction reads that version: there is no expiry and nothing to
invalidate. Only lists read in a committed transaction may be remembered.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

Members = dict[str, None]
"""User ids in a fixed order, with membership tests in constant time."""


class MemberLists:
    """At most `capacity` member ids in all, the lists read longest ago going first."""

    def __init__(self, capacity: int = 100_000) -> None:
        self._capacity = capacity
        self._held = 0
        self._lists: OrderedDict[str, tuple[int, Members]] = OrderedDict()

    def get(self, chat_session_id: str, version: int) -> Members | None:
        """The members as of `version`, if remembered. May be called from another thread than `remember`."""
        entry = self._lists.get(chat_session_id)
        return entry[1] if entry is not None and entry[0] == version else None

    def remember(self, lists: Mapping[str, tuple[int, Members]]) -> None:
        for chat_session_id, (version, members) in lists.items():
            entry = self._lists.pop(chat_session_id, None)
            if entry is not None:
                self._held -= len(entry[1]) + 1
            newest = entry if entry is not None and entry[0] > version else (version, members)
            self._lists[chat_session_id] = newest
            self._held += len(newest[1]) + 1
        while self._held > self._capacity and self._lists:
            _, (_, evicted) = self._lists.popitem(last=False)
            self._held -= len(evicted) + 1
