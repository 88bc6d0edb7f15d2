"""The tracer on OpenTelemetry, sending OTLP over HTTP. Imported only when traces are on: the library costs memory and time.

Spans are collected in a bounded queue and sent by a thread of the library; when the receiver is away they are dropped, and
the services notice nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.observation.tracer import Attributes, Kind, Span

_KINDS = {
    Kind.INTERNAL: trace.SpanKind.INTERNAL,
    Kind.SERVER: trace.SpanKind.SERVER,
    Kind.CLIENT: trace.SpanKind.CLIENT,
    Kind.PRODUCER: trace.SpanKind.PRODUCER,
    Kind.CONSUMER: trace.SpanKind.CONSUMER,
}
_PROPAGATOR = TraceContextTextMapPropagator()
_CLOSE = 3.0
"""Seconds that a stopping process waits for its last spans to be taken."""
_EXPORT = 5.0


class _OtelSpan:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def set(self, name: str, value: str | int | float | bool) -> None:
        self._span.set_attribute(name, value)

    def fail(self, reason: str) -> None:
        self._span.set_status(trace.StatusCode.ERROR, reason)


class OpenTelemetry:
    """See services.observation.tracer.Tracer. `ratio` of the traces that begin here is kept, and what others have decided."""

    def __init__(self, endpoint: str, ratio: float, *, services: Sequence[str], instance: str, version: str) -> None:
        resource = Resource.create(
            {
                "service.namespace": "chatsystem",
                "service.name": services[0] if len(services) == 1 else "chatsystem",
                "service.instance.id": instance,
                "service.version": version,
            }
        )
        self._provider = TracerProvider(
            sampler=ParentBasedTraceIdRatio(ratio), resource=resource, shutdown_on_exit=False
        )
        self._processor = BatchSpanProcessor(OTLPSpanExporter(endpoint, timeout=_EXPORT), schedule_delay_millis=1000)
        self._provider.add_span_processor(self._processor)
        self._tracer = self._provider.get_tracer("chatsystem", version)
        for name in ("opentelemetry", "urllib3"):
            # A receiver that is away would fill the log: the library says it with every batch.
            logging.getLogger(name).setLevel(logging.CRITICAL)

    def span(
        self,
        name: str,
        kind: Kind = Kind.INTERNAL,
        attributes: Attributes | None = None,
        *,
        parent: str | None = None,
        links: Sequence[Any] = (),
    ) -> AbstractContextManager[Span]:
        return self._span(name, kind, attributes, parent, links)

    @contextmanager
    def _span(
        self, name: str, kind: Kind, attributes: Attributes | None, parent: str | None, links: Sequence[Any]
    ) -> Iterator[Span]:
        context = None if parent is None else _PROPAGATOR.extract({"traceparent": parent}, Context())
        with self._tracer.start_as_current_span(
            name,
            context,
            _KINDS[kind],
            attributes,
            [trace.Link(link) for link in links if link is not None],
            # The text of an exception may quote what a person wrote; the class is enough.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield _OtelSpan(span)
            except BaseException as error:
                span.set_status(trace.StatusCode.ERROR, type(error).__name__)
                raise

    def past(self, name: str, seconds: float, attributes: Attributes, links: Sequence[Any]) -> None:
        sampled = [trace.Link(link) for link in links if link is not None and link.trace_flags.sampled]
        if not sampled:
            return
        now = time.time_ns()
        # As one of the linked traces, so that it is kept when they are.
        context = trace.set_span_in_context(trace.NonRecordingSpan(sampled[0].context), Context())
        span = self._tracer.start_span(
            name, context, trace.SpanKind.CLIENT, attributes, sampled, start_time=now - int(seconds * 1e9)
        )
        span.end(now)

    def current(self) -> Any:
        context = trace.get_current_span().get_span_context()
        return context if context.is_valid else None

    def parent_of(self, link: Any) -> str:
        carrier: dict[str, str] = {}
        if link is not None:
            _PROPAGATOR.inject(carrier, trace.set_span_in_context(trace.NonRecordingSpan(link), Context()))
        return carrier.get("traceparent", "")

    def traceparent(self) -> str:
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier)
        return carrier.get("traceparent", "")

    def close(self) -> None:
        self._processor.force_flush(int(_CLOSE * 1000))
        self._provider.shutdown()
