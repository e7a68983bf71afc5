"""Spans that a stage makes: leat exports them, below the stage's own, without an exporter here."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, List, Mapping, Optional, Tuple, Type

from . import plugin_pb2 as pb
from .text import shown, text

MOST = 64
"""The most spans of an exchange, and attributes and events of a span; what comes after is dropped.
"""

MAX_DEPTH = 8


def attribute(key: Any, value: Any, depth: int = 0) -> pb.Attribute:
    """An attribute of a log record or a span."""
    out = pb.Attribute(key=shown(key))
    if isinstance(value, bool):
        out.flag = value
    elif isinstance(value, int):
        if -(1 << 63) <= value < 1 << 63:
            out.integer = value
        else:
            out.text = shown(value) if value.bit_length() < 1 << 13 else "an enormous integer"
    elif isinstance(value, float):
        out.number = value
    elif isinstance(value, str):
        out.text = text(value)
    elif isinstance(value, timedelta):
        out.duration = _nanoseconds(value)
    elif isinstance(value, datetime):
        out.time = int(value.timestamp() * 1e9)
    elif isinstance(value, Mapping) and depth < MAX_DEPTH:
        out.group.SetInParent()
        for k, v in list(value.items())[:MOST]:
            out.group.attributes.append(attribute(k, v, depth + 1))
    elif isinstance(value, (list, tuple)) and all(isinstance(v, str) for v in value):
        out.texts.texts.extend(text(v) for v in value[:MOST])
    else:
        out.text = shown(value)
    return out


def _nanoseconds(value: timedelta) -> int:
    return ((value.days * 86400 + value.seconds) * 10**6 + value.microseconds) * 1000


class Span:
    """A span. It is a context manager: it ends, and notes an exception that passes, as its block
    ends.
    """

    __slots__ = ("_tracing", "_index", "_parent", "_name", "_kind", "_start", "_end", "_data")

    def __init__(self, tracing: "Tracing", index: int, parent: int, name: str, kind: str) -> None:
        self._tracing, self._index, self._parent, self._name, self._kind = (
            tracing,
            index,
            parent,
            name,
            kind,
        )
        self._start = time.time_ns() if index else 0
        self._end = 0
        self._data: Optional[pb.SpanData] = None

    @property
    def recording(self) -> bool:
        """Whether what is noted goes anywhere."""
        return (
            self._index >= 0
            and self._tracing.recording
            and not self._tracing.taken
            and self._end == 0
        )

    @property
    def traceparent(self) -> str:
        """The W3C header for requests that the stage itself sends; ``""`` where nobody traces."""
        return self._tracing.traceparent

    def start(self, name: str, kind: str = "internal", **attributes: Any) -> "Span":
        """Starts a span below this one: ``with req.span.start("token", kind="client") as span:``."""
        return self._tracing.start(self, name, kind, attributes)

    def set_attribute(self, key: str, value: Any) -> None:
        """Notes an attribute; the last value of a key stands."""
        with self._tracing.lock:
            if not self.recording:
                return
            data, new = self._of(), attribute(key, value)
            for old in data.attributes:
                if old.key == new.key:
                    old.CopyFrom(new)
                    return
            if len(data.attributes) < MOST:
                data.attributes.append(new)

    def add_event(self, name: str, **attributes: Any) -> None:
        """Notes an event, now."""
        with self._tracing.lock:
            if self.recording and len(self._of().events) < MOST:
                attrs = [attribute(k, v) for k, v in list(attributes.items())[:MOST]]
                self._of().events.append(
                    pb.SpanEvent(name=text(name), time=time.time_ns(), attributes=attrs)
                )

    def fail(self, status: str = "") -> None:
        """Marks the span as failed."""
        with self._tracing.lock:
            if self.recording:
                self._of().failed, self._of().status = True, text(status)

    def record_exception(self, err: BaseException) -> None:
        """Notes an exception as an event."""
        self.add_event(
            "exception", **{"exception.type": type(err).__name__, "exception.message": shown(err)}
        )

    def end(self) -> None:
        """Ends the span; the stage's own goes on until the stage ends."""
        if self._index > 0 and self._end == 0:
            self._end = time.time_ns()

    def __enter__(self) -> "Span":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        err: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if err is not None:
            self.record_exception(err)
            self.fail(shown(err))
        self.end()

    def _of(self) -> pb.SpanData:
        if self._data is None:
            self._data = pb.SpanData()
        return self._data


class Tracing:
    """What an exchange records for the host, which makes the spans."""

    __slots__ = ("traceparent", "recording", "own", "taken", "_spans", "lock")

    def __init__(self, traceparent: str, recording: bool) -> None:
        self.traceparent = traceparent
        self.recording = recording and traceparent != ""
        self.taken = False
        self.lock = _shared if not self.recording else threading.Lock()
        self._spans: List[Span] = []
        self.own = Span(self, 0, 0, "", "")

    def start(self, parent: Span, name: str, kind: str, attributes: Mapping[str, Any]) -> Span:
        """Starts a span below parent."""
        with self.lock:
            if not self.recording or self.taken or len(self._spans) >= MOST:
                return Span(self, -1, 0, name, kind)
            span = Span(self, len(self._spans) + 1, max(parent._index, 0), name, kind)
            self._spans.append(span)
        for key, value in attributes.items():
            span.set_attribute(key, value)
        return span

    def take(self) -> Tuple[Optional[pb.SpanData], List[pb.Span]]:
        """What was recorded; spans that go on end now, and what comes later is lost."""
        if not self.recording or self.taken:
            return None, []
        with self.lock:
            self.taken = True
            now = time.time_ns()
            spans = [
                pb.Span(
                    name=text(s._name),
                    parent=s._parent,
                    start=s._start,
                    end=s._end or now,
                    data=s._data,
                    kind=s._kind,
                )
                for s in self._spans
            ]
            return self.own._data, spans


_shared = threading.Lock()
