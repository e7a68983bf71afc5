"""What a stage asks of its host: the steps of the conversation.

They are generators: they yield a frame that the host answers, or UPLOAD where a body is on its way,
and get the answer. Who runs them, a thread or the event loop, is the exchange's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Generator, List, Optional, Union

from . import plugin_pb2 as pb
from .errors import Cancelled, NeedsError, NextError, StageError, error_to, internal
from .message import Digest, Headers, Request, Response
from .text import shown, size, text, to_bytes

if TYPE_CHECKING:
    from .call import Call
    from .session import Instance, Session
    from .tracing import Tracing

MAX_INLINE = 64 << 10
"""The longest body that travels in its frame, in bytes."""

UPLOAD = object()
GONE = object()

OVER = "the stage has returned: what it was given is no longer to be used"

Step = Generator[Any, Any, Any]


class Conversation:
    """The state of one exchange, and the steps that a stage may take in it."""

    session: "Session"
    instance: "Instance"
    number: int
    do: pb.Do
    call: "Call"
    tracing: "Tracing"
    put: Any
    nexts = 0
    last: Optional[Response] = None
    last_error: Optional[NextError] = None
    parted = False  # the request was handed on, and nothing is answered
    over = False  # the stage has returned
    gone = False  # nobody waits for it any more
    _announced: Any = None  # a body of which the host was not told yet
    _headers: Optional[Dict[str, List[str]]] = None
    _given_body: Optional[bytes] = None

    def post(self, frame: pb.Frame) -> None:
        """Sends a frame of this exchange."""
        frame.exchange = self.number
        sent = False
        try:
            sent = self.session.send(frame)
        finally:
            if not sent:
                self._withdraw()
        self._announced = None

    def request(self) -> Step:
        """Makes the stage's request."""
        r = self.do.request
        req = Request.__new__(Request)
        req.method, req.url, req.host = r.method or "GET", r.url, r.host
        req.headers = Headers._of(r.headers)
        req._given = req.headers._snapshot()
        req.length, req.replayable, req.call, req._x = r.length, r.replayable, self.call, self
        req._set, req._digest, req._why, req._body = False, None, "", None
        if r.HasField("body"):
            req._body = yield from self._apart(r.body)
            req.length = len(req._body)
        elif r.length == 0:
            req._body = b""
        else:
            if len(r.sha256) == 32:
                req._digest = Digest(r.length, r.sha256)
            req._why = _WITHHELD[self.instance.needs.request_body].format("a request", "request")
        self._given_body = req._body
        return req

    def hand_on(self, req: Request) -> Step:
        """The step behind next."""
        self.nexts += 1
        if not isinstance(req, Request):
            raise internal(f"next takes the request, not {type(req).__name__}: next(req)")
        if self.over:
            raise internal(OVER)
        if self.parted:
            raise NeedsError("the stage's needs have no response: its part ended as it called next")
        if self.call.ended:
            raise Cancelled(self.call.ended)
        if self.nexts > 1 and not self.instance.needs.retry:
            raise NeedsError(
                'the stage called next a second time, and its needs have no "retry": True'
            )
        edits = self._edits(req)
        if self.nexts == 1 and self.do.HasField("result"):
            if edits is not None:
                self._withdraw()
                raise NeedsError(
                    "the stage changed the request, which its needs say nothing of: it is asked"
                    " once the response is there"
                )
            return self._result(self.do.result, req)
        frame = pb.Frame()
        out = frame.next
        out.SetInParent()
        if edits is not None:
            out.edits.CopyFrom(edits)
        changes = self.call._take()
        if changes is not None:
            out.changes.CopyFrom(changes)
        if not self.instance.needs.response:
            return self._part(frame)
        answer = yield frame
        if _kind(answer) != "result":
            raise turn()
        return self._result(answer.result, req)

    def _part(self, frame: pb.Frame) -> Response:
        """Hands the request on for good."""
        frame.next.last = True
        own, spans = self.tracing.take()
        if own is not None:
            frame.next.span.CopyFrom(own)
        frame.next.spans.extend(spans)
        if self.gone:
            self._withdraw()
            raise Cancelled(self.call.ended)
        if self.session.finished(self):
            try:
                self.post(frame)
            except StageError as err:  # it does not fit, and the host still waits
                answer = pb.Frame()
                getattr(answer, "return").error.CopyFrom(error_to(err))
                self.post(answer)
                raise
        else:
            self._withdraw()
        self.parted = True
        self.last = Response(0)
        self.last._x, self.last._set, self.last._got = self, False, True
        self.last._fail = NeedsError(
            'the stage read a response, and its needs have none: ask for "response": {}'
        )
        return self.last

    def _result(self, r: pb.Result, req: Request) -> Response:
        if r.HasField("call"):
            self.call._now = r.call
        req.replayable = r.replayable
        if r.ended:
            self.call._cancel(r.ended)
        if r.HasField("error"):
            self.last, self.last_error = None, NextError(r.error)
            raise self.last_error
        w, self.last_error = r.response, None
        resp = Response.__new__(Response)
        resp.status = resp._first = w.status
        resp.headers = Headers._of(w.headers)
        resp._given = resp.headers._snapshot()
        resp.length, resp.proto, resp.stream = w.length, w.proto, w.stream
        resp._body = resp._read = b""
        resp._set, resp._dropped, resp._fail, resp._x = False, False, None, self
        resp._got = w.length == 0
        resp._digest = Digest(w.length, w.sha256) if len(w.sha256) == 32 else None
        self.last = resp
        return resp

    def read(self, resp: Response, full: bool) -> Step:
        """The step behind a response's body and digest."""
        mode = self.instance.needs.response_body
        if mode == 0 or (mode == 1 and full):
            raise NeedsError(_WITHHELD[mode].format("a response", "response"))
        if resp.stream:
            raise StageError(
                "policy", "the response is a stream: no stage of another process can read it"
            )
        if self.last is not resp:
            raise internal(
                "the response of an earlier next is gone: read it before next is called again"
            )
        if resp._dropped:
            raise internal("the response was dropped: read it before")
        frame = pb.Frame()
        frame.read.SetInParent()
        answer = yield frame
        if _kind(answer) != "body":
            raise turn()
        body = answer.body
        resp._body = resp._read = yield from self._apart(body)
        resp._got = True
        if body.HasField("error"):
            resp._fail = NextError(body.error, of_body=True)
        elif body.more:
            limit = size(self.instance.needs.response_limit)
            resp._fail = StageError(
                "policy",
                (
                    f"the response's body has more than the {limit} that the stage may read: ask"
                    " for a larger response.body_limit, and see what the file grants"
                ),
            )
        elif len(body.sha256) == 32:
            resp._digest = Digest(body.length, body.sha256)

    def wait(self, seconds: float) -> Step:
        """The step behind Call.wait."""
        if self.parted:
            raise NeedsError("the stage's needs have no response: its part ended as it called next")
        if self.call.ended:
            raise Cancelled(self.call.ended)
        frame = pb.Frame()
        try:
            frame.wait.duration = max(0, min(int(seconds * 1e9), (1 << 63) - 1))
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"wait takes a number of seconds, not {shown(seconds)}") from None
        changes = self.call._take()
        if changes is not None:
            frame.wait.changes.CopyFrom(changes)
        answer = yield frame
        if _kind(answer) != "awake":
            raise turn()
        if answer.awake.HasField("call"):
            self.call._now = answer.awake.call
        if answer.awake.ended:
            self.call._cancel(answer.awake.ended)
            raise Cancelled(answer.awake.ended)

    def drop(self, resp: Response) -> None:
        """Tells the host to let go of the last response."""
        if self.last is not resp or resp._dropped or self.parted or self.over or self.gone:
            return
        resp._dropped = True
        frame = pb.Frame()
        frame.drop.SetInParent()
        self.post(frame)

    def _apart(self, body: pb.Body) -> Step:
        """The bytes of a body, which may come by Upload."""
        if not body.apart:
            return body.data
        self.session.server.bodies.claim(self.number, self.put)
        data = yield UPLOAD
        if not isinstance(data, bytes):
            raise turn()
        return data

    def carry(self, data: bytes, into: pb.Body) -> None:
        """Says where the host finds a body that the stage has made."""
        into.length = len(data)
        if len(data) <= MAX_INLINE:
            into.data = data
            return
        into.apart = True
        self._announced = self.session.server.bodies.announce(self.number, data, self.session)

    def _withdraw(self) -> None:
        """Drops a body of which the host was not told."""
        announced, self._announced = self._announced, None
        if announced is not None:
            self.session.server.bodies.withdraw(self.number, announced)

    def _edits(self, req: Request) -> Optional[pb.Edits]:
        """What differs between the request that the host gave and the one that is handed on; None
        if nothing does.
        """
        r, out, changed = self.do.request, pb.Edits(), False
        if req.method != (r.method or "GET"):
            out.method, changed = text(req.method), True
        if req.url != r.url:
            out.url, changed = text(req.url), True
        if req.host != r.host:
            out.host, changed = text(req.host), True
        replaced = (req._set or req._x is not self) and req._body != self._given_body
        if header_edits(out, self._given_headers(), req.headers, replaced):
            changed = True
        if replaced:  # last: what is announced is sent
            data = req._body or b""
            self._limit(len(data), self.instance.needs.request_limit, "request.body_limit")
            self.carry(data, out.body)
        return out if changed or replaced else None

    def _given_headers(self) -> Dict[str, List[str]]:
        if self._headers is None:
            self._headers = Headers._of(self.do.request.headers)._values
        return self._headers

    def _limit(self, length: int, most: int, key: str) -> None:
        if length > most:
            raise StageError(
                "policy", f"the stage made a body of more than {size(most)}: ask for a larger {key}"
            )


_WITHHELD = (
    'the stage read {0}\'s body, and its needs say nothing of it: ask for {1}.body "full"',
    (
        "the stage read {0}'s body of which its needs show the digest alone: use digest, or ask"
        ' for {1}.body "full"'
    ),
    "",
)


def _kind(answer: Union[pb.Frame, object]) -> Optional[str]:
    return answer.WhichOneof("kind") if isinstance(answer, pb.Frame) else None


def turn() -> StageError:
    return internal("the host answered with something else than it was asked for")


def header_edits(
    out: pb.Edits, before: Dict[str, List[str]], headers: Headers, replaced: bool
) -> bool:
    """Writes the headers that differ. The length of a body that was replaced is the host's to
    write.
    """
    after, found = headers._values, False
    if after == before:
        return False
    for name, values in after.items():
        old = before.get(name)
        if (
            old == values
            or (old is None and not values and name != "user-agent")
            or (replaced and name == "content-length")
        ):
            continue
        out.headers.add(name=name, values=[to_bytes(v) for v in values])
        found = True
    for name in before:
        if name not in after and not (replaced and name == "content-length"):
            out.headers.add(name=name)
            found = True
    return found
