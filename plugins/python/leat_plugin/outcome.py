"""What came of a stage: what it returned, or raised, as it travels."""

from __future__ import annotations

import inspect
import traceback
from typing import Any

from . import plugin_pb2 as pb
from .conversation import Conversation, header_edits
from .errors import NextError, StageError, cause_of, error_to, internal, kind_of
from .message import Response
from .text import said, shown, text, to_bytes


class Outcome(Conversation):
    """Writes the end of an exchange."""

    is_async = False

    def returned(self, got: Any) -> pb.Return:
        """Writes what the stage has returned: the last response with edits, or one of its own."""
        out = pb.Return()
        if self.parted:
            self._check_parted(got)
            return out
        if not isinstance(got, Response):
            raise internal(_no_response(got, self.is_async))
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
        if (
            isinstance(resp.status, bool)
            or not isinstance(resp.status, int)
            or not 200 <= resp.status <= 599
        ):
            raise internal(
                f"the stage answered with the status {shown(resp.status)}: it is an int from 200 to 599"
            )
        if resp._body and resp.status in (204, 304):
            raise internal(
                f"the stage answered {resp.status} with a body, which such an answer can't have:"
                f" Response({resp.status})"
            )
        self._limit(len(resp._body), self.instance.needs.response_limit, "body_limit")
        out.status, out.length, out.proto = resp.status, len(resp._body), "HTTP/1.1"
        for name, value in resp.headers.pairs():
            out.headers.add(name=name, value=to_bytes(value))
        self.carry(resp._body, out.body)

    def _response_edits(self, resp: Response, out: pb.Return) -> None:
        if resp.status != resp._first:
            if isinstance(resp.status, bool) or not isinstance(resp.status, int):
                raise internal(f"the status is an int, as 200, not {shown(resp.status)}")
            out.edits.status = resp.status
        replaced = resp._set and not (resp._got and resp._fail is None and resp._body == resp._read)
        edits = pb.Edits()
        if header_edits(edits, resp._given, resp.headers, replaced):
            out.edits.headers.extend(edits.headers)
        if replaced:  # last: what is announced is sent
            self._limit(len(resp._body), self.instance.needs.response_limit, "response.body_limit")
            self.carry(resp._body, out.edits.body)

    def failure(self, err: BaseException) -> pb.Return:
        """Writes an exception that ended the stage; one that can't be written is a panic, too."""
        try:
            return self._failure(err)
        except BaseException as broken:  # the author's own __str__, reason or __init__
            out = pb.Return()
            out.error.kind, out.error.panic, out.error.stage = "internal", True, self.instance.name
            setattr(out.error, "class", "terminal")
            out.error.message = text(
                f"panic: the stage raised {type(err).__name__}, which can't be written:"
                f" {said(broken)}"
            )
            return out

    def _failure(self, err: BaseException) -> pb.Return:
        out = pb.Return()
        kind = "" if isinstance(err, StageError) else kind_of(err)
        if self.parted:
            self._late(said(err))
            return out
        if isinstance(err, StageError) and "kind" not in vars(err):
            raise internal(f"{type(err).__name__}.__init__ does not call super().__init__")
        if isinstance(err, StageError):
            out.error.CopyFrom(error_to(err))
        elif kind:
            out.error.CopyFrom(error_to(StageError(kind, said(err))))
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
        what = text("".join(traceback.format_exception_only(type(err), err)).strip())
        what += _hint(err)
        stack = "".join(traceback.format_exception(type(err), err, err.__traceback__))
        self.session.logs.say(
            40, "stage raised an exception", {"exception": what, "stack": stack[-6000:]}, self
        )
        out.kind, out.message, out.panic = "internal", "panic: " + what, True
        setattr(out, "class", "terminal")


def _no_response(got: Any, is_async: bool) -> str:
    """What to do about a stage that returned no response."""
    if inspect.iscoroutine(got):
        got.close()  # it would warn later, of what is said here
        if is_async:
            return "the stage returned a coroutine: write return await next(req)"
        return "the stage returned a coroutine: make it an async def, and await there"
    what = "nothing" if got is None else type(got).__name__
    return f"the stage returned {what}: end it with return next(req), or return a Response"


def _hint(err: BaseException) -> str:
    """What to do about an exception whose own words don't say it."""
    if isinstance(err, (AttributeError, TypeError)) and "'coroutine' object" in str(err):
        return " (write await: resp = await next(req))"
    if type(err).__name__ == "BdbQuit":
        return (
            " (a breakpoint needs a terminal, which a plugin that leat has started has not:"
            " `leat plugin dev` tells how to start it in a debugger)"
        )
    return ""
