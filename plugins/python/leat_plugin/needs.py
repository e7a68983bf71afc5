"""What a stage must see and may do: the dict that an author writes, and the message that travels.
"""

from __future__ import annotations

import difflib
import re
from typing import Any, Dict, Iterable, List, Mapping, Optional, Union

from . import plugin_pb2 as pb

DEFAULT_LIMIT = 1 << 20
"""The longest body that is seen in full where the needs name no limit, in bytes."""

MAX_LIMIT = 1 << 30

_MODES = {"none": 0, "digest": 1, "full": 2}
_CALL = ("subject", "operation", "labels", "idempotency_key")
_REQUEST = ("headers", "query", "body", "body_limit", "edit", "call")
_RESPONSE = ("headers", "body", "body_limit", "edit")
_TOP = ("request", "response", "answer", "retry", "calls", "credentials")
FRAMING = frozenset(
    (
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
_TOKEN = re.compile(r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
_SIZE = re.compile(r"^([0-9]+)\s*(B|KiB|MiB|GiB|KB|MB|GB)$")
_UNITS = {
    "B": 1,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
}

Needs = Mapping[str, Any]
"""What an author writes: ``{"request": {"headers": […], …}, "response": {…}, "answer": True, …}``.
"""


def default_needs() -> pb.Needs:
    """Those of a stage that says nothing: it reads and changes request headers that hold no
    credential.
    """
    return pb.Needs(request=pb.RequestNeeds(headers=["*"], edit=["*"]))


def parse_needs(needs: Optional[Needs], where: str = "needs") -> pb.Needs:
    """Reads an author's needs; what nobody could have is a ValueError that names the key."""
    if needs is None:
        return default_needs()
    _table(needs, _TOP, where)
    out = pb.Needs(request=pb.RequestNeeds())
    if "request" in needs:
        _request(out.request, needs["request"], f"{where}.request")
    if needs.get("response") is not None:
        out.response.SetInParent()
        _common(
            out.response, needs["response"], _RESPONSE, f"{where}.response", (":status", ":body")
        )
    for flag in ("answer", "retry", "calls"):
        setattr(out, flag, _flag(needs, flag, where))
    out.credentials.extend(_names(needs.get("credentials", ()), f"{where}.credentials"))
    return out


def _request(out: pb.RequestNeeds, table: Any, where: str) -> None:
    _common(out, table, _REQUEST, where, (":method", ":url", ":body"))
    out.query = _flag(table, "query", where)
    for word in _names(table.get("call", ()), f"{where}.call"):
        if word not in _CALL:
            raise ValueError(f"{where}.call: {word!r} is not known: {_nearest(word, _CALL)}")
        out.call.append(word)
    if ":url" in out.edit and not out.query:
        raise ValueError(
            f"{where}.edit: a stage that changes the URL must see its query, or it would lose it:"
            ' add "query": True'
        )


def _common(out: Any, table: Any, keys: Iterable[str], where: str, parts: Iterable[str]) -> None:
    _table(table, keys, where)
    out.headers.extend(_headers(table.get("headers", ()), f"{where}.headers", ()))
    mode = table.get("body", "none")
    if mode not in _MODES:
        raise ValueError(f"{where}.body: {mode!r} is not known: write one of none, digest, full")
    out.body = _MODES[mode]
    out.body_limit = _limit(table.get("body_limit", 0), f"{where}.body_limit")
    for name in _headers(table.get("edit", ()), f"{where}.edit", parts):
        if name.lower() in FRAMING:
            raise ValueError(
                f"{where}.edit: {name} belongs to the connection: no plugin may change it"
            )
        out.edit.append(name)


def _table(table: Any, keys: Iterable[str], where: str) -> None:
    if not isinstance(table, Mapping):
        raise ValueError(f"{where} is a dict, not {type(table).__name__}")
    for key in table:
        if key not in keys:
            raise ValueError(f"{where}: unknown key {key!r}: {_nearest(key, keys)}")


def _nearest(word: Any, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(word), list(known), 1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"


def _flag(table: Mapping[str, Any], key: str, where: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise ValueError(f"{where}.{key} is True or False, not {value!r}")
    return value


def _names(value: Any, where: str) -> List[str]:
    if isinstance(value, str) or not isinstance(value, (list, tuple, set, frozenset)):
        raise ValueError(f"{where} is a list of names, not {value!r}")
    for one in value:
        if not isinstance(one, str):
            raise ValueError(f"{where} is a list of names: {one!r} is none")
    return list(value)


def _headers(value: Any, where: str, parts: Iterable[str]) -> List[str]:
    names = _names(value, where)
    for name in names:
        if name not in parts and not _TOKEN.match(name):
            raise ValueError(f"{where}: {name!r} is no name of a header")
    return names


def _limit(value: Union[int, str, Any], where: str) -> int:
    if isinstance(value, str):
        m = _SIZE.match(value)
        if m is None:
            raise ValueError(f'{where}: {value!r} is no size, as 65536 or "8MiB" is')
        value = int(m.group(1)) * _UNITS[m.group(2)]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_LIMIT:
        raise ValueError(f"{where} is a number of bytes from 0 to {MAX_LIMIT}, not {value!r}")
    return value


class Effective:
    """What an instance has: what it asks for, as far as it is granted."""

    __slots__ = (
        "request_body",
        "request_limit",
        "response",
        "response_body",
        "response_limit",
        "retry",
        "answer",
        "call",
    )

    def __init__(self, own: pb.Needs, granted: Optional[pb.Needs]) -> None:
        g = granted if granted is not None else own
        self.request_body = min(own.request.body, g.request.body)
        self.request_limit = min(limit_of(own.request), limit_of(g.request))
        self.response = own.HasField("response") and g.HasField("response")
        self.response_body = min(own.response.body, g.response.body) if self.response else 0
        self.response_limit = (
            min(limit_of(own.response), limit_of(g.response))
            if self.response
            else self.request_limit
        )
        self.retry = own.retry and g.retry
        self.answer = own.answer and g.answer
        self.call = frozenset(own.request.call) & frozenset(g.request.call)


def limit_of(needs: Any) -> int:
    """The longest body that is seen, in bytes."""
    return needs.body_limit or DEFAULT_LIMIT


def show_needs(needs: pb.Needs) -> Dict[str, Any]:
    """Needs as an author writes them, and as a file's grants have them."""
    out: Dict[str, Any] = {}
    request = _show(needs.request, ("headers", "query", "edit", "call"))
    if request:
        out["request"] = request
    if needs.HasField("response"):
        out["response"] = _show(needs.response, ("headers", "edit"))
    for flag in ("answer", "retry", "calls"):
        if getattr(needs, flag):
            out[flag] = True
    if needs.credentials:
        out["credentials"] = list(needs.credentials)
    return out


def _show(part: Any, keys: Iterable[str]) -> Dict[str, Any]:
    out: Dict[str, Any] = {}
    for key in keys:
        value = getattr(part, key)
        if value:
            out[key] = value if isinstance(value, bool) else list(value)
    if part.body:
        out["body"] = ("none", "digest", "full")[part.body]
    if part.body == 2 and part.body_limit:
        out["body_limit"] = part.body_limit
    return out
