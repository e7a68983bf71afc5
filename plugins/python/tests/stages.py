"""The plugin of the tests: each stage is there for a rule or two."""

import asyncio
import logging
import os
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Dict, List, Literal, Optional

from leat_plugin import ConfigError, NextError, Response, Secret, StageError, serve, stage

log = logging.getLogger("stages")
print("printed before serve")

RESPONSE = {"headers": ["*"], "body": "full", "edit": ["*", ":status", ":body"]}
ALL = {
    "request": {
        "headers": ["*"],
        "query": True,
        "body": "full",
        "body_limit": "8MiB",
        "edit": ["*", ":method", ":url", ":body"],
        "call": ["subject", "operation", "labels", "idempotency_key"],
    },
    "response": {**RESPONSE, "body_limit": "8MiB"},
    "answer": True,
    "retry": True,
    "credentials": ["*"],
}


@stage("tenant", needs={"request": {"edit": ["x-tenant"], "call": ["subject"]}})
def tenant(config, req, next):
    """Puts the tenant into a header."""
    req.headers["x-tenant"] = req.call.subject
    return next(req)


@stage("last-long", needs={"request": {"edit": ["x-a"]}})
def last_long(config, req, next):
    req.headers["x-a"] = "a" * (2 << 20)
    return next(req)


@stage("last-more", needs={"request": {"edit": ["x-a"]}})
def last_more(config, req, next):
    next(req)
    raise StageError("client", "too late")


@stage("edits", needs=ALL)
def edits(config, req, next):
    req.method, req.url = "PUT", req.url + "&more=1"
    req.headers["x-new"] = ["1", "2"]
    del req.headers["x-old"]
    req.body = req.body.upper()
    resp = next(req)
    resp.status = 201
    resp.headers["x-seen"] = resp.headers.get("x-from", "none")
    resp.body = resp.body + b"!"
    return resp


@stage("retry", needs=ALL)
def retry(config, req, next):
    for attempt in range(1, 4):
        req.call.start_attempt()
        req.headers["x-attempt"] = str(attempt)
        resp = next(req)
        if resp.status < 500 or attempt == 3:
            return resp
        resp.drop()
        req.call.wait(0.25)


@stage("wants-two", needs={"request": {}, "response": {}})
def wants_two(config, req, next):
    next(req)
    return next(req)


@stage("after", needs={"response": {"headers": ["*"], "edit": ["x-b"]}})
def after(config, req, next):
    resp = next(req)
    resp.headers["x-b"] = str(resp.status)
    return resp


@stage("errors", needs=ALL)
def errors(config, req, next):
    what = req.headers.get("x-what", "")
    if what == "own":
        raise StageError(
            "client", "no", class_="processed", reason="because", status=404, retry_after=1.5
        )
    if what == "bug":
        raise KeyError("who knows")
    if what == "exit":
        raise SystemExit(3)
    if what == "net":
        raise ConnectionRefusedError(111, "Connection refused")
    if what == "slow":
        raise TimeoutError("too slow")
    if what == "nothing":
        return None
    if what == "answer":
        return Response.of_json(403, {"no": True}, {"x-own": "1"})
    if what == "big":
        return Response(200, {"x-big": "x" * (2 << 20)})
    if what == "swallow":
        try:
            next(req)
        except NextError as err:
            return Response(200, {}, err.kind)
    if what == "from":
        try:
            return next(req)
        except NextError as err:
            raise StageError("server", "as I see it") from err
    return next(req)


@stage("reads", needs=ALL)
def reads(config, req, next):
    resp = next(req)
    try:
        length = len(resp.body)
    except StageError as err:
        if req.headers.get("x-what") == "tell":
            raise
        return Response(200, {}, str(err))
    assert len(resp.body) == length  # asked for once
    return Response(200, {"x-length": str(length)}) if req.headers.get("x-what") == "own" else resp


@stage(
    "digests",
    needs={
        "request": {"body": "digest", "edit": ["x-sum"]},
        "response": {"body": "digest", "edit": ["x-sum"]},
    },
)
def digests(config, req, next):
    req.headers["x-sum"] = req.digest.sha256.hex()
    resp = next(req)
    resp.headers["x-sum"] = resp.digest.sha256.hex()
    return resp


