"""A stage that a host has opened, and what its author keeps in it."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Callable, Optional

from . import plugin_pb2 as pb
from .exchange import Exchange
from .exchange_async import AsyncExchange
from .needs import Effective
from .text import said

if TYPE_CHECKING:
    from .session import Session
    from .stages import Stage


class Settings:
    """What leat says of one stage of a file, and what its ``open`` has made.

    ``open(config, settings)`` sets ``state`` before the first request; the stage's function has the
    settings as its fourth argument, if it takes one, and that of ``ended`` as its third.
    """

    __slots__ = ("pipeline", "stage", "dir", "state")

    def __init__(self, pipeline: str, stage: str, dir: str) -> None:
        self.pipeline = pipeline
        """The name of the pipeline."""
        self.stage = stage
        """The stage's name in the file."""
        self.dir = dir
        """The file's folder, from which relative paths count."""
        self.state: Any = None
        """Whatever the stage keeps; of this stage alone."""


class Instance:
    """A stage that the host has opened."""

    __slots__ = (
        "session",
        "type",
        "config",
        "name",
        "pipeline",
        "needs",
        "busy",
        "closing",
        "exchange",
        "settings",
    )

    def __init__(
        self, session: "Session", stage: "Stage", config: Any, opened: pb.Open, needs: Effective
    ) -> None:
        self.session, self.type, self.config, self.needs = session, stage, config, needs
        self.name, self.pipeline = opened.stage, opened.pipeline
        self.exchange = AsyncExchange if stage.is_async else Exchange
        self.busy = 0  # exchanges; of the session's lock
        self.closing: Optional[Callable[[], None]] = None  # answers Close once they are over
        self.settings = Settings(opened.pipeline, opened.stage, opened.dir)

    def open(self) -> None:
        """Has the author's open make the state; what it raises says why there is no stage."""
        if self.type.open is not None:
            made = self._run(self.type.open, self.config, self.settings)
            if made is not None and self.settings.state is None:
                self.settings.state = made

    def close(self, closed: Callable[[str], None] = lambda why: None) -> None:
        """Has the author's close run, in a thread of its own, and tells what went wrong."""
        hook = self.type.close
        if hook is None:
            closed("")
            return

        def run() -> None:
            try:
                self._run(hook, self.settings)
            except BaseException as err:  # also a sys.exit of the author's
                self.session.server.explain(err)
                closed(said(err))
            else:
                closed("")

        threading.Thread(target=run, name="close", daemon=True).start()

    def _run(self, function: Callable[..., Any], *args: Any) -> Any:
        got = function(*args)
        if asyncio.iscoroutine(got):
            return asyncio.run_coroutine_threadsafe(got, self.session.server.loop()).result()
        return got
