"""One request on its way through a stage: the conversation with the host, for functions and for
async ones.

The steps of the conversation are generators: they yield a frame that the host answers, or UPLOAD
where a
body is on its way, and get the answer. ``drive`` runs them in a thread, ``drive_async`` on the
event loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import traceback
from collections import deque
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Deque, Dict, Generator, List, Optional, Union

from . import plugin_pb2 as pb
from .call import Call
from .errors import (
    Cancelled,
    NeedsError,
    NextError,
    StageError,
    cause_of,
    error_to,
    internal,
    kind_of,
)
from .message import Digest, Headers, Request, Response
from .text import size, text, to_bytes
from .tracing import Tracing

if TYPE_CHECKING:
    from .session import Instance, Session

MAX_INLINE = 64 << 10
"""The longest body that travels in its frame, in bytes."""

UPLOAD = object()
GONE = object()

CURRENT: "contextvars.ContextVar[Optional[Exchange]]" = contextvars.ContextVar(
    "leat_exchange", default=None
)
"""The exchange that the code at hand works on, for the log."""

Step = Generator[Any, Any, Any]

_OVER = "the stage has returned: what it was given is no longer to be used"


class Exchange:
    """One exchange; it is its stage's ``next``."""

    is_async = False

    def __init__(self, session: "Session", number: int, instance: "Instance", do: pb.Do) -> None:
        self.session, self.number, self.instance, self.do = session, number, instance, do
        self.level: int = do.log_level
        self.tracing = Tracing(do.traceparent, do.recording)
        self.call = Call(do.call, instance.needs.call, do.deadline, self)
        self.lock = threading.Lock()  # held from a frame that is answered until its answer
        self.nexts = 0
        self.last: Optional[Response] = None
        self.last_error: Optional[NextError] = None
        self.parted = False  # the request was handed on, and nothing is answered
        self.over = False  # the stage has returned
        self.gone = False  # nobody waits for it any more
        self.ready()

    # The ways in which an answer comes to the stage.

    def ready(self) -> None:
        """Prepares the mail of a plain function."""
        self._mail: "SimpleQueue[Any]" = SimpleQueue()
        self.put = self._mail.put

    def begin(self) -> None:
        """Has the stage run."""
        self.session.server.pool.submit(self.run)

    def cancel(self) -> None:
        """Ends an exchange that nobody waits for any more."""
        self.gone = True
        self.call._cancel("canceled")
        self.put(GONE)

    def drive(self, step: Step) -> Any:
        """Runs a step of the conversation to its end, in the stage's thread."""
        with self.lock:
            try:
                frame = step.send(None)
                while True:
                    self._speak(frame)
                    answer = self._mail.get()
                    if answer is GONE:
                        raise Cancelled(self.call.ended)
                    frame = step.send(answer)
            except StopIteration as done:
                return done.value

    async def drive_async(self, step: Step) -> Any:
        """Runs a step of the conversation of an async function."""
        raise internal("this stage is no async def: do not await here")

    def _speak(self, frame: Any) -> None:
        if self.over:
            raise internal(_OVER)
        if self.gone:
            raise Cancelled(self.call.ended)
        if frame is not UPLOAD:
            self.post(frame)

    def post(self, frame: pb.Frame) -> None:
        """Sends a frame of this exchange."""
        frame.exchange = self.number
        self.session.send(frame)

    # The stage's work.

    def run(self) -> None:
        """Has the stage work, in a thread of the pool, and tells the host what came of it."""
        token = CURRENT.set(self)
        try:
            try:
                req = self.drive(self.request())
                out = self.returned(
                    self.instance.type.function(self.instance.config, req, self.next)
                )
            except BaseException as err:  # a SystemExit must not take the thread along
                out = self.failure(err)
            self.finish(out)
        finally:
            CURRENT.reset(token)
            self.session.done(self.instance)

    def next(self, req: Request) -> Any:
        """What the stage calls to hand its request on."""
        return self.drive(self.hand_on(req))

    def finish(self, out: pb.Return) -> None:
        """Ends the exchange with what came of it, if somebody waits for that."""
        self.over = True
        self.session.server.bodies.unclaim(self.number)
        if self.parted or not self.session.finished(self):
            return
        frame = pb.Frame()
        getattr(frame, "return").CopyFrom(out)
        try:
            self.post(frame)
        except StageError as err:
            frame = pb.Frame()
            getattr(frame, "return").error.CopyFrom(error_to(err))
            self.post(frame)

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
            raise internal(_OVER)
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
            raise _turn()
        return self._result(answer.result, req)

    def _part(self, frame: pb.Frame) -> Response:
        """Hands the request on for good."""
        frame.next.last = True
        own, spans = self.tracing.take()
        if own is not None:
            frame.next.span.CopyFrom(own)
        frame.next.spans.extend(spans)
        if self.gone:
            raise Cancelled(self.call.ended)
        if self.session.finished(self):
            self.post(frame)
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
            raise _turn()
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
        frame.wait.duration = max(0, int(seconds * 1e9))
        changes = self.call._take()
        if changes is not None:
            frame.wait.changes.CopyFrom(changes)
        answer = yield frame
        if _kind(answer) != "awake":
            raise _turn()
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
            raise _turn()
        return data

    def carry(self, data: bytes, into: pb.Body) -> None:
        """Says where the host finds a body that the stage has made."""
        into.length = len(data)
        if len(data) <= MAX_INLINE:
            into.data = data
            return
        into.apart = True
        self.session.server.bodies.announce(self.number, data)

    # What came of it.

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
        if (req._set or req._x is not self) and req._body != self._given_body:
            data = req._body or b""
            self._limit(len(data), self.instance.needs.request_limit, "request.body_limit")
            self.carry(data, out.body)
            changed = True
        given = self._given_headers()
        return out if _header_edits(out, given, req.headers) or changed else None

    def _given_headers(self) -> Dict[str, List[str]]:
        if self._headers is None:
            self._headers = Headers._of(self.do.request.headers)._values
        return self._headers

    _headers: Optional[Dict[str, List[str]]] = None
    _given_body: Optional[bytes] = None

    def _limit(self, length: int, most: int, key: str) -> None:
        if length > most:
            raise StageError(
                "policy", f"the stage made a body of more than {size(most)}: ask for a larger {key}"
            )

    def returned(self, got: Any) -> pb.Return:
        """Writes what the stage has returned: the last response with edits, or one of its own."""
        out = pb.Return()
        if self.parted:
            self._check_parted(got)
            return out
        if not isinstance(got, Response):
            what = "nothing" if got is None else f"{type(got).__name__}"
            raise internal(
                f"the stage returned {what}: end it with return next(req), or return a Response"
            )
        if got._x is None:
            self._answer(got, out.response)
        elif got is not self.last:
            raise internal("the stage returned the response of an earlier next")
        elif got._dropped:
            raise internal("the stage returned a response that it has dropped")
        else:
            self._response_edits(got, out)
        return self._close(out)

    def _close(self, out: pb.Return) -> pb.Return:
        changes = self.call._take()
        if changes is not None:
            out.changes.CopyFrom(changes)
        own, spans = self.tracing.take()
        if own is not None:
            out.span.CopyFrom(own)
        out.spans.extend(spans)
        return out

    def _check_parted(self, got: Any) -> None:
        if got is not self.last:
            what = "it returned nothing" if got is None else "it returned something of its own"
        elif got.status or len(got.headers) or got._set:
            what = "it changed the response"
        else:
            return
        self._late(what)

    def _late(self, what: str) -> None:
        self.session.logs.say(
            40,
            (
                "stage did more after next than its needs, which have no response: nothing comes of"
                " it; end it with return next(req)"
            ),
            {"stage": self.instance.name, "did": what},
        )

    def _answer(self, resp: Response, out: pb.Response) -> None:
        self._limit(len(resp._body), self.instance.needs.response_limit, "body_limit")
        out.status, out.length, out.proto = resp.status, len(resp._body), "HTTP/1.1"
        for name, value in resp.headers.pairs():
            out.headers.add(name=name, value=to_bytes(value))
        self.carry(resp._body, out.body)

    def _response_edits(self, resp: Response, out: pb.Return) -> None:
        if resp.status != resp._first:
            out.edits.status = resp.status
        if resp._set and not (resp._got and resp._fail is None and resp._body == resp._read):
            self._limit(len(resp._body), self.instance.needs.response_limit, "response.body_limit")
            self.carry(resp._body, out.edits.body)
        edits = pb.Edits()
        if _header_edits(edits, resp._given, resp.headers):
            out.edits.headers.extend(edits.headers)

    def failure(self, err: BaseException) -> pb.Return:
        """Writes an exception that ended the stage."""
        out = pb.Return()
        kind = "" if isinstance(err, StageError) else kind_of(err)
        if self.parted:
            self._late(f"{type(err).__name__}: {err}")
            return out
        if isinstance(err, StageError):
            out.error.CopyFrom(error_to(err))
        elif kind:
            out.error.CopyFrom(error_to(StageError(kind, f"{type(err).__name__}: {err}")))
        else:
            self._panic(err, out.error)
        out.error.of_result = cause_of(err, self.last_error)
        out.error.of_body = (
            self.last is not None
            and isinstance(self.last._fail, NextError)
            and cause_of(err, self.last._fail)
        )
        if not out.error.stage:
            out.error.stage = self.instance.name
        return self._close(out)

    def _panic(self, err: BaseException, out: pb.Error) -> None:
        said = text("".join(traceback.format_exception_only(type(err), err)).strip())
        stack = "".join(traceback.format_exception(type(err), err, err.__traceback__))
        self.session.logs.say(
            40, "stage raised an exception", {"exception": said, "stack": stack[-6000:]}, self
        )
        out.kind, out.message, out.panic = "internal", "panic: " + said, True
        setattr(out, "class", "terminal")


