"""What the code that makes traces needs of a tracer: a seam without a library behind it.

Traces are off unless CHATSYSTEM_TRACING_ENDPOINT is set. Then the runtime puts traced forms of the ports, the calls and the
gateway's operations in the place of the plain ones; while they are off there is nothing in any path that could cost anything.
A span names ids, numbers and methods, never what a person wrote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from enum import Enum
from typing import Any, Protocol

Attributes = Mapping[str, str | int | float | bool]

trace_parent: ContextVar[str] = ContextVar("trace_parent", default="")
"""The span that a call to another process belongs to, in the W3C form `traceparent`; "" for none. Calls carry it over."""


class Kind(Enum):
    """As OpenTelemetry has them."""

    INTERNAL = 0
    SERVER = 1
    CLIENT = 2
    PRODUCER = 3
    CONSUMER = 4


class Span(Protocol):
    def set(self, name: str, value: str | int | float | bool) -> None:
        """Adds an attribute."""
        ...

    def fail(self, reason: str) -> None:
        """Marks the span as an error."""
        ...


class Tracer(Protocol):
    def span(
        self,
        name: str,
        kind: Kind = Kind.INTERNAL,
        attributes: Attributes | None = None,
        *,
        parent: str | None = None,
        links: Sequence[Any] = (),
    ) -> AbstractContextManager[Span]:
        """A span around a piece of work, below the current one. `parent`: a traceparent instead of the current span; ""
        begins a trace. `links`: what `current` returned elsewhere. An exception marks the span as failed."""
        ...

    def past(self, name: str, seconds: float, attributes: Attributes, links: Sequence[Any]) -> None:
        """A span of its own trace for something that took so long and has just ended. Nothing if no link is sampled."""
        ...

    def current(self) -> Any:
        """The current span, as a link for another one; None if there is none."""
        ...

    def parent_of(self, link: Any) -> str:
        """What `current` returned, in the form that `span` takes as `parent`."""
        ...

    def traceparent(self) -> str:
        """The current span for another process; "" if there is none."""
        ...

    def close(self) -> None:
        """Sends what has been collected. Blocks for a few seconds at most."""
        ...
