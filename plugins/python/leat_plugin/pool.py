"""Threads for plain functions: made as they are needed, kept, and bounded."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from queue import SimpleQueue
from typing import Any, Callable, Optional

from . import process

MOST = 1024
"""How many plain functions can be under way at once by default: one within next holds its thread.
"""


WARN_EVERY = 30.0
"""How often it is told that all threads are taken, in seconds."""


class Pool:
    """Runs functions on threads. What comes beyond the bound waits for a thread."""

    def __init__(
        self, most: int = MOST, full: Callable[[int, int], None] = lambda *_: None
    ) -> None:
        """``full(threads, waiting)`` is told once in a while that all threads are taken."""
        self._most, self._full, self._warn = most, full, 0.0
        self._lock = threading.Lock()
        self._work: "SimpleQueue[Optional[Callable[[], Any]]]" = SimpleQueue()
        self._threads = 0
        self._free = 0  # threads that wait, less the work that waits for one

    def submit(self, work: Callable[[], Any]) -> None:
        """Has work run; it must not raise."""
        with self._lock:
            self._free -= 1
            grow = self._free < 0 and self._threads < self._most
            if grow:
                self._threads += 1
                self._free += 1
            waiting = -self._free
            warn = waiting > 0 and time.monotonic() >= self._warn
            if warn:
                self._warn = time.monotonic() + WARN_EVERY
        self._work.put(work)
        if grow:
            self._start()
        if warn:
            self._full(self._most, waiting)

    def _start(self) -> None:
        try:
            threading.Thread(target=self._run, name=f"stage-{self._threads}", daemon=True).start()
        except RuntimeError:  # the system has no more: the work waits for those that there are
            with self._lock:
                self._threads -= 1
                self._free -= 1

    def close(self) -> None:
        """Ends the threads once they have nothing to do; nothing is submitted afterwards."""
        with self._lock:
            threads = self._threads
        for _ in range(threads):
            self._work.put(None)

    def _run(self) -> None:
        get = self._work.get
        while True:
            work = get()
            if work is None:
                return
            try:
                work()
            except BaseException:  # a thread that died would still be counted
                traceback.print_exc(file=sys.stderr)
            del work  # or it is kept until the next comes
            if process.forked():  # a child of the work's has nothing to do here
                os._exit(0)
            with self._lock:
                self._free += 1
