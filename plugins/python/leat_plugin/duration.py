"""Durations as a file writes them: "1m30s"."""

from __future__ import annotations

import re
from datetime import timedelta

PATTERN = r"^[+-]?([0-9]*\.?[0-9]+|[0-9]+\.)(ns|us|µs|μs|ms|s|m|h)|^[+-]?0$"
"""What the schema of a duration has; leat knows it, and says in words what is missing."""

_UNITS = {"ns": 1e-3, "us": 1, "µs": 1, "μs": 1, "ms": 1e3, "s": 1e6, "m": 60e6, "h": 3600e6}
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")


def parse(text: str) -> timedelta:
    """Reads a duration; a ValueError says that it is none."""
    rest, sign = text, 1
    if rest[:1] in ("+", "-"):
        sign, rest = (-1 if rest[0] == "-" else 1), rest[1:]
    if rest == "0":
        return timedelta()
    microseconds, at = 0.0, 0
    while at < len(rest):
        part = _PART.match(rest, at)
        if part is None:
            break
        microseconds += float(part.group(1)) * _UNITS[part.group(2)]
        at = part.end()
    if at == 0 or at < len(rest):
        raise ValueError("not a duration")
    return timedelta(microseconds=sign * microseconds)


def show(value: timedelta) -> str:
    """Writes a duration as a file has it."""
    left = (value.days * 86400 + value.seconds) * 10**6 + value.microseconds
    if left == 0:
        return "0s"
    sign, left = ("-", -left) if left < 0 else ("", left)
    if left < 1000:
        return f"{sign}{left}us"
    if left < 10**6:
        return f"{sign}{left / 1000:g}ms"
    minutes, micro = divmod(left, 60 * 10**6)
    hours, minutes = divmod(minutes, 60)
    out = sign + (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes else "")
    return out + (f"{micro / 1e6:.6f}".rstrip("0").rstrip(".") + "s" if micro else "")
