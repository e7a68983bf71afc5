"""What a plugin serves over gRPC: its own service, health and go-plugin's controller."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Optional

import grpc

from . import plugin_pb2 as pb
from .bodies import Bodies
from .logs import Handler
from .pool import MOST, Pool
from .session import Session
from .text import said, text
from .version import SDK

if TYPE_CHECKING:
    from .stages import Stage

MAX_MESSAGE = (1 << 20) + (1 << 18)
"""The longest gRPC message, in bytes."""

_SERVING = b"\x08\x01"  # HealthCheckResponse{status: SERVING}
_NOT_SERVING = b"\x08\x02"

PATIENCE = 5.0
"""How long the answer to a ping waits for the event loop, in seconds: longer than leat does."""


class Server:
    """The services of a plugin. ``ended`` is called once the host has asked the process to end."""

    def __init__(
        self,
        stages: List["Stage"],
        name: str,
        version: str,
        threads: int = MOST,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self.stages: Dict[str, "Stage"] = {s.name: s for s in stages}
        self.name, self.version = name, version
        self.bodies, self.pool = Bodies(), Pool(threads, self._full)
        self._ended = ended
        self._lock = threading.Lock()
        self._sessions: List[Session] = []
        self._draining = False
        self._idle: Callable[[], None] = lambda: None
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._closed = False

    def grpc(self) -> grpc.Server:
        """Makes the gRPC server; it listens nowhere yet."""
        # A thread for each session, and for each body on its way: made as they are needed.
        pool = ThreadPoolExecutor(max_workers=4096, thread_name_prefix="grpc")
        server = grpc.server(
            pool,
            options=[
                ("grpc.max_receive_message_length", MAX_MESSAGE),
                ("grpc.max_send_message_length", MAX_MESSAGE),
                ("grpc.so_reuseport", 0),
            ],
        )
        server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler(
                    "leat.plugin.v1.Plugin",
                    {
                        "Describe": grpc.unary_unary_rpc_method_handler(self._describe),
                        "Check": grpc.unary_unary_rpc_method_handler(self._check),
                        "Session": grpc.stream_stream_rpc_method_handler(self._session),
                        "Upload": grpc.stream_unary_rpc_method_handler(self.bodies.upload),
                        "Download": grpc.unary_stream_rpc_method_handler(self.bodies.download),
                    },
                ),
                grpc.method_handlers_generic_handler(
                    "grpc.health.v1.Health",
                    {
                        "Check": grpc.unary_unary_rpc_method_handler(self._health),
                        "Watch": grpc.unary_stream_rpc_method_handler(self._health_watch),
                    },
                ),
                grpc.method_handlers_generic_handler(
                    "plugin.GRPCController",
                    {"Shutdown": grpc.unary_unary_rpc_method_handler(self._shutdown)},
                ),
            )
        )
        return server

    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of all async stages, made when it is needed first."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(
                    target=self._run_loop, args=(self._loop,), name="async stages", daemon=True
                ).start()
            return self._loop

    def _run_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Has the loop run until close: neither a stage's stop() nor its sys.exit() ends it."""
        while not self._closed:
            try:
                loop.run_forever()
            except BaseException as err:
                self.explain(err)
        loop.close()

    def _full(self, threads: int, waiting: int) -> None:
        """Warns that requests wait for a thread."""
        said = (
            f"all {threads} threads of the plugin are taken, and {waiting} more wait for one: allow"
            " more by serve(threads=…), or make the stage an async def, which needs none"
        )
        session = self.any_session()
        if session is None:
            print(said, file=sys.stderr, flush=True)
        else:
            session.logs.say(30, said, {"threads": threads, "waiting": waiting})

    def close(self) -> None:
        """Ends the threads of stages, for who makes servers one after another, as tests do."""
        self.pool.close()
        self._closed = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)

    # The service.

    def describe(self) -> pb.DescribeResponse:
        """What the process serves."""
        out = pb.DescribeResponse(name=text(self.name), version=text(self.version), sdk=SDK)
        for stage in self.stages.values():
            out.types.add(
                name=stage.name, doc=text(stage.doc), schema=stage.schema_json(), needs=stage.most
            )
        return out

    def _describe(self, raw: bytes, context: grpc.ServicerContext) -> bytes:
        return self.describe().SerializeToString()

    def _check(self, raw: bytes, context: grpc.ServicerContext) -> bytes:
        request = pb.CheckRequest.FromString(raw)
        stage = self.stages.get(request.type)
        if stage is None:
            context.abort(grpc.StatusCode.NOT_FOUND, f'there is no type "{request.type}"')
            return b""
        out = pb.CheckResponse()
        try:
            config, mistakes = stage.decode(request.config, "", follow=False)
            out.mistakes.extend(mistakes)
            if not mistakes:
                out.needs.CopyFrom(stage.needs_of(config))
        except BaseException as err:  # also a sys.exit of the author's
            self.explain(err)
            out.Clear()
            out.mistakes.add(message=text(f"the config can't be judged: {said(err)}"))
        return out.SerializeToString()

    def _session(self, batches: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        session = Session(self)
        context.add_callback(session.end)
        return session.serve(batches)

    def _health(self, raw: bytes, context: grpc.ServicerContext) -> bytes:
        if _service(raw) not in ("", "plugin", "leat.plugin.v1.Plugin"):
            context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return _SERVING if self._alive() else _NOT_SERVING

    def _alive(self) -> bool:
        """Reports whether the event loop runs. One that a stage blocks never will again: leat pings
        after an exchange had no answer in time, and starts a process anew that says nothing for two
        seconds.
        """
        with self._lock:
            loop = self._loop
        if loop is None or self._closed:
            return True
        ran = threading.Event()
        loop.call_soon_threadsafe(ran.set)
        return ran.wait(PATIENCE)

    def _health_watch(self, raw: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        yield self._health(raw, context)
        over = threading.Event()
        if context.add_callback(over.set):
            over.wait()

    def _shutdown(self, raw: bytes, context: grpc.ServicerContext) -> bytes:
        if not context.add_callback(self._ended):  # once the answer is out
            self._ended()
        return b""

    # Sessions.

    def enter(self, session: Session) -> None:
        """Takes a session in."""
        with self._lock:
            self._sessions.append(session)
            draining = self._draining
        if draining:
            session.drain()

    def leave(self, session: Session) -> None:
        """Lets a session go."""
        with self._lock:
            if session in self._sessions:
                self._sessions.remove(session)
            idle = self._draining and not self._sessions
        if idle:
            self._idle()

    def drain(self, idle: Callable[[], None]) -> None:
        """Tells the hosts to begin nothing new; idle is called once all of them have left."""
        with self._lock:
            self._draining, self._idle = True, idle
            sessions = list(self._sessions)
        for session in sessions:
            session.drain()
        if not sessions:
            idle()

    def any_session(self) -> Optional[Session]:
        """A session for records that belong to no exchange."""
        sessions = self._sessions
        return sessions[-1] if sessions else None

    def log_to_hosts(self) -> None:
        """Has the records of the standard module travel to the hosts, in place of standard error,
        which would show them twice.
        """
        root = logging.getLogger()
        for handler in list(root.handlers):
            if isinstance(handler, logging.StreamHandler) and handler.stream in (
                sys.stderr,
                sys.stdout,
            ):
                root.removeHandler(handler)
        root.addHandler(Handler(self))

    def log_level(self, level: int) -> None:
        """Sets the level of loggers that have none of their own."""
        root = logging.getLogger()
        if root.level != level:
            root.setLevel(level)

    def explain(self, err: BaseException) -> None:
        """Shows the author where an exception came from."""
        traceback.print_exception(type(err), err, err.__traceback__, file=sys.stderr)
        sys.stderr.flush()


def _service(raw: bytes) -> str:
    """The service of a HealthCheckRequest, whose only field it is."""
    if len(raw) < 2 or raw[0] != 0x0A:
        return ""
    return raw[2 : 2 + raw[1]].decode("utf-8", "replace")


def remove_socket(path: str) -> None:
    """Removes a socket, if it is there."""
    try:
        os.unlink(path)
    except OSError:
        pass


def listen(server: grpc.Server, path: str, credentials: Any = None) -> None:
    """Has a server listen on a Unix socket."""
    address = "unix:" + path
    port = (
        server.add_secure_port(address, credentials)
        if credentials
        else server.add_insecure_port(address)
    )
    if port == 0:
        raise OSError(f"can't listen on {path}")
