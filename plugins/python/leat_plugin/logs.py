"""Logging: records of the standard module travel to leat, which adds pipeline, stage and plugin."""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional

from . import plugin_pb2 as pb
from .text import text
from .tracing import MOST, attribute

if TYPE_CHECKING:
    from .server import Server
    from .session import Session

BURST, RATE = 4 << 20, 1 << 20
"""The most that a session logs: a burst, and then so much each second, in bytes. The rest is
dropped and counted.
"""

MAX_LOG = 64 << 10

_KNOWN = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {
    "message",
    "asctime",
    "taskName",
}


def slog_level(level: int) -> int:
    """A level of logging as the wire has it: 10 is -4 (debug), 20 is 0 (info), 30 is 4, 40 is 8."""
    return (level - 20) * 4 // 10


def python_level(level: int) -> int:
    """The lowest level of logging that a level of the wire wants."""
    return max(1, 20 + level * 10 // 4)


class LogSink:
    """Sends records of one session to its host, and never waits for it."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self.level: Optional[int] = None
        self._lock = threading.Lock()
        self._room, self._filled, self._dropped = float(BURST), time.monotonic(), 0

    def want(self, level: int) -> None:
        """Takes over what the host wants to hear, for loggers that have no level of their own."""
        self.level = level
        self._session.server.log_level(python_level(level))

    def say(self, level: int, message: str, attributes: Mapping[str, Any], x: Any = None) -> None:
        """Sends a record of the SDK's own."""
        wanted = x.level if x is not None else self.level
        if wanted is not None and slog_level(level) < wanted:
            return
        log = pb.Log(time=time.time_ns(), level=slog_level(level), message=text(message))
        for key, value in attributes.items():
            log.attributes.append(attribute(key, value))
        self.put(log, x)

    def put(self, log: pb.Log, x: Any) -> None:
        """Sends a record, of an exchange if there is one under way."""
        if log.ByteSize() > MAX_LOG:
            del log.attributes[:]
            log.attributes.append(attribute("truncated", True))
        with self._lock:
            now, length = time.monotonic(), log.ByteSize()
            self._room = min(BURST, self._room + (now - self._filled) * RATE)
            self._filled = now
            if length > self._room:
                self._dropped += 1
                return
            self._room -= length
            lost, self._dropped = self._dropped, 0
        if lost:
            log.attributes.append(attribute("dropped_before", lost))
        frame = pb.Frame()
        frame.log.CopyFrom(log)
        if x is not None:
            if getattr(x, "call", None) is None or self._session.under(
                x
            ):  # Told has none: it is over when it returns
                frame.exchange = x.number
            else:
                frame.log.attributes.append(attribute("pipeline", x.instance.pipeline))
                frame.log.attributes.append(attribute("stage", x.instance.name))
        self._session.send(frame)


class Handler(logging.Handler):
    """The handler of the root logger of a plugin."""

    def __init__(self, server: "Server") -> None:
        super().__init__()
        self._server = server

    def filter(self, record: logging.LogRecord) -> Any:
        """Lets through what the host wants of the exchange that the record belongs to."""
        if record.name.startswith("asyncio") and record.levelno < logging.INFO:
            return False  # "Using selector: EpollSelector" is nobody's concern
        x = _current()
        if x is not None and slog_level(record.levelno) < x.level:
            return False
        return super().filter(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Sends a record; where no host is there, it goes to stderr, which leat logs too."""
        try:
            x = _current()
            session = x.session if x is not None else self._server.any_session()
            if session is None:
                print(f"{record.levelname}: {record.getMessage()}", file=sys.stderr)
                return
            session.logs.put(_log(record), x)
        except Exception:
            self.handleError(record)


def _current() -> Any:
    from .exchange import CURRENT

    return CURRENT.get()


def _log(record: logging.LogRecord) -> pb.Log:
    log = pb.Log(
        time=int(record.created * 1e9),
        level=slog_level(record.levelno),
        message=text(record.getMessage()),
    )
    extra: Dict[str, Any] = {k: v for k, v in vars(record).items() if k not in _KNOWN}
    for key, value in list(extra.items())[:MOST]:
        log.attributes.append(attribute(key, value))
    if record.name != "root":
        log.attributes.append(attribute("logger", record.name))
    if record.exc_info and record.exc_info[1] is not None:
        log.attributes.append(
            attribute("exception", "".join(traceback.format_exception(*record.exc_info))[-6000:])
        )
    return log
