"""The main of a plugin."""

from __future__ import annotations

import os
import socket
import stat
import sys
import tempfile
import traceback
from typing import List

from . import process
from .byhand import by_hand
from .pool import MOST
from .server import Server, listen
from .stages import REGISTRY, Stage
from .version import PROTOCOL

DRAIN_TIME = 10.0
"""How long a plugin that was told to end waits for its hosts to leave, in seconds."""


def serve(*stages: Stage, name: str = "", version: str = "devel", threads: int = MOST) -> None:
    """Is the whole main of a plugin: serves the given stages, or all that were defined, and does
    not return.

    Run by hand the program says what it serves and how a file uses it. Where its file is only
    imported, as
    by a test, this does nothing. ``name`` and ``version`` are for people. ``threads`` bounds how
    many plain
    functions are under way at once, those in ``next`` included; an ``async def`` needs no thread.

    The process ends when its host does, whatever it does at that moment. SIGTERM lets what is under
    way end
    first; an interrupt from the terminal is the host's business.
    """
    process.served()
    caller = sys._getframe(1)
    where = caller.f_globals.get("__name__")
    if where == "__mp_main__":
        return  # a child of multiprocessing has imported the main module
    dev = os.environ.get(process.DEV, "")
    if (
        caller.f_code.co_name == "<module>"
        and where != "__main__"
        and not process.started_by_host()
        and not dev
    ):
        return
    served = list(stages) or list(REGISTRY.values())
    name = name or os.path.splitext(os.path.basename(sys.argv[0]))[0]
    if name == "__main__":
        name = os.path.basename(os.path.dirname(os.path.abspath(sys.argv[0])))
    if not served:
        sys.exit(f"{name}: no stages are defined: write one with @stage above serve()")
    if process.started_by_host():
        _serve(served, name, version, threads)
    elif dev:
        _develop(dev, served, name, version, threads)
    else:
        sys.exit(by_hand(served, name, version, sys.argv[1:]))


def _serve(stages: List[Stage], name: str, version: str, threads: int) -> None:
    """Serves the host that has started the program, and ends the process."""
    process.guard()
    life = process.Life()
    life.on_term()
    folder = os.environ.get(process.SOCKET_DIR, "")
    life.dir = folder or tempfile.mkdtemp(prefix="leat-")
    life.follow_host()
    try:
        certificate = os.environ.get("PLUGIN_CLIENT_CERT", "")
        credentials, own = None, ""
        if certificate:
            from .tls import credentials as make

            credentials, own = make(certificate)
        server = _new(stages, name, version, threads, life)
        served = server.grpc()
        life.socket = os.path.join(life.dir, "plugin.sock")
        listen(served, life.socket, credentials)
        served.start()
    except Exception as err:
        if not isinstance(err, (OSError, RuntimeError)):
            traceback.print_exc()
        print(f"{name}: {err}", file=sys.stderr)
        life.leave(1)
        return
    for variable in (process.COOKIE, process.SOCKET_DIR, "PLUGIN_CLIENT_CERT"):
        os.environ.pop(variable, None)  # what the program starts is no plugin
    process.say_handshake(f"1|{_negotiate()}|unix|{life.socket}|grpc|{own}")
    _live(server, life)


def _negotiate() -> int:
    """The version to speak: ours, also if the host has it not: it says who must be upgraded."""
    return PROTOCOL


def _develop(path: str, stages: List[Stage], name: str, version: str, threads: int) -> None:
    """Serves hosts that connect to a socket by themselves, for work under a debugger, until SIGINT
    or SIGTERM.
    """
    import signal

    life = process.Life()
    life.on_term()
    signal.signal(signal.SIGINT, lambda *_: life.note(b"S"))
    path = os.path.abspath(path)
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        sys.exit(f"{name}: {process.DEV}={path}: the folder {folder} does not exist")
    wrong = _clear(path)
    if wrong:
        sys.exit(f"{name}: {process.DEV}={path}: {wrong}")
    server = _new(stages, name, version, threads, life)
    served = server.grpc()
    try:
        listen(served, path)
    except (OSError, RuntimeError) as err:
        sys.exit(f"{name}: {process.DEV}={path}: {err}")
    life.socket = path
    os.chmod(path, 0o600)
    served.start()
    print(f"{name}: waiting for leat at {path}", file=sys.stderr, flush=True)
    _live(server, life)


def _clear(path: str) -> str:
    """Removes a socket that an earlier run has left behind, or says what is there."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return "there is a file that is no socket"
    except FileNotFoundError:
        return ""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2.0)
        try:
            probe.connect(path)
            return "another process serves there: end it first"
        except socket.timeout:  # it is too busy even to take the connection
            return "another process serves there: end it first"
        except OSError:
            os.unlink(path)
            return ""


def _new(stages: List[Stage], name: str, version: str, threads: int, life: process.Life) -> Server:
    server = Server(stages, name, version, threads, ended=lambda: life.note(b"S"))
    server.log_to_hosts()
    return server


def _live(server: Server, life: process.Life) -> None:
    """Waits for the reason to end: S is at once, T lets what is under way end first."""
    if life.wait() == b"T":
        server.drain(idle=lambda: life.note(b"I"))
        life.wait(DRAIN_TIME)  # for that, a second SIGTERM, or the host's Shutdown
    life.leave(0)
