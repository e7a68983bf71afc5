"""An exchange whose stage is an async def."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Deque, Optional

from . import plugin_pb2 as pb
from .conversation import GONE, Step
from .errors import internal
from .exchange import CURRENT, Exchange
from .message import Request


class AsyncExchange(Exchange):
    """An exchange whose stage is an async def: it runs on the loop that all of those share."""

    is_async = True
    _task: "Optional[asyncio.Task[None]]" = None

    def ready(self) -> None:
        """Prepares the mail of an async function."""
        self._items: Deque[Any] = deque()
        self._waiter: "Optional[asyncio.Future[None]]" = None
        self._asking = False
        self._loop = self.session.server.loop()

    def put(self, item: Any) -> None:  # type: ignore[override]
        """Hands over an answer, from another thread."""
        try:
            self._loop.call_soon_threadsafe(self._put, item)
        except RuntimeError:  # the loop is closed: the process ends
            pass

    def _put(self, item: Any) -> None:
        self._items.append(item)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def begin(self) -> None:
        """Has the stage run."""
        self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        if self.gone:  # before it began
            self.close()
            return
        self._task = self._loop.create_task(self.run_async())
        self._task.add_done_callback(self._done)  # also of one cancelled before its first step

    def _done(self, _: Any) -> None:
        self.close()

    def cancel(self) -> None:
        """Ends the exchange: its task is cancelled."""
        self.gone = True
        self.call._cancel("canceled")
        try:
            self._loop.call_soon_threadsafe(self._stop)
        except RuntimeError:
            pass

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def drive(self, step: Step) -> Any:
        """Refuses what would block the event loop."""
        step.close()
        raise internal("this would block the event loop: in an async def use await")

    async def drive_async(self, step: Step) -> Any:
        """Runs a step of the conversation to its end."""
        if self._asking:
            step.close()
            raise internal(
                "the stage asked for a second answer before it had the first: await one after the"
                " other"
            )
        self._asking = True
        try:
            frame = step.send(None)
            while True:
                self._speak(frame)
                frame = step.send(self._heard(await self._get()))
        except StopIteration as done:
            return done.value
        finally:
            self._asking = False

    async def _get(self) -> Any:
        while not self._items:
            self._waiter = self._loop.create_future()
            await self._waiter
        return self._items.popleft()

    def let_go(self) -> None:
        """Lets go of a task of the stage's own that still waits for an answer."""
        if self._asking:
            self._put(GONE)

    def next(self, req: Request) -> Any:
        """What the stage awaits to hand its request on."""
        return self.drive_async(self.hand_on(req))

    async def run_async(self) -> None:
        """Has the stage work, and tells the host what came of it."""
        CURRENT.set(self)  # of this task alone
        out: Optional[pb.Return] = None
        try:
            req = await self.drive_async(self.request())
            out = self.returned(await self.work(req))
        except asyncio.CancelledError as err:
            if not self.gone:
                out = self.failure(internal(f"the stage's task was cancelled: {err}"))
        except BaseException as err:
            out = self.failure(err)
        self.finish(out)
