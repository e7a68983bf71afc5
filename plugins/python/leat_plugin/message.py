"""What a stage sees: requests, responses and their headers."""

from __future__ import annotations

import json as _json
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Union

from .errors import NeedsError, StageError
from .headers import Headers, HeaderSource, headers_of
from .text import body_bytes

if TYPE_CHECKING:
    from .call import Call
    from .exchange import Exchange
    from .tracing import Span


class Digest(NamedTuple):
    """Length and SHA-256 of a body."""

    length: int
    sha256: bytes


_IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "PUT", "DELETE"))


def _class_of(status: int) -> str:
    """The class of a response: what is known about its send."""
    if status in (421, 425, 429):
        return "refused"
    return "unknown" if status in (408, 500, 502, 503, 504) else "processed"


class _Message:
    """What a request and a response have alike."""

    __slots__ = ()
    _headers: Headers
    body: Any  # a property of either

    @property
    def headers(self) -> Headers:
        """The headers. Set them to a dict to replace them all."""
        return self._headers

    @headers.setter
    def headers(self, source: HeaderSource) -> None:
        self._headers = source if isinstance(source, Headers) else headers_of(source)

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.body.decode("utf-8")

    def json(self) -> Any:
        """The body, decoded from JSON. ``ValueError`` where it is none, or nested too deeply."""
        try:
            return _json.loads(self.body)
        except RecursionError:
            raise ValueError("the body's JSON is nested too deeply") from None


class Request(_Message):
    """The request on its way, as far as the stage's needs show it. Change it in place, then
    ``next(req)``.

    ``url`` is absolute, and without its query unless the needs have ``query``. ``length`` is the
    body's,
    -1 where it is unknown. ``replayable`` says whether ``next`` may be called again after the body
    was
    sent. ``call`` is what leat knows of the call, ``span`` the stage's own span.
    """

    __slots__ = (
        "method",
        "url",
        "host",
        "_headers",
        "length",
        "replayable",
        "call",
        "_body",
        "_set",
        "_digest",
        "_why",
        "_x",
        "_given",
    )

    def __init__(
        self,
        method: str = "GET",
        url: str = "http://localhost/",
        headers: HeaderSource = None,
        body: Union[bytes, str] = b"",
        host: str = "",
    ) -> None:
        self.method, self.url, self.host = method, url, host
        self.headers = headers
        self._body: Optional[bytes] = body_bytes(body)
        self.length = len(self._body)
        self.replayable = True
        self._set = False
        self._digest: Optional[Digest] = None
        self._why = ""
        self._x: Optional["Exchange"] = None
        self.call: "Call" = None  # type: ignore[assignment]  # an exchange sets it
        self._given: Dict[str, List[str]] = {}

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.url.partition('?')[0]}>"

    @property
    def body(self) -> bytes:
        """The body; needs ``request.body "full"``. Set it to send another, which needs ``":body"``
        in edit.
        """
        if self._body is None:
            raise NeedsError(self._why)
        return self._body

    @body.setter
    def body(self, data: Union[bytes, str, None]) -> None:
        self._body = body_bytes(b"" if data is None else data)
        self._set = True

    @property
    def digest(self) -> Digest:
        """Length and SHA-256 of the body; needs ``request.body "digest"`` or ``"full"``."""
        if self._body is not None:
            return digest_of(self._body)
        if self._digest is None:
            raise NeedsError(
                "the stage asked for a body's digest, and its needs say nothing of it: ask for"
                ' body "digest"'
            )
        return self._digest

    def may_repeat(self, came: "Union[Response, StageError]") -> bool:
        """Reports whether a stage that sends again may do so after what came of ``next``, a response
        or the error that it raised: it may help, nobody objects, the body can be sent once more,
        and nothing is done twice that must be done once.

        What may have been processed is repeated only where the method (GET, PUT, DELETE …), an
        ``Idempotency-Key`` that the stage sees, or ``call.idempotent`` says that this does no harm.
        """
        if self.call.ended or self.call.no_retry or not self.replayable:
            return False
        class_ = came.class_ if isinstance(came, StageError) else _class_of(came.status)
        if class_ in ("not_sent", "refused"):
            return True
        return class_ == "unknown" and (
            self.method.upper() in _IDEMPOTENT
            or self.call.idempotent
            or "idempotency-key" in self.headers
            or "x-idempotency-key" in self.headers
        )

    @property
    def span(self) -> "Span":
        """The stage's own span; where nobody records, what is noted on it goes nowhere."""
        if self._x is None:
            from .tracing import Tracing

            return Tracing("", False).own
        return self._x.tracing.own


