"""The revision history: what was declared when, and what became of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from controller.engine.model import Revision, Verdict

LONGEST = 500
ABSENT = object()


def accept(
    revisions: Sequence[Revision], document: Mapping[str, Any], generation: int, author: str, now: float
) -> list[Revision]:
    """The revisions to write when a generation is acted on: none if it is known already; otherwise the new one, and the one
    before as superseded if it was still on its way. `revisions` oldest first."""
    last = revisions[-1] if revisions else None
    if last is not None and last.generation == generation:
        return []
    number = last.number + 1 if last else 1
    summary = differences(last.document.get("spec", {}), document.get("spec", {})) if last else "the first declaration"
    new = Revision(number, generation, now, author, document, summary)
    if last is not None and last.verdict is Verdict.PENDING:
        return [_concluded(last, Verdict.SUPERSEDED, f"revision {number} came before it was done", now), new]
    return [new]


def judge(revision: Revision, *, converged: bool, failure: str, now: float) -> Revision:
    """The revision with its verdict after a pass. One that failed is released after all if it converges later; one that
    was released stays so: what happens afterwards is not its fault."""
    if converged and revision.verdict in {Verdict.PENDING, Verdict.FAILED}:
        return _concluded(revision, Verdict.RELEASED, "", now)
    if failure and revision.verdict is Verdict.PENDING:
        return _concluded(revision, Verdict.FAILED, failure, now)
    return revision


def differences(before: Any, after: Any) -> str:
    """What differs between two specs, as `path: old -> new`, shortened."""
    found = list(_walk("spec", before, after))
    text = "; ".join(found) if found else "nothing in the spec"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _walk(path: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}, key=str):
            yield from _walk(f"{path}.{key}", before.get(key, ABSENT), after.get(key, ABSENT))
    elif before != after:
        if before is ABSENT:
            yield f"{path}: {_shown(after)} added"
        elif after is ABSENT:
            yield f"{path}: {_shown(before)} removed"
        else:
            yield f"{path}: {_shown(before)} -> {_shown(after)}"


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _concluded(revision: Revision, verdict: Verdict, message: str, now: float) -> Revision:
    return replace(revision, verdict=verdict, message=message, seconds=max(now - revision.time, 0.0))
