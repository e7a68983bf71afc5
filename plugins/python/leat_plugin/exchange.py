"""One request on its way through a stage that is a plain function, in a thread."""

from __future__ import annotations

import contextvars
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Optional

from . import plugin_pb2 as pb
from .call import Call
from .conversation import GONE, OVER, UPLOAD, Step
from .errors import Cancelled, error_to, internal
from .message import Request
from .outcome import Outcome
from .text import said
from .tracing import Tracing

if TYPE_CHECKING:
    from .session import Instance, Session

CURRENT: "contextvars.ContextVar[Optional[Exchange]]" = contextvars.ContextVar(
    "leat_exchange", default=None
)
"""The exchange that the code at hand works on, for the log."""


class Exchange(Outcome):
    """One exchange; it is its stage's ``next``."""

    def __init__(self, session: "Session", number: int, instance: "Instance", do: pb.Do) -> None:
        self.session, self.number, self.instance, self.do = session, number, instance, do
        self.level: int = do.log_level
        self.tracing = Tracing(do.traceparent, do.recording)
        self.call = Call(do.call, instance.needs.call, do.deadline, self)
        self.lock = threading.Lock()  # held from a frame that is answered until its answer
        self.ready()

    # The ways in which an answer comes to the stage.

    def ready(self) -> None:
        """Prepares the mail of a plain function."""
        self._mail: "SimpleQueue[Any]" = SimpleQueue()
        self.put = self._mail.put

    def begin(self) -> None:
        """Has the stage run."""
        self.session.server.pool.submit(self.run)

    def cancel(self) -> None:
        """Ends an exchange that nobody waits for any more."""
        self.gone = True
        self.call._cancel("canceled")
        self.put(GONE)

    def let_go(self) -> None:
        """Lets go of a thread of the stage's own that still waits for an answer."""
        if self.lock.locked():
            self.put(GONE)

    def drive(self, step: Step) -> Any:
        """Runs a step of the conversation to its end, in the stage's thread."""
        with self.lock:
            try:
                frame = step.send(None)
                while True:
                    self._speak(frame)
                    frame = step.send(self._heard(self._mail.get()))
            except StopIteration as done:
                return done.value

    async def drive_async(self, step: Step) -> Any:
        """Runs a step of the conversation of an async function."""
        step.close()
        raise internal("this stage is no async def: do not await here")

    def _speak(self, frame: Any) -> None:
        if self.over or self.gone:
            self._withdraw()
            raise internal(OVER) if self.over else Cancelled(self.call.ended)
        if frame is not UPLOAD:
            self.post(frame)

    def _heard(self, answer: Any) -> Any:
        if answer is GONE:
            raise Cancelled(self.call.ended) if self.gone else internal(OVER)
        return answer

    # The stage's work.

    def run(self) -> None:
        """Has the stage work, in a thread of the pool, and tells the host what came of it."""
        token = CURRENT.set(self)
        out: Optional[pb.Return] = None
        try:
            if not self.gone:  # while it waited for a thread
                try:
                    out = self.returned(self.work(self.drive(self.request())))
                except BaseException as err:  # a SystemExit must not take the thread along
                    out = self.failure(err)
            self.finish(out)
        finally:
            CURRENT.reset(token)
            self.close()

    def work(self, req: Request) -> Any:
        """Calls the author's function."""
        made = self.instance
        if made.type.takes_settings:
            return made.type.function(made.config, req, self.next, made.settings)
        return made.type.function(made.config, req, self.next)

    def next(self, req: Request) -> Any:
        """What the stage calls to hand its request on."""
        return self.drive(self.hand_on(req))

    def finish(self, out: Optional[pb.Return]) -> None:
        """Ends the exchange with what came of it, if somebody waits for that."""
        self.over = True
        self.session.server.bodies.unclaim(self.number, self.put)
        if not self.parted and self.session.finished(self):
            frame = pb.Frame()
            getattr(frame, "return").CopyFrom(out if out is not None else _nothing())
            try:
                self.post(frame)
            except Exception as err:  # it is too long, say
                frame = pb.Frame()
                getattr(frame, "return").error.CopyFrom(error_to(internal(_why(err))))
                self.post(frame)
        self._withdraw()
        self.let_go()

    def close(self) -> None:
        """Counts the exchange as over."""
        self.session.done(self.instance)


def _nothing() -> pb.Return:
    return pb.Return(error=error_to(internal("the stage was never begun")))


def _why(err: Exception) -> str:
    return str(getattr(err, "message", "")) or said(err)
