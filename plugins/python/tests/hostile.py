"""A plugin whose stages do what nobody should: the header x-do says what."""

import asyncio
import logging
import os
import sys
import threading
import time
from dataclasses import dataclass
from typing import Annotated, Optional

from leat_plugin import ConfigError, Response, Secret, StageError, serve, stage

log = logging.getLogger("hostile")
ALL = {
    "request": {
        "headers": ["*"],
        "body": "full",
        "body_limit": "8MiB",
        "edit": ["*", ":body"],
    },
    "response": {"headers": ["*"], "edit": ["*", ":status", ":body"], "body": "full"},
    "answer": True,
    "retry": True,
}
BIG = b"z" * 100_000


class BadStr(Exception):
    def __str__(self):
        raise RuntimeError("no str")

    __repr__ = __str__


class ExitingStr(Exception):
    def __str__(self):
        sys.exit(3)


class BadReason(Exception):
    @property
    def reason(self):
        raise RuntimeError("no reason")


class NoSuper(StageError):
    def __init__(self, x):
        self.x = x


def misbehave(what):
    if what == "str":
        raise BadStr()
    if what == "exiting-str":
        raise ExitingStr()
    if what == "reason":
        raise BadReason()
    if what == "no-super":
        raise NoSuper(1)
    if what == "status":
        err = StageError("validation", "x")
        err.status = "many"
        raise err
    if what == "retry-after":
        raise StageError("rate_limited", "x", retry_after="3")
    if what == "infinite":
        raise StageError("rate_limited", "x", retry_after=float("inf"))
    if what == "recursion":
        misbehave(what)
    if what == "generator":
        raise GeneratorExit()
    if what == "exit":
        sys.exit("bye")


@stage("plain", needs=ALL)
def plain(config, req, next):
    what = req.headers.get("x-do", "")
    misbehave(what)
    if what == "hold":
        req.call.cancelled.wait(30)
    if what == "mark":
        log.error("the author's function ran")
    if what == "big":
        next(req)
        req.call.cancelled.wait(30)
        return Response(200, {}, BIG)
    if what == "big-next":
        next(req)
        req.call.cancelled.wait(30)
        req.body = BIG
        return next(req)
    if what == "leaving":
        return Response(200, {"x-leaving": str(len(next.__self__.session.server.bodies._leaving))})
    if what == "own-thread":
        ended = threading.Event()

        def own():
            try:
                next(req)
            except StageError as err:
                log.error("own thread: %s", err.message)
            ended.set()

        thread = threading.Thread(target=own)
        thread.start()
        while not next.__self__.lock.locked():
            time.sleep(0.001)
        return Response(200)
    if what == "204":
        return Response(204, {}, b"abc")
    if what == "dict-body":
        req.body = {"a": 1}
    if what == "dict-response":
        return Response(200, {}, {"a": 1})
    if what == "dict-headers":
        req.headers = {"X-Do": what, "X-New": "1"}
    if what == "int-headers":
        req.headers = 5
    if what == "breakpoint":
        breakpoint()
    if what == "log":
        log.error("huge", extra={"n": 10**5000, "bad": BadStr()})
    return next(req)


@stage("parted", needs={"request": {"headers": ["*"]}})
def parted(config, req, next):
    next(req)
    misbehave(req.headers.get("x-do", ""))


@stage("async", needs=ALL)
async def asynchronous(config, req, next):
    what = req.headers.get("x-do", "")
    misbehave(what)
    if what == "no-await":
        return next(req)
    if what == "attribute":
        return Response(next(req).status)
    if what == "task":
        task = asyncio.ensure_future(next(req))
        task.add_done_callback(lambda t: log.error("own task: %s", t.exception().message))
        while not next.__self__._asking:
            await asyncio.sleep(0)
        return Response(200)
    if what == "stop":
        asyncio.get_running_loop().stop()
        await asyncio.sleep(0)
    if what == "block":
        log.error("blocks the loop")
        while True:
            time.sleep(0.01)
    return await next(req)


@dataclass
class Exits:
    where: str = ""

    def __post_init__(self):
        if self.where == "config":
            sys.exit("a config that exits")


def exiting_needs(config):
    if config.where == "needs":
        sys.exit("needs that exit")
    return {}


@stage("exits", config=Exits, needs=exiting_needs, most={})
def exits(config, req, next):
    return next(req)


@dataclass
class Kept:
    fail: Annotated[str, "how open fails"] = ""
    key: Optional[Secret] = None


def open_kept(config, settings):
    if config.fail == "config":
        raise ConfigError("not that", "fail", "write another")
    if config.fail == "failure":
        raise ConnectionError("the database is away")
    if config.fail == "exit":
        sys.exit("open exits")
    settings.state = {"stage": settings.stage, "requests": 0}


def close_kept(settings):
    log.error("closed after %d", settings.state["requests"])


@stage("kept", config=Kept, needs=ALL, open=open_kept, close=close_kept)
def kept(config, req, next, settings):
    settings.state["requests"] += 1
    return Response(200, {"x-stage": settings.state["stage"]})


async def open_async(config, settings):
    await asyncio.sleep(0)
    return "made"


async def close_async(settings):
    await asyncio.sleep(0)
    raise ValueError(f"what was {settings.state} can't be closed")


@stage("kept-async", needs=ALL, open=open_async, close=close_async)
async def kept_async(config, req, next, settings):
    return Response(200, {"x-state": settings.state})


@stage("forks", needs={"request": {}, "answer": True})
def forks(config, req, next):
    """Has a child end by SIGTERM, and says how it ended."""
    import signal

    pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
    os.kill(pid, signal.SIGTERM)
    _, status = os.waitpid(pid, 0)
    return Response(200, {"x-signal": str(os.WTERMSIG(status))})


@stage("forks-and-raises", needs={"request": {}, "answer": True})
def forks_and_raises(config, req, next):
    pid = os.fork()
    if pid == 0:
        raise SystemExit(0)
    _, status = os.waitpid(pid, 0)
    return Response(200, {"x-code": str(os.WEXITSTATUS(status))})


serve(threads=int(os.environ.get("THREADS", "8")))
