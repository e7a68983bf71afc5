"""Holds what a stage did in a test against its needs, as leat does."""

from __future__ import annotations

import re
from typing import Any, Optional

from . import plugin_pb2 as pb
from .credentials import is_credential
from .errors import NextError, StageError
from .headers import Headers
from .message import Request, Response
from .needs import FRAMING

_CALLERS = ("authorization", "proxy-authorization", "cookie")
"""Headers by which a caller says who it is: they are not among "*", also where there is none."""


_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class Judge:
    """The part of a test's host that judges."""

    needs: pb.Needs
    request: Request
    response: Optional[Response]
    error: Optional[StageError]
    done: Any
    server: Any

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
        self._headers(req.headers, edits, "request.edit")
        return req

    def _headers(self, headers: Headers, edits: pb.Edits, key: str) -> None:
        may = self._edits_request if key == "request.edit" else self._edits_response
        for edit in edits.headers:
            name = edit.name.lower()
            if name == "content-length" and key == "response.edit":
                continue  # leat writes that of the body
            if any(_CONTROL.search(value) for value in edit.values):
                raise AssertionError(
                    f"the stage set {name} to a value with a line end or another control character:"
                    " leat would refuse that (invalid_reply)"
                )
            if name in FRAMING:
                raise AssertionError(
                    f"the stage changed {name}, which belongs to the connection: leat would refuse"
                    " that (invalid_reply)"
                )
            if not may(name):
                _refuse(name, key)
            headers.pop(name, None)
            for value in edit.values:
                headers.add(name, value)

    def _edits_request(self, name: str) -> bool:
        needs = self.needs.request
        if names(needs.edit, name):
            return True
        if "*" not in needs.edit:
            return False
        withheld = name in self.request.headers and not shows(needs.headers, name)
        return not is_credential(name) or (name not in _CALLERS and not withheld)

    def _edits_response(self, name: str) -> bool:
        return names(self.needs.response.edit, name) or "*" in self.needs.response.edit

    def _must(self, allowed: Any, name: str, key: str) -> None:
        if not names(allowed, name):
            _refuse(name, key)

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
        self._headers(resp.headers, edits, "response.edit")
        return resp


def _refuse(name: str, key: str) -> None:
    raise AssertionError(
        f'the stage changed {name}, and its needs do not have {key} "{name}": leat would refuse'
        " that (invalid_reply)"
    )


def _same(told: pb.Error, err: StageError) -> bool:
    return told.kind == err.kind and told.message == err.message


def names(list_of: Any, name: str) -> bool:
    """Reports whether a list of needs has a name itself."""
    return any(one.lower() == name.lower() for one in list_of)


def shows(headers: Any, name: str) -> bool:
    """Reports whether a stage sees a header."""
    return names(headers, name) or ("*" in headers and not is_credential(name))
