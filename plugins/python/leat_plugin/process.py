"""The process of a plugin: its standard streams, its signals, and its end with its host."""

from __future__ import annotations

import atexit
import os
import signal
import stat
import sys
import threading
import time
import traceback
from typing import Any, Optional

COOKIE, COOKIE_VALUE = "LEAT_PLUGIN", "leat-plugin-v1"
SOCKET_DIR = "PLUGIN_UNIX_SOCKET_DIR"
DEV = "LEAT_PLUGIN_DEV"

_stdout: Optional[int] = None  # the handshake's, once guard() has taken it


def started_by_host() -> bool:
    """Reports whether a host has started the program."""
    return os.environ.get(COOKIE) == COOKIE_VALUE


def guard() -> None:
    """Takes standard output for the handshake, before anything that the program imports can write
    there.

    What the program prints goes to stderr, which leat logs. An interrupt is the host's business
    from here on.
    """
    global _stdout
    if _stdout is not None or not (started_by_host() or os.environ.get(DEV)):
        return
    sys.stdout.flush()
    _stdout = os.dup(1)
    os.dup2(2, 1)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)
    if started_by_host():
        atexit.register(_at_exit)
        sys.excepthook = _explain
    if started_by_host() and threading.current_thread() is threading.main_thread():
        signal.signal(
            signal.SIGINT, _pass
        )  # no SIG_IGN: programs that a stage starts would inherit that


_served = False
_forked = False


def served() -> None:
    """Notes that the program has called serve()."""
    global _served
    _served = True


def forked() -> bool:
    """Reports whether this is a child that a stage has forked."""
    return _forked


def _at_exit() -> None:
    """Tells an author who forgot it: leat only sees that the program ended."""
    if not _served and getattr(sys, "last_value", None) is None:
        sys.stderr.write("serve() was never called: end the program with leat_plugin.serve()\n")


def _explain(kind: Any, err: BaseException, trace: Any) -> None:
    """Shows an exception that ends the program so that the author's own line is the last one: leat
    quotes the end of what a program says that did not start.
    """
    here, frames = os.path.dirname(os.path.abspath(__file__)), traceback.extract_tb(trace)
    own = [f for f in frames if os.path.dirname(os.path.abspath(f.filename)) != here]
    said = traceback.format_exception_only(kind, err)
    sys.stderr.write("".join(["Traceback:\n", *traceback.format_list(own or frames)]))
    if own:
        said[-1] = f"{own[-1].filename}:{own[-1].lineno}: {said[-1]}"
    sys.stderr.write("".join(said))
    sys.stderr.flush()


def _pass(*_: Any) -> None:
    """Takes a signal for what it is: somebody else's."""


def say_handshake(line: str) -> None:
    """Tells the host where to connect: the one line that standard output is for."""
    assert _stdout is not None
    data = (line + "\n").encode()
    while data:
        data = data[os.write(_stdout, data) :]
    os.close(_stdout)


class Life:
    """Waits for the reasons to end. Signal handlers and threads may call note()."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._mask = threading.local()
        self._own = [self._read, self._write]  # no business of a child
        self.socket = ""
        self.dir = ""  # the host's, for the socket; it goes along
        self._leaving = threading.Lock()

    def note(self, why: bytes) -> None:
        """Notes a reason, of one byte."""
        try:
            os.write(self._write, why)
        except BlockingIOError:
            pass  # there are more than enough

    def wait(self, seconds: Optional[float] = None) -> bytes:
        """Waits for the next reason; ``b""`` where none came in time."""
        import select

        until = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if until is None else max(0.0, until - time.monotonic())
            ready, _, _ = select.select([self._read], [], [], left)
            why = os.read(self._read, 1) if ready else b""
            if why == b"" or why >= b" ":
                return (
                    why  # else a signal came: its handler notes the reason before this loop goes on
                )

    def on_term(self) -> None:
        """Notes SIGTERM as T. The main thread calls it.

        Python's handlers run in the main thread, which would sleep on in wait() where the system
        gave the signal to another one: so
        every signal wakes it.
        """
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, lambda *_: self.note(b"T"))
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._hold, after_in_parent=self._release, after_in_child=self._forked
            )

    def _hold(self) -> None:
        """Has signals wait during a fork: the child would take one for the plugin's."""
        self._mask.old = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})

    def _release(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask.old)

    def _forked(self) -> None:
        """Makes a child that a stage has forked a program of its own: what it is told is not for
        the plugin, and the lifeline is not its own.
        """
        global _forked
        _forked = True
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
        except ValueError:  # not in what is the main thread there
            pass
        own, self._own = self._own, []
        for fd in own:
            try:
                os.close(fd)
            except OSError:
                pass
        self.socket = self.dir = ""
        self._release()

    def follow_host(self) -> None:
        """Ends the process, whatever it does, once standard input ends: the host holds the other
        end while it lives.
        """
        try:
            mode = os.fstat(0).st_mode
        except OSError:
            return
        if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
            return
        line = os.dup(0)
        self._own.append(line)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)  # neither input() nor a program that a stage starts takes from it
        os.close(null)

        def follow() -> None:
            try:
                while os.read(line, 4096):
                    pass
            except OSError:
                pass
            self.leave(0)

        threading.Thread(target=follow, name="lifeline", daemon=True).start()

    def leave(self, code: int) -> None:
        """Ends the process at once, though its threads are busy, and takes the socket along."""
        self._leaving.acquire()  # the first one leaves
        for f in (sys.stdout, sys.stderr):
            try:
                f.flush()
            except (OSError, ValueError):
                pass
        if self.socket:
            try:
                os.unlink(self.socket)
            except OSError:
                pass
        if self.dir:
            try:
                os.rmdir(self.dir)  # and only if that was all
            except OSError:
                pass
        os._exit(code)