class AsyncExchange(Exchange):
    """An exchange whose stage is an async def: it runs on the loop that all of those share."""

    is_async = True
    _task: "Optional[asyncio.Task[None]]" = None

    def ready(self) -> None:
        """Prepares the mail of an async function."""
        self._items: Deque[Any] = deque()
        self._waiter: "Optional[asyncio.Future[None]]" = None
        self._asking = False
        self._loop = self.session.server.loop()

    def put(self, item: Any) -> None:  # type: ignore[override]
        """Hands over an answer, from another thread."""
        try:
            self._loop.call_soon_threadsafe(self._put, item)
        except RuntimeError:  # the loop is closed: the process ends
            pass

    def _put(self, item: Any) -> None:
        self._items.append(item)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def begin(self) -> None:
        """Has the stage run."""
        self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._task = self._loop.create_task(self.run_async())

    def cancel(self) -> None:
        """Ends the exchange: its task is cancelled."""
        self.gone = True
        self.call._cancel("canceled")
        try:
            self._loop.call_soon_threadsafe(self._stop)
        except RuntimeError:
            pass

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def drive(self, step: Step) -> Any:
        """Refuses what would block the event loop."""
        step.close()
        raise internal("this would block the event loop: in an async def use await")

    async def drive_async(self, step: Step) -> Any:
        """Runs a step of the conversation to its end."""
        if self._asking:
            step.close()
            raise internal(
                "the stage asked for a second answer before it had the first: await one after the"
                " other"
            )
        self._asking = True
        try:
            frame = step.send(None)
            while True:
                self._speak(frame)
                frame = step.send(await self._get())
        except StopIteration as done:
            return done.value
        finally:
            self._asking = False

    async def _get(self) -> Any:
        while not self._items:
            self._waiter = self._loop.create_future()
            await self._waiter
        return self._items.popleft()

    def next(self, req: Request) -> Any:
        """What the stage awaits to hand its request on."""
        return self.drive_async(self.hand_on(req))

    async def run_async(self) -> None:
        """Has the stage work, and tells the host what came of it."""
        CURRENT.set(self)  # of this task alone
        try:
            try:
                req = await self.drive_async(self.request())
                out = self.returned(
                    await self.instance.type.function(self.instance.config, req, self.next)
                )
            except asyncio.CancelledError as err:
                if self.gone:
                    return
                out = self.failure(internal(f"the stage's task was cancelled: {err}"))
            except BaseException as err:
                out = self.failure(err)
            self.finish(out)
        finally:
            self.session.done(self.instance)


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


def _turn() -> StageError:
    return internal("the host answered with something else than it was asked for")


def _header_edits(out: pb.Edits, before: Dict[str, List[str]], headers: Headers) -> bool:
    """Writes the headers that differ. The length of a body that was replaced is the host's to
    write.
    """
    after, found = headers._values, False
    if after == before:
        return False
    replaced = out.HasField("body")
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