class Response(_Message):
    """A response: what ``next`` returned, or one that the stage makes, which needs ``answer``.

    ``Response(403, {"content-type": "text/plain"}, b"no")`` makes one. ``length`` is the body's, -1
    where
    it is unknown. A ``stream`` can't be read. The body of ``next``'s response stays with leat until
    it is read:
    a plain function just uses ``body``, ``text``, ``json()`` or ``digest``; an ``async def`` says
    ``await resp.read()`` first.
    """

    __slots__ = (
        "status",
        "_headers",
        "length",
        "proto",
        "stream",
        "_body",
        "_set",
        "_digest",
        "_x",
        "_got",
        "_fail",
        "_dropped",
        "_given",
        "_first",
        "_read",
    )

    def __init__(
        self, status: int = 200, headers: HeaderSource = None, body: Union[bytes, str] = b""
    ) -> None:
        self.status = status
        self.headers = headers
        self._body: bytes = body_bytes(body)
        self.length = len(self._body)
        self.proto = "HTTP/1.1"
        self.stream = False
        self._set = True  # by the stage
        self._digest: Optional[Digest] = None
        self._x: Optional["Exchange"] = None  # None: the stage's own
        self._got = True
        self._fail: Optional[BaseException] = None
        self._dropped = False
        self._given: Dict[str, List[str]] = {}  # headers as leat gave them
        self._first = status  # likewise
        self._read = b""  # the body as leat gave it

    @classmethod
    def of_json(cls, status: int, value: Any, headers: HeaderSource = None) -> "Response":
        """A response whose body is value in JSON."""
        response = cls(status, headers, _json.dumps(value, ensure_ascii=False).encode())
        response.headers.setdefault("content-type", "application/json")
        return response

    def __repr__(self) -> str:
        return f"<Response {self.status}>"

    @property
    def body(self) -> bytes:
        """The body; needs ``response.body "full"``. It is fetched where it is read first, and waits
        for that.

        Set it to return another, which needs ``":body"`` in ``response.edit``.
        """
        if not self._set:
            self._fetch(full=True)
            if self._fail is not None:
                raise self._fail
        return self._body

    @body.setter
    def body(self, data: Union[bytes, str, None]) -> None:
        self._body = body_bytes(b"" if data is None else data)
        self._set = True

    @property
    def digest(self) -> Digest:
        """Length and SHA-256 of the body; needs ``response.body "digest"`` or ``"full"``."""
        if self._digest is None:
            if not self._set:
                self._fetch(full=False)
                if self._fail is not None:
                    raise self._fail
            if self._digest is None:
                self._digest = digest_of(self._body)
        return self._digest

    async def read(self) -> bytes:
        """Fetches the body in an ``async def``; afterwards ``body``, ``text`` and ``json()`` have
        it.
        """
        if not self._set and not self._got and self._x is not None:
            await self._x.drive_async(self._x.read(self, full=True))
        return self.body

    async def read_digest(self) -> Digest:
        """Fetches the digest in an ``async def``."""
        if not self._set and not self._got and self._digest is None and self._x is not None:
            await self._x.drive_async(self._x.read(self, full=False))
        return self.digest

    def drop(self) -> None:
        """Says that the response is not needed any more, so that its connection can go on; then it
        can't be returned.
        """
        if self._x is not None:
            self._x.drop(self)

    def _fetch(self, full: bool) -> None:
        if self._x is None or self._got:
            return
        if self._x.is_async:
            raise NeedsError("in an async def the body is fetched first: await resp.read()")
        self._x.drive(self._x.read(self, full))


def digest_of(body: bytes) -> Digest:
    """The digest of bytes."""
    import hashlib

    return Digest(len(body), hashlib.sha256(body).digest())
