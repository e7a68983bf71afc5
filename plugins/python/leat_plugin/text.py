"""Texts as protobuf carries them, and bytes of headers as Python shows them."""

from __future__ import annotations

from typing import Union

MAX_TEXT = 8 << 10
"""The longest text of a record, span or error, in characters."""


def text(value: object, most: int = MAX_TEXT) -> str:
    """The text of a value, cut and without what UTF-8 can't carry."""
    s = value if isinstance(value, str) else str(value)
    if len(s) > most:
        s = s[:most] + "…"
    if s.isascii():
        return s
    return s.encode("utf-8", "replace").decode("utf-8")


def shown(value: object) -> str:
    """The text of a value, also of one whose __str__ raises."""
    try:
        return text(value)
    except Exception as e:  # what an author wrote must not end an exchange
        return f"!{type(e).__name__} in __str__ of {type(value).__name__}"


def said(err: BaseException) -> str:
    """What an exception says: its type, and its text where it has one."""
    words = shown(err)
    return f"{type(err).__name__}: {words}" if words else type(err).__name__


def from_bytes(value: bytes) -> str:
    """A header's value as a str: UTF-8, and other bytes as surrogates, so that none is lost."""
    return value.decode("utf-8", "surrogateescape")


def to_bytes(value: Union[str, bytes]) -> bytes:
    """A header's value as it travels."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise TypeError(f"a header's value is a str or bytes, not {type(value).__name__}")
    return value.encode("utf-8", "surrogateescape")


def body_bytes(value: object) -> bytes:
    """A body as it travels."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    how = ": json.dumps(…)" if isinstance(value, (dict, list, tuple, int, float)) else ""
    raise TypeError(f"a body is str or bytes, not {type(value).__name__}{how}")


def size(n: int) -> str:
    """A number of bytes, for people."""
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if n >= factor and n % factor == 0:
            return f"{n // factor} {unit}"
    return f"{n} B"
