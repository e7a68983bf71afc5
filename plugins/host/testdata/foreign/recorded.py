"""What the tests of recorded frames talk to, in Python; recorded_stages_test.go has it in Go."""

import logging
import os
import sys
from dataclasses import dataclass

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../python"))

from leat_plugin import ConfigError, NextError, Response, StageError, serve, stage  # noqa: E402

log = logging.getLogger("recorded")
UP = {"headers": ["x-up"]}
SEEN = {"headers": ["x-up"], "edit": ["x-seen"]}


@dataclass
class Edit:
    """The config of edit."""

    mark: str = "m"

    def __post_init__(self):
        if "\n" in self.mark:
            raise ConfigError("mark must be one line", "mark")


@stage(
    "edit",
    config=Edit,
    needs={
        "request": {
            "headers": ["x-in", "x-gone"],
            "query": True,
            "edit": ["x-out", "x-two", "x-gone", ":method", ":url"],
            "call": ["subject", "operation", "labels", "idempotency_key"],
        },
        "response": {"headers": ["x-up"], "edit": ["x-seen", ":status"]},
    },
)
def edit(config, req, next):
    """Changes a bit of everything, and says so."""
    call = req.call
    with req.span.start("work", size=3):
        pass
    log.info("seen", extra={"n": 1, "text": "in"})
    words = [config.mark, req.headers["x-in"], call.subject, call.operation, call.labels["team"]]
    req.headers["x-out"] = ":".join(words + [call.idempotency_key])
    req.headers["x-two"] = ["a", "b"]
    del req.headers["x-gone"]
    req.method, req.url = "PUT", req.url + "&more=1"
    resp = next(req)
    resp.status = 202
    resp.headers["x-seen"] = resp.headers["x-up"]
    return resp


@stage("last", needs={"request": {"edit": ["x-out"]}, "credentials": ["key"]})
def last(config, req, next):
    """Has no part in the answer."""
    req.call.attach("key")
    req.call.event("noted", "of last", reason="why")
    req.headers["x-out"] = "last"
    return next(req)


@stage("end", needs={"request": {"headers": ["x-do"]}, "response": UP, "answer": True})
def end(config, req, next):
    """Ends in all ways."""
    do = req.headers.get("x-do")
    if do == "error":
        raise StageError("policy", "no tenant", class_="terminal", reason="tenant")
    if do == "panic":
        raise RuntimeError("as it was asked to")
    if do == "small":
        return Response(203, {"x-own": "yes"}, b"own")
    if do == "large":
        return Response(203, {"x-own": "yes"}, b"l" * 100_000)
    if do != "other":
        return next(req)
    try:
        return next(req)
    except NextError:
        err = StageError("server", "it was made of that", class_="terminal", reason="made")
    raise err


@stage("twice", needs={"response": UP, "retry": True})
def twice(config, req, next):
    """Sends a second time where the first was busy."""
    while True:
        req.call.start_attempt()
        resp = next(req)
        if resp.status != 503:
            return resp
        resp.drop()
        req.call.wait(0.001)


@stage(
    "bodies",
    needs={
        "request": {"body": "full", "edit": [":body"]},
        "response": {"body": "full", "edit": [":body"]},
    },
)
def bodies(config, req, next):
    """Hands on bodies in capitals."""
    req.body = req.body.upper()
    resp = next(req)
    resp.body = resp.body.upper()
    return resp


@stage("digest", needs={"request": {"body": "digest", "edit": ["x-out"]}})
def digest(config, req, next):
    """Tells the upstream what a body is."""
    d = req.digest
    req.headers["x-out"] = f"{d.length} {d.sha256[:4].hex()}"
    return next(req)


@stage("after", needs={"response": SEEN})
def after(config, req, next):
    """Acts on answers alone."""
    resp = next(req)
    resp.headers["x-seen"] = resp.headers["x-up"]
    return resp


@stage("watch", needs={"calls": True})
def watch(config, req, next):
    """Hears of the ends of calls."""
    return next(req)


@watch.ended
def ended(config, ended):
    """Tells of one."""
    log.info("ended", extra={"status": -1 if ended.error else ended.status})


serve()
