"""One host's stream: it opens stages, begins exchanges, and carries their frames."""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Dict, Iterator, List, Optional

from . import plugin_pb2 as pb
from .errors import ConfigError, error_to, internal
from .exchange import Exchange
from .instance import Instance
from .logs import LogSink
from .needs import Effective
from .text import said, size, text
from .told import Told

if TYPE_CHECKING:
    from .server import Server

MAX_FRAME = 1 << 20
"""The longest frame, in bytes."""

GOOD_BATCH = 1 << 17
"""How much is written as one message where more is pending."""

MAX_PENDING = 32 << 20
"""Bounds what waits to be written: a host that reads nothing must not take all memory."""

MAX_EXCHANGES = 1 << 16

_END = b""


class Session:
    """A session; its methods may be called by any thread."""

    def __init__(self, server: "Server") -> None:
        self.server = server
        self.logs = LogSink(self)
        self.ended = False
        self._lock = threading.Lock()
        self._live: Dict[int, Exchange] = {}
        self._instances: Dict[int, Instance] = {}
        self._out: "SimpleQueue[bytes]" = SimpleQueue()
        self._pending = 0
        self._pending_lock = threading.Lock()

    # The stream.

    def serve(self, batches: Iterator[bytes]) -> Iterator[bytes]:
        """Reads the host's batches in a thread of its own, and yields those to send."""
        self.server.enter(self)
        threading.Thread(target=self._read, args=(batches,), name="session", daemon=True).start()
        try:
            while True:
                first = self._out.get()
                if first is _END:
                    return
                yield self._batch(first)
        finally:
            self.end()

    def _batch(self, first: bytes) -> bytes:
        """A message of the frames that are ready together."""
        parts = [first]
        length = len(first)
        while length < GOOD_BATCH:
            try:
                more = self._out.get_nowait()
            except Empty:
                break
            if more is _END:
                self._out.put(_END)
                break
            parts.append(more)
            length += len(more)
        with self._pending_lock:
            self._pending -= length
        return b"".join(parts) if len(parts) > 1 else first

    def send(self, frame: pb.Frame) -> bool:
        """Queues a frame, and reports whether the host is there; one that is too big is a
        StageError.
        """
        data = frame.SerializeToString()
        length = len(data)
        if length > MAX_FRAME:
            raise internal(
                f"what the stage hands over does not fit into a frame of {size(MAX_FRAME)}"
            )
        head = b"\x0a" + _varint(length) + data  # field 1 of Batch
        with self._pending_lock:
            full = self._pending > MAX_PENDING
            if not full:
                self._pending += len(head)
        if full:
            self.end()
        if self.ended:
            return False
        self._out.put(head)
        return True

    def _read(self, batches: Iterator[bytes]) -> None:
        try:
            parse, handle = pb.Batch.FromString, self.handle
            for raw in batches:
                for frame in parse(raw).frames:
                    handle(frame)
        except Exception as err:
            if (
                not self.ended
                and type(err).__module__.partition(".")[0] != "grpc"
                and "grpc" not in type(err).__module__
            ):
                import traceback

                traceback.print_exc()
        finally:
            self.end()

    def end(self) -> None:
        """Ends all exchanges: the host is gone, or ended the stream."""
        with self._lock:
            if self.ended:
                return
            self.ended = True
            live, self._live = self._live, {}
            instances, self._instances = self._instances, {}
            idle = [one for one in instances.values() if one.closing is None and one.busy == 0]
            for one in instances.values():
                one.closing = one.closing or one.close
        for number, x in live.items():
            x.cancel()
            self.server.bodies.forget(number)
        self.server.bodies.abandon(self)
        for one in idle:
            one.close()
        self._out.put(_END)
        self.server.leave(self)

    def drain(self) -> None:
        """Tells the host to begin nothing new."""
        frame = pb.Frame()
        frame.draining.SetInParent()
        self.send(frame)

    # The host's frames.

    def handle(self, frame: pb.Frame) -> None:
        """Takes one frame; what may block has a thread of its own."""
        kind = frame.WhichOneof("kind")
        if kind == "do":
            self._begin(frame.exchange, frame.do)
        elif kind in ("result", "awake", "body"):
            x = self._live.get(frame.exchange)
            if x is not None:
                x.put(frame)
        elif kind == "cancel":
            self._cancel(frame.exchange)
        elif kind == "open":
            # A thread of its own: those of stages may all be taken.
            threading.Thread(
                target=self._open, args=(frame.exchange, frame.open), name="open", daemon=True
            ).start()
        elif kind == "close":
            self._close(frame.exchange, frame.close.instance)
        elif kind == "ended":
            self._call_ended(frame.exchange, frame.ended)
        elif self._cancel(frame.exchange):
            self._refuse(
                frame.exchange,
                "the host sent a kind of frame that this SDK does not know: upgrade leat_plugin",
            )

    def _begin(self, number: int, do: pb.Do) -> None:
        with self._lock:
            instance = self._instances.get(do.instance)
            why = ""
            if self.ended:
                return
            if number in self._live:
                why = "the host began an exchange twice"
            elif instance is None or instance.closing is not None:
                why = f"instance {do.instance} is not open"
            elif len(self._live) >= MAX_EXCHANGES:
                why = f"more than {MAX_EXCHANGES} exchanges are under way"
            else:
                x = instance.exchange(self, number, instance, do)
                self._live[number] = x
                instance.busy += 1
        if why:
            self._refuse(number, why)
            return
        if self.logs.level != x.level:
            self.logs.want(x.level)
        x.begin()

    def _refuse(self, number: int, why: str) -> None:
        frame = pb.Frame(exchange=number)
        getattr(frame, "return").error.CopyFrom(error_to(internal(why)))
        self.send(frame)

    def _cancel(self, number: int) -> bool:
        """Ends an exchange that the host does not wait for, and reports whether it was under way."""
        with self._lock:
            x = self._live.pop(number, None)
        if x is not None:
            x.cancel()
        self.server.bodies.forget(number)
        return x is not None

    def finished(self, x: Exchange) -> bool:
        """Takes an exchange out, and reports whether the host still waits for its end."""
        with self._lock:
            if self._live.get(x.number) is not x:
                return False
            del self._live[x.number]
            return True

    def under(self, x: Exchange) -> bool:
        """Reports whether an exchange is under way as far as the host knows."""
        return self._live.get(x.number) is x

    def done(self, instance: Instance) -> None:
        """Counts an exchange of an instance as over."""
        with self._lock:
            instance.busy -= 1
            closing = instance.closing if instance.busy == 0 else None
        if closing is not None:
            closing()

    # Instances.

    def _open(self, number: int, opened: pb.Open) -> None:
        out = pb.Frame(exchange=number)
        out.opened.SetInParent()
        instance = None
        try:
            instance = self._make(opened, out.opened)
        except ConfigError as err:
            out.opened.mistakes.add(
                path=text(err.path), message=text(err.message), hint=text(err.hint)
            )
        except BaseException as err:  # also a sys.exit of the author's
            self.server.explain(err)
            out.opened.Clear()
            out.opened.failure = said(err)
        if instance is not None:
            with self._lock:
                taken = opened.instance in self._instances
                kept = not taken and not self.ended
                if kept:
                    self._instances[opened.instance] = instance
            if taken:
                out.opened.Clear()
                out.opened.failure = f"instance {opened.instance} is open already"
            if not kept:
                instance.close()
        self.send(out)

    def _make(self, opened: pb.Open, out: pb.Opened) -> Optional[Instance]:
        stage = self.server.stages.get(opened.type)
        if stage is None:
            out.mistakes.add(message=f'there is no type "{text(opened.type)}"')
            return None
        config, mistakes = stage.decode(opened.config, opened.dir, follow=True)
        out.mistakes.extend(mistakes)
        if mistakes:
            return None
        own = stage.needs_of(config)
        out.needs.CopyFrom(own)
        granted = opened.granted if opened.HasField("granted") else None
        instance = Instance(self, stage, config, opened, Effective(own, granted))
        instance.open()
        return instance

    def _close(self, number: int, which: int) -> None:
        with self._lock:
            instance = self._instances.get(which)
            if instance is not None and instance.closing is None:
                instance.closing = lambda: instance.close(
                    lambda why: self._closed(number, which, why)
                )
                wait = instance.busy > 0
        if instance is None:  # one that could not be made is closed, too
            self._closed(number, which, "")
        elif not wait:
            instance.closing()

    def _closed(self, number: int, which: int, why: str) -> None:
        out = pb.Frame(exchange=number)
        out.closed.failure = why
        out.closed.SetInParent()
        with self._lock:
            self._instances.pop(which, None)
        self.send(out)

    # The end of calls.

    def _call_ended(self, number: int, ended: pb.Ended) -> None:
        with self._lock:
            instance = self._instances.get(ended.instance)
            if (
                instance is None
                or instance.closing is not None
                or self.ended
                or instance.type.on_ended is None
            ):
                return
            instance.busy += 1
        told = Told(self, number, instance, ended)
        if instance.type.ended_async:
            self.server.loop().call_soon_threadsafe(told.begin_async)
        else:
            self.server.pool.submit(told.run)


def _varint(n: int) -> bytes:
    if n < 0x80:
        return bytes((n,))
    out: List[int] = []
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)
