"""A remembered member list is used for exactly the version that it was read at."""

from __future__ import annotations

from services.transmit.membership import MemberLists


def members(*names: str) -> dict[str, None]:
    return dict.fromkeys(names)


def test_a_list_serves_its_version_only() -> None:
    lists = MemberLists()
    lists.remember({"a": (3, members("ann"))})
    assert lists.get("a", 3) == members("ann")
    assert lists.get("a", 4) is None
    assert lists.get("a", 2) is None
    assert lists.get("b", 3) is None


def test_an_older_list_that_comes_late_does_not_replace_a_newer_one() -> None:
    lists = MemberLists()
    lists.remember({"a": (4, members("ann"))})
    lists.remember({"a": (3, members("ann", "bob"))})
    assert lists.get("a", 4) == members("ann")


def test_the_lists_read_longest_ago_make_room() -> None:
    lists = MemberLists(capacity=10)
    for number in range(10):
        lists.remember({str(number): (1, members("ann", "bob", "cid"))})
    assert [name for name in map(str, range(10)) if lists.get(name, 1)] == ["8", "9"]


def test_a_list_larger_than_all_room_is_not_kept() -> None:
    lists = MemberLists(capacity=2)
    lists.remember({"a": (1, members("ann", "bob", "cid"))})
    assert lists.get("a", 1) is None
    lists.remember({"b": (1, members("ann"))})
    assert lists.get("b", 1) is not None
