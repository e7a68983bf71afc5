"""The errors of stages: what a stage raises, and what its next raises."""

from __future__ import annotations

import math
import socket
from typing import TYPE_CHECKING, Any, Optional, Sequence

from . import plugin_pb2 as pb
from .text import from_bytes, shown, text

if TYPE_CHECKING:
    from .headers import Headers

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

    kind = "internal"  # of a subclass whose __init__ does not call this one's
    message = reason = ""
    _any_kind = False  # of one that leat has made

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        class_: str = "",
        reason: str = "",
        status: Optional[int] = 0,
        problem_type: str = "",
        violations: Sequence[str] = (),
        retry_after: Optional[float] = 0.0,
    ) -> None:
        if not self._any_kind and kind not in KINDS:
            raise ValueError(f"StageError: kind {kind!r} is not one of {', '.join(KINDS)}")
        if class_ and class_ not in CLASSES:
            raise ValueError(f"StageError: class_ {class_!r} is not one of {', '.join(CLASSES)}")
        super().__init__(message)
        self.kind = kind
        self.message = message if isinstance(message, str) else shown(message)
        self.class_ = class_
        self.reason = _text("reason", reason)
        self.status = _status(status)
        self.problem_type = _text("problem_type", problem_type)
        if isinstance(violations, (str, bytes)):
            raise TypeError("StageError: violations is a list of texts, not one text")
        self.violations = [v if isinstance(v, str) else shown(v) for v in violations]
        self.retry_after = _seconds(retry_after)

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" if self.message else self.kind


class NextError(StageError):
    """What ``next`` raises where no response came of it, and a body where it broke off.

    Raised again as it is, leat takes it for the very error that it is, with its cause. ``stage`` is
    the
    stage that failed, ``headers`` are those of a response that there was, as far as the needs show
    them.
    """

    _any_kind = True

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
        from .headers import Headers

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


def _text(name: str, value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    raise TypeError(f"StageError: {name} is a str, not {type(value).__name__}")


def _status(value: Any) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"StageError: status is an int, as 404, not {type(value).__name__}")
    if value != 0 and not 100 <= value <= 999:
        raise ValueError(f"StageError: status {value} is none of HTTP")
    return value


def _seconds(value: Any) -> float:
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(
            f"StageError: retry_after is a number of seconds, as 1.5, not {type(value).__name__}"
        )
    if not math.isfinite(value) or not 0 <= value <= 1e9:
        raise ValueError(f"StageError: retry_after is a number of seconds, not {value}")
    return float(value)


def kind_of(err: BaseException, depth: int = 0) -> str:
    """The kind of an exception that is no StageError: of the network's, or ``""`` for a bug."""
    try:
        reason: Any = getattr(err, "reason", None)  # urllib's errors wrap the cause so
    except Exception:  # a property of the author's
        reason = None
    if isinstance(reason, BaseException) and reason is not err and depth < 8:
        return kind_of(reason, depth + 1)
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
