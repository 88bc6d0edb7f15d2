"""Rules that span several fields, as data: one definition for the check in Python and for the CEL expression in the CRD.

A model lists its rules in `rules`. Paths are those of the document (camelCase), relative to that model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from controller.api.quantity import bytes_of, cores_of


@dataclass(frozen=True)
class Rule:
    """`holds` gets the values at `reads` (None: absent) and is asked only when each of them is valid by itself.

    `cel` is the same condition in the Common Expression Language, about `self`
    (https://kubernetes.io/docs/reference/using-api/cel/). It has to allow for absent fields that have a default, because the API
    server also asks it about the default of the part, before the defaults within are filled in. `at` is the field that a person would change.
    """

    at: str
    reads: tuple[str, ...]
    holds: Callable[..., bool]
    cel: str
    problem: str
    remedy: str
    chooses: bool = False
    """It is about which of the part's fields is given."""

    @property
    def message(self) -> str:
        """What the API server and the command line say alike."""
        return f"{self.problem}: {self.remedy}"


@dataclass(frozen=True)
class Transition:
    """What may not change in a declaration that is kept. `holds` gets the old and the new value at `at` (empty: the part); `cel`
    is the same condition about `oldSelf` and `self`. Asked only where both declarations have the part."""

    at: str
    holds: Callable[[Any, Any], bool]
    cel: str
    problem: str
    remedy: str

    @property
    def message(self) -> str:
        """What the API server and the command line say alike."""
        return f"{self.problem}: {self.remedy}"


def never_smaller(size: str) -> Transition:
    """A volume grows; no platform can shrink one."""
    new, old = f"self.{size}", f"oldSelf.{size}"

    def holds(before: Any, after: Any) -> bool:
        return bytes_of(str(after)) >= bytes_of(str(before))

    return Transition(
        at=size,
        holds=holds,
        cel=f"!has({new}) || !has({old}) || quantity(string({new})).compareTo(quantity(string({old}))) >= 0",
        problem="a volume cannot shrink",
        remedy="keep its size or raise it; for a smaller one, restore a backup into a new system",
    )


def fixed(field: str, problem: str, remedy: str) -> Transition:
    """A field stays as it was, or stays left out."""
    new, old = f"self.{field}", f"oldSelf.{field}"
    return Transition(
        at=field,
        holds=lambda before, after: before == after,
        cel=f"has({new}) == has({old}) && (!has({new}) || {new} == {old})",
        problem=problem,
        remedy=remedy,
    )


def immutable() -> Transition:
    """The part as a whole stays as it was."""
    return Transition(
        at="",
        holds=lambda before, after: before == after,
        cel="self == oldSelf",
        problem="it cannot be changed, because it may have been acted on already",
        remedy="create a new one under another name",
    )


def exactly_one(first: str, second: str) -> Rule:
    """Of two fields one is given and the other is not."""
    return Rule(
        at="",
        reads=(first, second),
        holds=lambda a, b: (a is None) != (b is None),
        cel=f"has(self.{first}) != has(self.{second})",
        problem=f"exactly one of {first} and {second} is needed",
        remedy=f"keep {first} or {second} and remove the other, or write {first}: {{}}",
        chooses=True,
    )


def exactly_one_of(*fields: str) -> Rule:
    """Of several fields one is given."""
    names = ", ".join(fields)
    return Rule(
        at="",
        reads=fields,
        holds=lambda *values: sum(value is not None for value in values) == 1,
        cel=f"[{', '.join(f'has(self.{field})' for field in fields)}].filter(given, given).size() == 1",
        problem=f"exactly one of {names} is needed",
        remedy="keep one of them",
        chooses=True,
    )


def not_more(amount: str) -> Rule:
    """A request is not more than its limit. For the model Resources."""
    measure: Callable[[str], float] = cores_of if amount == "cpu" else bytes_of
    request, limit = f"self.requests.{amount}", f"self.limits.{amount}"

    def holds(requested: Any, limited: Any) -> bool:
        return requested is None or limited is None or measure(str(requested)) <= measure(str(limited))

    return Rule(
        at=f"requests.{amount}",
        reads=(f"requests.{amount}", f"limits.{amount}"),
        holds=holds,
        cel=(
            f"!has(self.requests) || !has(self.limits) || !has({request}) || !has({limit}) || quantity(string({request})).compareTo(quantity(string({limit}))) <= 0"
        ),
        problem=f"the request of {amount} is more than its limit",
        remedy=f"raise limits.{amount} or lower requests.{amount}",
    )
