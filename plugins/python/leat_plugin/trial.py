"""The host of a test: the other end of a session, for one exchange."""

from __future__ import annotations

import json
import logging
from queue import Empty
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional

from . import plugin_pb2 as pb
from .errors import ConfigError, StageError, error_to
from .judge import Judge, shows
from .logs import Handler
from .message import Request, Response, digest_of
from .schema import HOST_KEYS
from .server import Server
from .session import Session
from .stages import Stage
from .text import to_bytes

Upstream = Callable[[Request], Response]


class Event(NamedTuple):
    """An event of the call's timeline."""

    name: str
    text: str
    reason: str
    attempt: int
    status: int


class Log(NamedTuple):
    """A record that the SDK or the stage has logged; level as logging has it."""

    level: int
    message: str
    attributes: Dict[str, Any]


class Done:
    """What came of a run."""

    def __init__(self) -> None:
        self.response: Response = Response(0)
        """What the caller gets."""
        self.sent: List[Request] = []
        """The requests as the upstream got them, one for each next."""
        self.events: List[Event] = []
        self.logs: List[Log] = []
        self.waits: List[float] = []
        """How long the stage waited between sends, in seconds; a test does not wait."""
        self.attempts = 0
        self.attached = ""
        """The name of the credential that the stage has had attached, and for whom."""
        self.attached_subject = ""
        self.skipped_credential = ""
        self.rejected = ""
        self.stopped: Optional[str] = None
        self.judged: Optional[str] = None
        """The kind that the stage gave the last response; "" is success."""
        self.idempotent = False
        self.idempotency_key = ""
        self.read_body = False
        """Whether the stage read the response's body."""


