"""Runs a stage in a test, without a host and without a process.

::

    from leat_plugin.testing import run
    from tenant import tenant

    def test_names_the_tenant():
        done = run(tenant, subject="ada")
        assert done.sent[0].headers["x-tenant"] == "ada"

The stage goes through the same conversation as under leat, and sees what its needs show: a test
thus tells
whether those are right, too. What it does beyond them is an AssertionError that names the key that
lacks.
"""

from __future__ import annotations

import json
import logging
from queue import Empty
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional

from . import plugin_pb2 as pb
from .config import HOST_KEYS
from .errors import ConfigError, NextError, StageError, error_to
from .logs import Handler
from .headers import Headers
from .message import Request, Response, digest_of
from .server import Server
from .session import Session
from .stages import Stage
from .text import to_bytes

Upstream = Callable[[Request], Response]

_SECRET = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "privatekey",
    "accesskey",
    "signingkey",
    "credential",
    "cookie",
    "authorization",
    "signature",
    "session",
)


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


def ok(req: Request) -> Response:
    """The upstream of a test that names none: it answers 200 with an empty body."""
    return Response(200)


def run(
    stage: Stage,
    *,
    config: Optional[Mapping[str, Any]] = None,
    request: Optional[Request] = None,
    next: Upstream = ok,
    subject: str = "",
    operation: str = "",
    labels: Optional[Mapping[str, str]] = None,
    idempotency_key: str = "",
    leaves: str = "",
    timeout: float = 10.0,
) -> Done:
    """Runs a stage, plain or async, around ``next``, which is the upstream: a function of a Request
    that
    returns a Response or raises a StageError.

    ``config`` is the stage's table as the file has it; a mistake in it is a ConfigError. An error
    of the
    stage is raised as the StageError that leat gets. ``leaves`` has the caller leave while ``next``
    is at work:
    ``"canceled"``, ``"deadline"`` or ``"timeout"``. A stage that takes longer than ``timeout``
    seconds fails the test.
    """
    host = _Host(stage, config, timeout)
    try:
        call = pb.Call(pipeline="test", observed=True)
        for word, value in (
            ("subject", subject),
            ("operation", operation),
            ("idempotency_key", idempotency_key),
        ):
            if word in host.needs.request.call:
                setattr(call, word, value)
        if labels and "labels" in host.needs.request.call:
            call.labels.update(labels)
        return host.run(request or Request("GET", "https://api.example.com/"), next, call, leaves)
    finally:
        host.leave()


def tell_ended(
    stage: Stage,
    *,
    config: Optional[Mapping[str, Any]] = None,
    request: Optional[Request] = None,
    status: int = 200,
    error: Optional[StageError] = None,
    timeout: float = 10.0,
) -> Done:
    """Tells a stage of the end of a call, as leat does where its needs have ``calls``."""
    host = _Host(stage, config, timeout)
    try:
        frame = pb.Frame(exchange=2)
        ended = frame.ended
        ended.instance, ended.status = 1, status
        ended.request.CopyFrom(
            host.show(request or Request("GET", "https://api.example.com/"), body=False)
        )
        if error is not None:
            ended.error.CopyFrom(error_to(error))
        host.session.handle(frame)
        host.close()
        return host.done
    finally:
        host.leave()


