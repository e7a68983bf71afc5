"""The errors of stages: what a stage raises, and what its next raises."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Optional, Sequence

from . import plugin_pb2 as pb
from .text import from_bytes, text

if TYPE_CHECKING:
    from .message import Headers

KINDS = (
    "network",
    "tls",
    "timeout",
    "canceled",
    "unauthorized",
    "client",
    "forbidden",
    "not_found",
    "conflict",
    "rate_limited",
    "server",
    "parse",
    "validation",
    "policy",
    "plugin",
    "internal",
)
"""The kinds of errors; leat's page about errors says what each means."""

CLASSES = ("not_sent", "refused", "unknown", "processed", "terminal")
"""The classes of errors: whether sending again may help."""


class StageError(Exception):
    """What a stage raises where a program may want to branch on the failure.

    ``kind`` is one of :data:`KINDS` and ``class_`` one of :data:`CLASSES`; without a class it is
    ``terminal``: sending again can't help. An error about the last response names its ``status``:
    leat
    then adds that response's headers, and what was read of its body. ``retry_after`` is in seconds.
    Messages are shown to people: no secret belongs into them.

    ``raise StageError(…) from err``, where ``err`` is what ``next`` raised, keeps the cause that
    leat has.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        class_: str = "",
        reason: str = "",
        status: int = 0,
        problem_type: str = "",
        violations: Sequence[str] = (),
        retry_after: float = 0.0,
    ) -> None:
        if type(self).__init__ is StageError.__init__ and kind not in KINDS:
            raise ValueError(f"StageError: kind {kind!r} is not one of {', '.join(KINDS)}")
        if class_ and class_ not in CLASSES:
            raise ValueError(f"StageError: class_ {class_!r} is not one of {', '.join(CLASSES)}")
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.class_ = class_
        self.reason = reason
        self.status = status
        self.problem_type = problem_type
        self.violations = list(violations)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" if self.message else self.kind


class NextError(StageError):
    """What ``next`` raises where no response came of it, and a body where it broke off.

    Raised again as it is, leat takes it for the very error that it is, with its cause. ``stage`` is
    the
    stage that failed, ``headers`` are those of a response that there was, as far as the needs show
    them.
    """

    def __init__(self, error: pb.Error, *, of_body: bool = False) -> None:
        super().__init__(
            error.kind,
            error.message,
            reason=error.reason,
            status=error.status,
            problem_type=error.problem_type,
            violations=error.violations,
            retry_after=error.retry_after / 1e9,
        )
        from .message import Headers

        self.class_ = getattr(error, "class")
        self.stage: str = error.stage
        self.headers: Headers = Headers((h.name, from_bytes(h.value)) for h in error.headers)
        self.truncated: bool = error.truncated
        self.of_body = of_body


class Cancelled(StageError):
    """Raised by the next blocking call of an exchange that nobody waits for: let it pass."""

    def __init__(self, why: str = "") -> None:
        StageError.__init__(
            self, "timeout" if why in ("deadline", "timeout") else "canceled", "the caller has left"
        )
        self.reason = why or "canceled"


class NeedsError(StageError):
    """The stage did what its needs say nothing of."""

    def __init__(self, message: str, kind: str = "internal") -> None:
        super().__init__(kind, message)


class ConfigError(ValueError):
    """A mistake in a config: raise it from ``__post_init__`` or ``validate``.

    ``path`` names the key, as in ``rules[0].match``, from the table that is being judged; ``""`` is
    the
    whole of it. ``hint`` says what to write instead.
    """

    def __init__(self, message: str, path: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message, self.path, self.hint = message, path, hint


def internal(message: str) -> StageError:
    """An error for a stage that broke its contract."""
    return StageError("internal", message)


def kind_of(err: BaseException) -> str:
    """The kind of an exception that is no StageError: of the network's, or ``""`` for a bug."""
    reason: Any = getattr(err, "reason", None)  # urllib's errors wrap the cause so
    if isinstance(reason, BaseException) and reason is not err:
        return kind_of(reason)
    if isinstance(err, TimeoutError) or isinstance(err, socket.timeout):
        return "timeout"
    if type(err).__module__ == "ssl":
        return "tls"
    if isinstance(err, (ConnectionError, socket.gaierror)):
        return "network"
    return ""


def error_to(err: StageError) -> pb.Error:
    """Writes an error for the wire."""
    out = pb.Error(
        kind=text(err.kind),
        reason=text(err.reason),
        message=text(err.message),
        status=max(0, int(err.status)),
        problem_type=text(err.problem_type),
        violations=[text(v) for v in err.violations],
        retry_after=int(err.retry_after * 1e9),
    )
    setattr(out, "class", text(err.class_ or "terminal"))
    if isinstance(err, NextError):
        out.stage, out.truncated = text(err.stage), err.truncated
    return out


def cause_of(err: BaseException, wanted: Optional[BaseException]) -> bool:
    """Reports whether err is wanted, or was raised from it."""
    seen = 0
    at: Optional[BaseException] = err
    while at is not None and wanted is not None and seen < 32:
        if at is wanted:
            return True
        at, seen = at.__cause__, seen + 1
    return False
