"""A host for tests: it starts a plugin as leat does, and speaks the protocol over its Unix socket
as a script says.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from typing import Any, Dict, Iterator, List, Optional

import grpc

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, ROOT)

from leat_plugin import plugin_pb2 as pb  # noqa: E402

WAIT = 30  # seconds: only what hangs takes so long
_END = object()


class Host:
    """One plugin process with a connection."""

    def __init__(
        self,
        program: str,
        env: Optional[Dict[str, str]] = None,
        connect: bool = True,
        text: str = "",
    ) -> None:
        self.dir = tempfile.mkdtemp(prefix="leat-test-")
        if text:
            program = os.path.join(self.dir, "program.py")
            with open(program, "w", encoding="utf-8") as f:
                f.write(text)
        self.sockets = os.path.join(self.dir, "sockets")
        os.mkdir(self.sockets, 0o700)
        base = {
            "LEAT_PLUGIN": "leat-plugin-v1",
            "PLUGIN_PROTOCOL_VERSIONS": "1",
            "PLUGIN_UNIX_SOCKET_DIR": self.sockets,
            "PYTHONPATH": ROOT,
        }
        self.process = subprocess.Popen(
            [sys.executable, program],
            env={**base, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.dir,
        )
        self.stderr = ""
        self._drain = threading.Thread(target=self._read_stderr, daemon=True)
        self._drain.start()
        self.handshake = ""
        self._next = 100
        if connect:
            self.connect()

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.stderr += line.decode()

    def connect(self, credentials: Any = None) -> None:
        assert self.process.stdout is not None
        self.handshake = self.process.stdout.readline().decode()
        path = self.handshake.split("|")[3]
        if credentials is None:
            self.channel = grpc.insecure_channel("unix:" + path)
        else:
            options = [("grpc.ssl_target_name_override", "localhost")]
            self.channel = grpc.secure_channel("unix:" + path, credentials, options)

    def unary(self, method: str, raw: bytes = b"", timeout: float = WAIT) -> bytes:
        return self.channel.unary_unary(method)(raw, timeout=timeout, wait_for_ready=True)

    def describe(self) -> pb.DescribeResponse:
        raw = self.unary(
            "/leat.plugin.v1.Plugin/Describe", pb.DescribeRequest().SerializeToString()
        )
        return pb.DescribeResponse.FromString(raw)

    def check(self, type: str, config: Any) -> pb.CheckResponse:
        request = pb.CheckRequest(type=type, config=json.dumps(config).encode())
        return pb.CheckResponse.FromString(
            self.unary("/leat.plugin.v1.Plugin/Check", request.SerializeToString())
        )

    def session(self) -> "Stream":
        return Stream(self)

    def upload(self, exchange: int, data: bytes, size: int = 32 << 10) -> "grpc.Future":
        def chunks() -> Iterator[bytes]:
            for at in range(0, len(data), size):
                first = {"exchange": exchange, "length": len(data)} if at == 0 else {}
                yield pb.Chunk(data=data[at : at + size], **first).SerializeToString()

        return self.channel.stream_unary("/leat.plugin.v1.Plugin/Upload").future(
            chunks(), timeout=WAIT
        )

    def download(self, exchange: int) -> List[pb.Chunk]:
        raw = pb.DownloadRequest(exchange=exchange).SerializeToString()
        stream = self.channel.unary_stream("/leat.plugin.v1.Plugin/Download")(raw, timeout=WAIT)
        return [pb.Chunk.FromString(one) for one in stream]

    def end(self) -> int:
        """Lets go of the plugin, as a host does that dies, and returns its exit code."""
        assert self.process.stdin is not None
        if self.process.stdin.closed:
            return self.process.wait(WAIT)
        try:
            self.process.stdin.close()
        except OSError:
            pass
        try:
            code = self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self._drain.join(WAIT)
        if hasattr(self, "channel"):
            self.channel.close()
        assert self.process.stdout is not None
        self.rest = self.process.stdout.read()
        self.process.stdout.close()
        self.process.stderr.close()  # type: ignore[union-attr]
        return code

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *_: Any) -> None:
        self.end()
        subprocess.run(["rm", "-rf", self.dir], check=False)


class Stream:
    """A session."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._out: "queue.SimpleQueue[Any]" = queue.SimpleQueue()
        self._in: "queue.Queue[Any]" = queue.Queue()
        self._kept: List[pb.Frame] = []
        self.logs: List[pb.Log] = []
        self.batches = 0
        self._call = host.channel.stream_stream("/leat.plugin.v1.Plugin/Session")(
            self._batches(), wait_for_ready=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _batches(self) -> Iterator[bytes]:
        while True:
            raw = self._out.get()
            if raw is _END:
                return
            yield raw

    def _read(self) -> None:
        try:
            for raw in self._call:
                self.batches += 1
                for frame in pb.Batch.FromString(raw).frames:
                    self._in.put(frame)
        except grpc.RpcError:
            pass
        self._in.put(_END)

    def send(self, *frames: pb.Frame) -> None:
        self._out.put(pb.Batch(frames=frames).SerializeToString())

    def raw(self, data: bytes) -> None:
        self._out.put(data)

    def end(self) -> None:
        self._out.put(_END)

    def get(self, exchange: Optional[int] = None, timeout: float = WAIT) -> pb.Frame:
        """The next frame of an exchange, logs aside."""
        for i, frame in enumerate(self._kept):
            if exchange is None or frame.exchange == exchange:
                return self._kept.pop(i)
        while True:
            frame = self._in.get(timeout=timeout)
            if frame is _END:
                self._in.put(_END)
                raise EOFError("the session has ended")
            if frame.WhichOneof("kind") == "log":
                self.logs.append(frame.log)
            elif exchange is None or frame.exchange == exchange:
                return frame
            else:
                self._kept.append(frame)

    def log(self, timeout: float = WAIT) -> pb.Frame:
        """The next log frame; others are kept."""
        while True:
            frame = self._in.get(timeout=timeout)
            if frame.WhichOneof("kind") == "log":
                return frame
            self._kept.append(frame)

    def open(
        self, type: str, instance: int = 1, config: Any = None, granted: Optional[pb.Needs] = None
    ) -> pb.Opened:
        frame = pb.Frame(exchange=self.host._next)
        self.host._next += 1
        o = frame.open
        o.instance, o.type, o.pipeline, o.stage = instance, type, "api", type
        o.config, o.dir = json.dumps(config or {}).encode(), self.host.dir
        if granted is not None:
            o.granted.CopyFrom(granted)
        self.send(frame)
        answer = self.get(frame.exchange)
        assert answer.WhichOneof("kind") == "opened", answer
        return answer.opened

    def do(self, exchange: int, instance: int = 1, **more: Any) -> pb.Frame:
        """A Do frame; more are fields of Do."""
        frame = pb.Frame(exchange=exchange)
        frame.do.instance, frame.do.timeout = instance, 5 * 10**9
        frame.do.request.method, frame.do.request.url = "GET", "https://api.example.com/x"
        frame.do.call.pipeline = "api"
        for name, value in more.items():
            if hasattr(value, "SerializeToString"):
                getattr(frame.do, name).MergeFrom(value)
            else:
                setattr(frame.do, name, value)
        return frame

    def start(self, exchange: int, **more: Any) -> pb.Frame:
        """Begins an exchange, and returns the stage's first frame."""
        self.send(self.do(exchange, **more))
        return self.get(exchange)


def result(exchange: int, status: int = 200, **more: Any) -> pb.Frame:
    """A Result with a response; more are fields of Result."""
    frame = pb.Frame(exchange=exchange)
    frame.result.response.status, frame.result.response.proto = status, "HTTP/1.1"
    frame.result.replayable = True
    for name, value in more.items():
        if hasattr(value, "SerializeToString"):
            getattr(frame.result, name).MergeFrom(value)
        else:
            setattr(frame.result, name, value)
    return frame


def failed(exchange: int, kind: str, message: str, **more: Any) -> pb.Frame:
    """A Result with an error."""
    frame = pb.Frame(exchange=exchange)
    frame.result.error.kind, frame.result.error.message = kind, message
    for name, value in more.items():
        setattr(frame.result, name, value)
    return frame


def returned(frame: pb.Frame) -> Any:
    """The Return of a frame."""
    assert frame.WhichOneof("kind") == "return", frame
    return getattr(frame, "return")
