"""Bodies that travel apart from the frames."""

from __future__ import annotations

import threading
from typing import Any, Callable, Dict, Iterator, List, Optional

import grpc

from . import plugin_pb2 as pb

MAX_BODY = 1 << 30
"""Bounds every body, in bytes: no needs can ask for more."""

GOOD_CHUNK = (32 << 10) - 64
"""How much of a body is sent in one message."""


class _Arrival:
    __slots__ = ("data", "taken", "done")

    def __init__(self, data: bytes) -> None:
        self.data, self.taken, self.done = data, False, threading.Event()


class _Leaving:
    __slots__ = ("data", "owner")

    def __init__(self, data: bytes, owner: object) -> None:
        self.data, self.owner = data, owner


class Bodies:
    """The bodies on their way, by the number of their exchange. A number may come again while an
    exchange that had it is still ending: each takes back only what is its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claims: Dict[int, Callable[[bytes], Any]] = {}
        self._arrived: Dict[int, _Arrival] = {}
        self._leaving: Dict[int, _Leaving] = {}

    def claim(self, exchange: int, put: Callable[[bytes], Any]) -> None:
        """Has the next body of an exchange handed to put, at once if it is there."""
        with self._lock:
            arrival = self._arrived.pop(exchange, None)
            if arrival is None:
                self._claims[exchange] = put
                return
            arrival.taken = True
        arrival.done.set()
        put(arrival.data)

    def unclaim(self, exchange: int, put: Callable[[bytes], Any]) -> None:
        """Takes a claim back; the host may still fetch what was announced."""
        if self._claims:
            with self._lock:
                if self._claims.get(exchange) == put:
                    del self._claims[exchange]

    def forget(self, exchange: int) -> None:
        """Drops what is kept for an exchange that is over."""
        with self._lock:
            self._claims.pop(exchange, None)
            self._leaving.pop(exchange, None)

    def announce(self, exchange: int, data: bytes, owner: object) -> object:
        """Keeps a body until the host fetches it, and returns what withdraws it. Owner is the
        session.
        """
        leaving = _Leaving(data, owner)
        with self._lock:
            self._leaving[exchange] = leaving
        return leaving

    def withdraw(self, exchange: int, leaving: object) -> None:
        """Drops a body that the host was not told of."""
        with self._lock:
            if self._leaving.get(exchange) is leaving:
                del self._leaving[exchange]

    def abandon(self, owner: object) -> None:
        """Drops what a session has announced that is over."""
        with self._lock:
            for exchange in [n for n, one in self._leaving.items() if one.owner is owner]:
                del self._leaving[exchange]

    def take(self, exchange: int) -> Optional[bytes]:
        """The body that was announced, once."""
        with self._lock:
            leaving = self._leaving.pop(exchange, None)
        return None if leaving is None else leaving.data

    def upload(self, chunks: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        """Takes a body, and returns once its exchange has it, or the host has given up."""
        exchange, parts, length = 0, [], 0  # type: int, List[bytes], int
        for i, raw in enumerate(chunks):
            chunk = pb.Chunk.FromString(raw)
            if i == 0:
                exchange = chunk.exchange
            length += len(chunk.data)
            if length > MAX_BODY:
                context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "a body of more than 1 GiB")
            parts.append(chunk.data)
        arrival = _Arrival(b"".join(parts))
        put: Optional[Callable[[bytes], Any]]
        with self._lock:
            put = self._claims.pop(exchange, None)
            if put is None:
                self._arrived[exchange] = arrival
        if put is not None:
            put(arrival.data)
            return b""
        if not context.add_callback(arrival.done.set):
            arrival.done.set()
        arrival.done.wait()
        with self._lock:
            if self._arrived.get(exchange) is arrival:
                del self._arrived[exchange]
        return b""

    def download(self, raw: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        """Gives a body that was announced, once."""
        exchange = pb.DownloadRequest.FromString(raw).exchange
        data = self.take(exchange)
        if data is None:
            context.abort(
                grpc.StatusCode.NOT_FOUND, f"no body was announced for exchange {exchange}"
            )
            return
        view = memoryview(data)
        for at in range(0, len(data), GOOD_CHUNK):
            yield pb.Chunk(
                exchange=exchange if at == 0 else 0, data=bytes(view[at : at + GOOD_CHUNK])
            ).SerializeToString()
