"""The end of a call, of which a stage is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from . import plugin_pb2 as pb
from .call import Call, Ended
from .errors import NextError, StageError
from .exchange import CURRENT
from .headers import Headers
from .message import Request
from .text import said
from .tracing import Tracing

if TYPE_CHECKING:
    from .instance import Instance
    from .session import Session


class Told:
    """A stage is told of the end of a call, in an exchange that nothing answers."""

    def __init__(
        self, session: "Session", number: int, instance: "Instance", ended: pb.Ended
    ) -> None:
        self.session, self.number, self.instance, self.level = (
            session,
            number,
            instance,
            ended.log_level,
        )
        self.tracing = Tracing(ended.traceparent, False)
        r = ended.request
        request = Request(r.method or "GET", r.url, Headers._of(r.headers), b"", r.host)
        request._body, request.length = None, r.length
        request._why = "the body of a call that has ended is gone"
        request.call = Call(ended.call, instance.needs.call, 0)
        error: Optional[StageError] = NextError(ended.error) if ended.HasField("error") else None
        self.event = Ended(request, request.call, ended.status, error)

    def run(self) -> None:
        """Tells a plain function."""
        token = CURRENT.set(self)  # type: ignore[arg-type]
        try:
            self._tell()
        except BaseException as err:
            self._failed(err)
        finally:
            CURRENT.reset(token)
            self.session.done(self.instance)

    def _tell(self) -> Any:
        made = self.instance
        more = (made.settings,) if made.type.ended_takes_settings else ()
        return made.type.on_ended(made.config, self.event, *more)

    def begin_async(self) -> None:
        """Tells an async function."""
        self._task = self.session.server.loop().create_task(self._run_async())
        self._task.add_done_callback(lambda _: self.session.done(self.instance))

    async def _run_async(self) -> None:
        CURRENT.set(self)  # type: ignore[arg-type]
        try:
            await self._tell()
        except BaseException as err:
            self._failed(err)

    def _failed(self, err: BaseException) -> None:
        self.session.logs.say(
            40,
            "stage raised an exception as a call ended",
            {"stage": self.instance.name, "exception": said(err)},
            self,
        )
