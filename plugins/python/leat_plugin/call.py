"""What leat knows of a call, and what a stage does to it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Optional

from . import plugin_pb2 as pb
from .errors import CLASSES, KINDS, NeedsError
from .text import text

if TYPE_CHECKING:
    from .exchange import Exchange

MAX_EVENTS = 64
"""The most events that one frame tells of a call; its record holds no more."""


class Outcome(NamedTuple):
    """What came of the last send, as the stages further in see it. An empty kind is success."""

    kind: str
    class_: str
    message: str
    problem_type: str
    status: int


class Call:
    """The call that an exchange is part of. Durations are in seconds."""

    __slots__ = (
        "_words",
        "_now",
        "_x",
        "_granted",
        "_until",
        "_changes",
        "_event",
        "_gone",
        "ended",
    )

    def __init__(
        self, words: pb.Call, granted: Any, deadline: int, x: "Optional[Exchange]" = None
    ) -> None:
        self._words = self._now = words
        self._x, self._granted = x, granted
        self._until = time.monotonic() + deadline / 1e9 if deadline > 0 else None
        self._changes: Optional[pb.Changes] = None
        self._event: Optional[threading.Event] = None
        self._gone = False
        self.ended = ""
        """How the caller has left: ``"canceled"``, ``"deadline"`` or ``"timeout"``; ``""`` while it
        is there.
        """

    def _word(self, name: str) -> Any:
        if name not in self._granted:
            raise NeedsError(
                f'the stage read call.{name}, and its needs say nothing of it: add "{name}" to'
                " request.call"
            )
        return getattr(self._words, name)

    @property
    def pipeline(self) -> str:
        """The name of the pipeline."""
        return self._words.pipeline

    @property
    def subject(self) -> str:
        """For whom the call is, as the caller said; needs ``request.call "subject"``."""
        return self._word("subject")

    @property
    def operation(self) -> str:
        """The caller's name for what it does; needs ``request.call "operation"``."""
        return self._word("operation")

    @property
    def labels(self) -> Dict[str, str]:
        """The caller's labels; needs ``request.call "labels"``."""
        return dict(self._word("labels"))

    @property
    def idempotency_key(self) -> str:
        """The key by which a resend is known; needs ``request.call "idempotency_key"``."""
        return self._word("idempotency_key")

    idempotent = property(
        lambda self: self._words.idempotent,
        doc="Whether the caller or a stage said that a resend is safe.",
    )
    no_retry = property(
        lambda self: self._words.no_retry, doc="Whether the caller wants nothing sent again."
    )
    skip_auth = property(
        lambda self: self._words.skip_auth, doc="Whether the caller wants no credential."
    )
    retry_owned = property(
        lambda self: self._words.retry_owned, doc="Whether a stage further out sends again."
    )
    observed = property(
        lambda self: self._words.observed,
        doc="Whether somebody watches: events are worth their text.",
    )
    hop = property(lambda self: self._words.hop, doc="How many redirects came before this call.")
    serving = property(
        lambda self: list(self._words.serving),
        doc="Names of headers of the request that the caller serves.",
    )
    attempts = property(lambda self: self._now.attempts, doc="Attempts so far.")
    sends = property(lambda self: self._now.sends, doc="Requests that went out so far.")
    transport_resends = property(
        lambda self: self._now.transport_resends, doc="Those that the transport repeated by itself."
    )
    stop_reason = property(
        lambda self: self._now.stop_reason, doc='Why nothing more is sent; "" if nobody said so.'
    )
    timeout = property(lambda self: self._words.bound / 1e9, doc="The call's timeout.")
    elapsed = property(
        lambda self: self._now.elapsed / 1e9,
        doc="How long the call went on, as of leat's last answer.",
    )
    waiting = property(
        lambda self: self._now.waiting / 1e9, doc="How much of that was spent in waits."
    )
    upstream = property(
        lambda self: self._now.upstream / 1e9, doc="How much of that the upstream took."
    )

    @property
    def outcome(self) -> Outcome:
        """What came of the last send."""
        o = self._now.outcome
        return Outcome(o.kind, getattr(o, "class"), o.message, o.problem_type, o.status)

    @property
    def remaining(self) -> Optional[float]:
        """How long the call may still take, for what the stage calls in turn; None where nothing
        bounds it.
        """
        return None if self._until is None else max(0.0, self._until - time.monotonic())

    @property
    def cancelled(self) -> threading.Event:
        """Set once nobody waits for the exchange any more: a plain function that works for long
        looks at it.
        """
        if self._event is None:
            self._event = threading.Event()
        if self._gone:
            self._event.set()
        return self._event

    def wait(self, seconds: float) -> Any:
        """Waits on leat's clock; the stage's timeout stands still meanwhile. In an ``async def``:
        ``await call.wait(…)``.
        """
        if self._x is None:
            raise RuntimeError("a call that has ended can't wait")
        if self._x.is_async:
            return self._x.drive_async(self._x.wait(seconds))
        return self._x.drive(self._x.wait(seconds))

    def attach(self, credential: str, subject: str = "") -> None:
        """Has a credential attached, by its name in the file, which ``credentials`` of the needs
        must have.
        """
        self._change().attach.credential = text(credential)
        self._change().attach.subject = text(subject)

    def skip_credential(self, why: str) -> None:
        """Has no credential attached."""
        self._change().skip_credential = text(why)

    def reject(self, credential: str) -> None:
        """Says that the upstream refused a credential."""
        self._change().rejected = text(credential)

    def mark_idempotent(self, key: str = "") -> None:
        """Says that the call can be sent again, and by which key; needs ``request.call
        "idempotency_key"``.
        """
        self._change().idempotent = True
        self._change().idempotency_key = text(key)

    def start_attempt(self) -> None:
        """Counts an attempt: for a stage that sends again, before each ``next``."""
        self._change().attempts += 1

    def judge(
        self, kind: str, class_: str = "processed", message: str = "", problem_type: str = ""
    ) -> None:
        """Says what the last response is; an empty kind is success."""
        if kind not in KINDS and kind != "":
            raise ValueError(f"judge: kind {kind!r} is not one of {', '.join(KINDS)}")
        if class_ not in CLASSES and class_ != "":
            raise ValueError(f"judge: class_ {class_!r} is not one of {', '.join(CLASSES)}")
        judged = self._change().judged
        judged.SetInParent()
        judged.kind, judged.message, judged.problem_type = kind, text(message), text(problem_type)
        setattr(judged, "class", class_)

    def stop(self, why: str) -> None:
        """Says why nothing more is sent."""
        self._change().stopped = text(why)

    def event(
        self,
        name: str,
        text_: str = "",
        *,
        reason: str = "",
        attempt: int = 0,
        status: int = 0,
        duration: float = 0.0,
    ) -> None:
        """Adds to the call's timeline, which ``leat send`` shows."""
        events = self._change().events
        if len(events) < MAX_EVENTS:
            events.add(
                name=text(name),
                text=text(text_),
                reason=text(reason),
                attempt=attempt,
                status=status,
                duration=int(duration * 1e9),
            )

    def _change(self) -> pb.Changes:
        if self._changes is None:
            self._changes = pb.Changes()
        return self._changes

    def _take(self) -> Optional[pb.Changes]:
        changes, self._changes = self._changes, None
        return changes

    def _cancel(self, why: str) -> None:
        self.ended = self.ended or why
        self._gone = True
        if self._event is not None:
            self._event.set()


class Ended:
    """The end of a call of the pipeline, also of one that never reached the stage: see ``needs``
    ``calls``.
    """

    __slots__ = ("request", "call", "status", "error")

    def __init__(self, request: Any, call: Call, status: int, error: Any) -> None:
        self.request = request
        """The caller's request, without its body."""
        self.call = call
        self.status: int = status
        """Of the response; 0 if there was none."""
        self.error = error
        """The call's error, a StageError; None if it has none."""