class Host(Judge):
    """The other end of a session, for one exchange."""

    def __init__(self, stage: Stage, config: Optional[Mapping[str, Any]], timeout: float) -> None:
        self.stage, self.timeout, self.done = stage, timeout, Done()
        self.server = Server([stage], "test", "0", threads=8)
        self.session = Session(self.server)
        self.server.enter(self.session)
        self.handler = Handler(self.server)
        logging.getLogger().addHandler(self.handler)
        self.frames = self._frames()
        try:
            self.needs = self._open(config)
        except BaseException:
            self.leave()
            raise

    def _open(self, config: Optional[Mapping[str, Any]]) -> pb.Needs:
        opened = pb.Frame(exchange=1)
        opened.open.instance, opened.open.type, opened.open.stage = (
            1,
            self.stage.name,
            self.stage.name,
        )
        opened.open.pipeline, opened.open.dir = "test", "."
        keys = {k: v for k, v in (config or {}).items() if k not in HOST_KEYS}
        opened.open.config = json.dumps(keys).encode()
        self.session.handle(opened)
        answer = self.expect("opened").opened
        if answer.mistakes:
            first, more = answer.mistakes[0], len(answer.mistakes) - 1
            raise ConfigError(
                first.message + (f" (and {more} more)" if more else ""), first.path, first.hint
            )
        if answer.failure:
            raise RuntimeError(answer.failure)
        return answer.needs

    def _frames(self) -> Iterator[pb.Frame]:
        while True:
            try:
                data = self.session._out.get(timeout=self.timeout)
            except Empty:
                raise AssertionError(
                    f"stage {self.stage.name!r} did not answer within {self.timeout:g} s"
                ) from None
            if not data:
                raise AssertionError("the session has ended")
            for frame in pb.Batch.FromString(data).frames:
                if frame.WhichOneof("kind") == "log":
                    self._log(frame.log)
                else:
                    yield frame

    def _log(self, log: pb.Log) -> None:
        attributes = {a.key: getattr(a, a.WhichOneof("value") or "text") for a in log.attributes}
        self.done.logs.append(Log(20 + log.level * 10 // 4, log.message, attributes))
        if log.message.startswith("stage did more after next"):
            raise AssertionError(f"{log.message}: {attributes.get('did')}")

    def expect(self, kind: str) -> pb.Frame:
        for frame in self.frames:
            if frame.WhichOneof("kind") == kind:
                return frame
        raise AssertionError("the session has ended")

    def leave(self) -> None:
        logging.getLogger().removeHandler(self.handler)
        self.session.end()
        self.server.close()

    def close(self) -> None:
        """Waits until the stage has returned."""
        frame = pb.Frame(exchange=9)
        frame.close.instance = 1
        self.session.handle(frame)
        self.expect("closed")

    # The conversation.

    def run(self, request: Request, upstream: Upstream, call: pb.Call, leaves: str) -> Done:
        self.request, self.upstream, self.leaves = request, upstream, leaves
        self.response: Optional[Response] = None
        self.error: Optional[StageError] = None
        frame = pb.Frame(exchange=2)
        do = frame.do
        do.instance, do.timeout = 1, int(self.timeout * 1e9)
        do.log_level, do.traceparent, do.recording = (
            -4,
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            True,
        )
        do.call.CopyFrom(call)
        do.request.CopyFrom(self.show(request, body=True))
        if self._after():
            self._send(request)
            do.result.CopyFrom(self._result())
        self.session.handle(frame)
        for frame in self.frames:
            kind = frame.WhichOneof("kind")
            if kind == "return":
                self._return(getattr(frame, "return"))
                break
            if kind == "next":
                self._changes(frame.next.changes)
                self._send(self._edited(frame.next.edits))
                if frame.next.last:
                    break
                self._answer("result", self._result())
            elif kind == "wait":
                self._changes(frame.wait.changes)
                self.done.waits.append(frame.wait.duration / 1e9)
                self._answer("awake", pb.Awake(ended=self.leaves if self.done.sent else ""))
            elif kind == "read":
                self._answer("body", self._body())
        self.close()
        if self.error is not None:
            raise self.error
        if self.response is not None:
            self.done.response = self.response
        return self.done

    def _answer(self, kind: str, message: Any) -> None:
        frame = pb.Frame(exchange=2)
        getattr(frame, kind).CopyFrom(message)
        self.session.handle(frame)

    def _after(self) -> bool:
        n, r = self.needs, self.needs.request
        seen = r.headers or r.query or r.body or r.edit or n.answer or n.retry or n.credentials
        return n.HasField("response") and not seen

    def show(self, req: Request, body: bool) -> pb.Request:
        """The request as far as the needs show it."""
        needs = self.needs.request
        out = pb.Request(
            method=req.method,
            url=req.url if needs.query else req.url.partition("?")[0],
            host=req.host,
        )
        data, out.replayable = req.body, True
        out.length = len(data)
        for name, value in req.headers.pairs():
            if shows(needs.headers, name):
                out.headers.add(name=name, value=to_bytes(value))
        if body and needs.body == 1:
            out.sha256 = digest_of(data).sha256
        if body and needs.body == 2:
            most = needs.body_limit or 1 << 20
            if len(data) > most:
                raise StageError(
                    "policy",
                    f"the request's body has more than the {most} bytes of request.body_limit",
                )
            out.body.data, out.body.length = data, len(data)
        return out

    def _send(self, req: Request) -> None:
        self.done.sent.append(req)
        self.response, self.error = None, None
        try:
            self.response = self.upstream(req)
        except StageError as err:
            self.error = err
        if self.response is not None and not isinstance(self.response, Response):
            raise TypeError(
                f"next of the test returned {type(self.response).__name__}: it returns a Response"
            )

    def _result(self) -> pb.Result:
        out = pb.Result(replayable=True, ended=self.leaves)
        out.call.sends = len(self.done.sent)
        if self.leaves:
            self.error = StageError(
                "canceled" if self.leaves == "canceled" else "timeout",
                "the caller has left",
                reason=self.leaves,
            )
        if self.error is not None:
            out.error.CopyFrom(error_to(self.error))
            return out
        resp, needs = self.response, self.needs.response
        assert resp is not None
        out.response.status, out.response.proto, out.response.stream = (
            resp.status,
            resp.proto,
            resp.stream,
        )
        out.response.length = -1 if resp.stream else len(resp._body)
        for name, value in resp.headers.pairs():
            if shows(needs.headers, name):
                out.response.headers.add(name=name, value=to_bytes(value))
        return out

    def _body(self) -> pb.Body:
        assert self.response is not None
        self.done.read_body = True
        data, most = self.response._body, self.needs.response.body_limit or 1 << 20
        if self.needs.response.body == 1:
            return pb.Body(length=len(data), sha256=digest_of(data).sha256)
        return pb.Body(data=data[:most], length=len(data[:most]), more=len(data) > most)

    def _carried(self, body: pb.Body) -> bytes:
        if not body.apart:
            return body.data
        return self.server.bodies.take(2) or b""