@stage("uploads", needs=ALL)
def uploads(config, req, next):
    resp = next(req)
    resp.headers["x-request-length"] = str(len(req.body))
    resp.body = resp.body[::-1]
    return resp


@stage("blocks", needs=ALL)
def blocks(config, req, next):
    """Works until it is told that nobody waits."""
    next(req)
    if not req.call.cancelled.wait(30):
        raise StageError("internal", "never told")
    log.error("blocks was told %s", req.call.ended)
    req.call.wait(1)
    raise AssertionError("a wait after the end")


@stage("spins", needs=ALL)
def spins(config, req, next):
    """Holds the interpreter as hard as a program can."""
    next(req)
    while True:
        pass


@stage("async", needs=ALL)
async def asynchronous(config, req, next):
    what = req.headers.get("x-what", "")
    if what == "forever":
        try:
            await next(req)
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            log.error("async was cancelled")
            raise
    if what == "wait":
        await req.call.wait(0.5)
    if what == "early":
        resp = await next(req)
        return Response(200, {}, resp.body)
    req.headers["x-async"] = "1"
    resp = await next(req)
    if await resp.read():
        resp.body = resp.text.upper()
    return resp


@stage("many", needs=ALL)
def many(config, req, next):
    """All of a hundred must be within at the same time."""
    with _lock:
        _inside.append(1)
        if len(_inside) == 100:
            _all.set()
    if not _all.wait(30):
        raise StageError("internal", f"only {len(_inside)} came")
    return next(req)


_lock, _inside, _all = threading.Lock(), [], threading.Event()


@stage("changes", needs=ALL)
def changes(config, req, next):
    call = req.call
    call.attach("partner", subject="ada")
    call.mark_idempotent("key-1")
    call.event("looked", "at it", reason="why", attempt=1, status=3, duration=0.5)
    resp = next(req)
    call.reject("partner")
    call.skip_credential("public")
    call.judge("server", "unknown", "odd")
    call.stop("enough")
    return resp


@stage("telemetry", needs={"request": {"headers": ["*"]}, "response": {}})
def telemetry(config, req, next):
    log.debug("deep", extra={"n": 1})
    log.info(
        "told %s",
        "so",
        extra={"n": 1, "took": timedelta(seconds=2), "who": {"name": "ada"}, "list": ["a", "b"]},
    )
    try:
        raise ValueError("inner")
    except ValueError:
        log.exception("with a stack")
    req.span.set_attribute("tenant", "ada")
    with req.span.start("token", kind="client", host="idp") as span:
        span.add_event("asked", n=2)
        with span.start("inner"):
            pass
    try:
        with req.span.start("bad"):
            raise ValueError("broken")
    except ValueError:
        pass
    return next(req)


@stage("prints", needs={"request": {}})
def prints(config, req, next):
    print("a print of a stage")
    os.system("echo an echo of a program")
    return next(req)


@stage("calls", needs={"request": {}, "calls": True})
def calls(config, req, next):
    return next(req)


@calls.ended
def calls_ended(config, ended):
    log.error(
        "call ended",
        extra={
            "status": ended.status,
            "kind": ended.error.kind if ended.error else "",
            "url": ended.request.url,
        },
    )


@stage("granted", needs=ALL)
def granted(config, req, next):
    return Response(200, {}, req.call.subject)


@dataclass
class Rule:
    match: Annotated[str, "what it is about"]
    allow: bool = True


@dataclass
class Config:
    """A config with everything."""

    header: Annotated[str, "the header's name"]
    key: Annotated[Optional[Secret], "where the key is"] = None
    mode: Literal["strict", "lax"] = "strict"
    limit: int = field(default=10, metadata={"doc": "how many"})
    ttl: timedelta = timedelta(minutes=5)
    names: List[str] = field(default_factory=lambda: ["a"])
    weights: Dict[str, float] = field(default_factory=dict)
    rules: List[Rule] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ConfigError("limit must be at least 1", "limit", "write 1 or more")


@stage(
    "config",
    config=Config,
    needs=lambda c: {"request": {"edit": [c.header]}, "response": {}},
    most={"request": {"edit": ["*"]}, "response": {}},
)
def configured(config, req, next):
    key = config.key.get() if config.key else ""
    req.headers[
        config.header
    ] = f"{config.mode} {config.limit} {config.ttl} {config.names} {config.rules} {len(key)} {config.key!r}"
    return next(req)


serve(version="1.2.3")
