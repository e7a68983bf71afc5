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

from typing import Mapping, Any, Optional

from . import plugin_pb2 as pb
from .errors import StageError, error_to
from .message import Request, Response
from .stages import Stage
from .trial import Done, Event, Host, Log, Upstream

__all__ = ["Done", "Event", "Log", "Upstream", "ok", "run", "tell_ended"]


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
    host = Host(stage, config, timeout)
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
    host = Host(stage, config, timeout)
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