class _Host:
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
            if _allows(needs.headers, name):
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
            if _allows(needs.headers, name):
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

    # What the stage did, held against its needs.

    def _edited(self, edits: pb.Edits) -> Request:
        given, allowed = self.request, self.needs.request.edit
        req = Request(given.method, given.url, given.headers.copy(), given.body, given.host)
        if edits.HasField("method"):
            self._must(allowed, ":method", "request.edit")
            req.method = edits.method
        if edits.HasField("url"):
            self._must(allowed, ":url", "request.edit")
            req.url = edits.url
        if edits.HasField("host"):
            self._must(allowed, ":url", "request.edit")
            req.host = edits.host
        if edits.HasField("body"):
            self._must(allowed, ":body", "request.edit")
            req = Request(req.method, req.url, req.headers, self._carried(edits.body), req.host)
        self._headers(req.headers, edits, allowed, "request.edit")
        return req

    def _headers(self, headers: Headers, edits: pb.Edits, allowed: Any, key: str) -> None:
        for edit in edits.headers:
            self._must(allowed, edit.name, key)
            headers.pop(edit.name, None)
            for value in edit.values:
                headers.add(edit.name, value)

    def _must(self, allowed: Any, name: str, key: str) -> None:
        if not _allows(allowed, name):
            raise AssertionError(
                f'the stage changed {name}, and its needs do not have {key} "{name}": leat would'
                " refuse that (invalid_reply)"
            )

    def _changes(self, ch: pb.Changes) -> None:
        d = self.done
        d.attempts += ch.attempts
        d.events.extend(Event(e.name, e.text, e.reason, e.attempt, e.status) for e in ch.events)
        if ch.HasField("attach"):
            if (
                ch.attach.credential not in self.needs.credentials
                and "*" not in self.needs.credentials
            ):
                raise AssertionError(
                    "the stage attached a credential, and its needs do not have credentials"
                    f' "{ch.attach.credential}"'
                )
            d.attached, d.attached_subject = ch.attach.credential, ch.attach.subject
        if ch.HasField("stopped"):
            d.stopped = ch.stopped
        if ch.HasField("judged"):
            d.judged = ch.judged.kind
        if (
            ch.idempotent or ch.idempotency_key
        ) and "idempotency_key" not in self.needs.request.call:
            raise AssertionError(
                "the stage marked the call as idempotent, and its needs do not have request.call"
                ' "idempotency_key"'
            )
        d.idempotent, d.idempotency_key = (
            d.idempotent or ch.idempotent,
            ch.idempotency_key or d.idempotency_key,
        )
        d.skipped_credential, d.rejected = (
            ch.skip_credential or d.skipped_credential,
            ch.rejected or d.rejected,
        )

    def _return(self, out: Any) -> None:
        self._changes(out.changes)
        if out.HasField("error"):
            self.response = None
            if out.error.of_result and self.error is not None and _same(out.error, self.error):
                return
            err = NextError(out.error)
            self.error = StageError(
                err.kind,
                err.message,
                class_=err.class_,
                reason=err.reason,
                status=err.status,
                problem_type=err.problem_type,
                violations=err.violations,
                retry_after=err.retry_after,
            )
            return
        if out.HasField("response"):
            if not self.needs.answer and self.response is None:
                raise AssertionError(
                    'the stage answered by itself, and its needs do not have "answer": True'
                )
            r = out.response
            self.error, self.response = None, Response(
                r.status, Headers._of(r.headers), self._carried(r.body)
            )
            return
        if self.response is None:
            raise self.error or AssertionError("the stage has ended without a response")
        if out.HasField("edits"):
            self.response = self._edited_response(out.edits, self.response)

    def _edited_response(self, edits: pb.Edits, given: Response) -> Response:
        allowed = self.needs.response.edit
        resp = Response(given.status, given.headers.copy(), given._body)
        if edits.HasField("status"):
            self._must(allowed, ":status", "response.edit")
            resp.status = edits.status
        if edits.HasField("body"):
            self._must(allowed, ":body", "response.edit")
            resp = Response(resp.status, resp.headers, self._carried(edits.body))
        self._headers(resp.headers, edits, allowed, "response.edit")
        return resp


def _same(told: pb.Error, err: StageError) -> bool:
    return told.kind == err.kind and told.message == err.message


def _allows(names: Any, name: str) -> bool:
    lower = name.lower()
    if any(n.lower() == lower for n in names):
        return True
    folded = lower.replace("-", "").replace("_", "")
    return "*" in names and not name.startswith(":") and not any(part in folded for part in _SECRET)
