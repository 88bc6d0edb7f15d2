"""Which faults come in which order: a pure function of what was asked for and a seed, so that a failure can be repeated."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.chaos.faults import FAULTS, PARTS, Fault, Round, Strike


class SelectionError(ValueError):
    """A part or a fault that does not exist, in words for the person who asked."""


@dataclass(frozen=True)
class Selection:
    """What was asked for. Empty `parts` and `faults` mean all. `pairs`: rounds that break two parts at once, drawn from all
    that the selection allows."""

    parts: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    pairs: int = 0
    singles: bool = True
    seed: int = 1


def named(words: str, known: Iterable[str], what: str) -> tuple[str, ...]:
    """The names in a list with commas. Raises SelectionError."""
    names = tuple(word.strip() for word in words.split(",") if word.strip())
    unknown = [name for name in names if name not in set(known)]
    if unknown:
        raise SelectionError(f"there is no {what} {', '.join(unknown)}; there are: {', '.join(known)}")
    return names


def schedule(selection: Selection) -> list[Round]:
    """The rounds: each fault of each part by itself, shuffled, then the pairs. Raises SelectionError for nothing at all."""
    drawn = random.Random(selection.seed)
    strikes = [
        Strike(part, fault, drawn.randrange(2))
        for part, fault in itertools.product(selection.parts or PARTS, _faults(selection.faults))
        if part in fault.parts
    ]
    if not strikes:
        raise SelectionError(f"{', '.join(selection.faults)} cannot befall {', '.join(selection.parts)}")
    rounds: list[Round] = [(strike,) for strike in strikes] if selection.singles else []
    drawn.shuffle(rounds)
    pairs = [pair for pair in itertools.combinations(strikes, 2) if pair[0].part != pair[1].part]
    drawn.shuffle(pairs)
    return rounds + pairs[: selection.pairs]


def _faults(names: Sequence[str]) -> list[Fault]:
    return [FAULTS[name] for name in names or FAULTS]
