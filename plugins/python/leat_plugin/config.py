"""Reads the config of a stage, as the file has it, and notes every mistake in it with its path."""

from __future__ import annotations

import difflib
import enum
import json
import typing
from datetime import timedelta
from typing import Any, List, Literal, Mapping, Tuple

from . import duration, plugin_pb2 as pb
from .errors import ConfigError
from .schema import HOST_KEYS, SCALARS, alternatives_of, fields_of, is_table, unwrap
from .secret import Secret, SecretError, read_secret
from .text import text


class Reader:
    """Reads a config, and notes every mistake in it with its path."""

    def __init__(self, dir: str, follow: bool) -> None:
        self.dir, self.follow = dir, follow
        self.mistakes: List[pb.Mistake] = []

    def read(self, cls: Any, data: bytes) -> Any:
        """Reads the JSON that the host has sent; None where there is a mistake."""
        try:
            values = json.loads(data) if data else {}
        except ValueError as err:
            self._note("", f"the config is no JSON object: {err}", "")
            return None
        if not isinstance(values, dict):
            self._note("", "the config is no JSON object", "")
            return None
        if cls is None:
            for name in values:
                self._note(
                    _key(name), f"unknown key {_key(name)}", "the stage takes no keys of its own"
                )
            return None
        value = self._table(cls, values, "", HOST_KEYS)
        return None if self.mistakes else value

    def _note(self, path: str, message: str, hint: str, secret: bool = False) -> Any:
        self.mistakes.append(
            pb.Mistake(path=text(path), message=text(message), hint=text(hint), secret=secret)
        )
        return None

    def _value(self, t: Any, value: Any, path: str) -> Any:
        t, _ = unwrap(t)
        alternatives, optional = alternatives_of(t)
        if value is None and optional:
            return None
        if len(alternatives) > 1:
            return self._any_of(alternatives, value, path)
        t = alternatives[0]
        origin, args = typing.get_origin(t), typing.get_args(t)
        if t is Any:
            return value
        if t is Secret:
            return self._secret(value, path)
        if t is timedelta:
            return self._duration(value, path)
        if t in SCALARS:
            return self._scalar(t, value, path)
        if origin is Literal:
            return self._word(list(args), list(args), value, path)
        if isinstance(t, type) and issubclass(t, enum.Enum):
            return self._word([e.value for e in t], list(t), value, path)
        if is_table(t):
            if not isinstance(value, dict):
                return self._expected("a table", value, path)
            return self._table(t, value, path, ())
        if t is dict or origin is dict:
            if not isinstance(value, dict):
                return self._expected("a table", value, path)
            return {
                k: self._value(args[1] if args else Any, v, _below(path, k))
                for k, v in value.items()
            }
        if not isinstance(value, list):
            return self._expected("an array", value, path)
        items = [
            self._value(args[0] if args else Any, v, f"{path}[{i}]") for i, v in enumerate(value)
        ]
        if self.mistakes:
            return items
        return (origin or t)(items)

    def _any_of(self, alternatives: List[Any], value: Any, path: str) -> Any:
        tried: List[List[pb.Mistake]] = []
        for t in sorted(
            alternatives, key=lambda a: a is float
        ):  # an integer is one before it is a number
            other = Reader(self.dir, self.follow)
            got = other._value(t, value, path)
            if not other.mistakes:
                return got
            if not any(
                m.path == path and m.message.startswith("expected ") for m in other.mistakes
            ):
                tried.append(other.mistakes)
        if len(tried) == 1:
            self.mistakes.extend(tried[0])
            return None
        return self._note(
            path,
            "this value has none of the forms that it may have",
            "",
            any(m.secret for ms in tried for m in ms),
        )

    def _expected(self, what: str, value: Any, path: str) -> Any:
        return self._note(path, f"expected {what}, found {_noun(value)}", "")

    def _scalar(self, t: Any, value: Any, path: str) -> Any:
        if t is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if t is int and isinstance(value, float) and value.is_integer():
            return int(value)
        if not isinstance(value, t) or (t is int and isinstance(value, bool)):
            article = "an" if t is int else "a"
            return self._expected(f"{article} {SCALARS[t]}", value, path)
        return value

    def _secret(self, value: Any, path: str) -> Any:
        secret, wrong, hint = read_secret(value, self.dir)
        if secret is None:
            return self._note(path, wrong, hint, secret=True)
        if self.follow:
            try:
                secret.get()
            except SecretError as err:
                return self._note(path, str(err), "", secret=True)
        return secret

    def _duration(self, value: Any, path: str) -> Any:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return self._note(path, f'a duration needs a unit: "{value}s"', f'write "{value}s"')
        if not isinstance(value, str):
            return self._expected('a duration such as "5s"', value, path)
        try:
            return duration.parse(value)
        except (ValueError, OverflowError):
            return self._note(
                path,
                f'"{text(value, 40)}" is not a duration',
                'write a number and a unit: "1.5s", "250ms", "2m"',
            )

    def _word(self, words: List[Any], meant: List[Any], value: Any, path: str) -> Any:
        for word, one in zip(words, meant):
            if word == value and type(word) is type(value):
                return one
        known = "one of " + ", ".join(str(w) for w in words)
        near = difflib.get_close_matches(str(value), [str(w) for w in words], 1)
        return self._note(
            path, "this value is not known", f"did you mean {near[0]}? {known}" if near else known
        )

    def _table(self, cls: Any, values: Mapping[str, Any], path: str, more: Tuple[str, ...]) -> Any:
        fields, got, before = fields_of(cls), {}, len(self.mistakes)
        for name, value in values.items():
            if name in fields:
                got[name] = self._value(fields[name].type, value, _below(path, name))
                continue
            known = sorted(fields)
            near = difflib.get_close_matches(name, known + list(more), 1)
            hint = (
                f"did you mean {near[0]}?"
                if near
                else ("known keys: " + ", ".join(known) if known else "it takes no keys")
            )
            self._note(_below(path, name), f"unknown key {_key(name)}", hint)
        for name, f in fields.items():
            if f.required and name not in values:
                self._note(path, f"{_key(name)} is missing", f.doc or f"write {_key(name)} = …")
        if len(self.mistakes) > before:
            return None
        try:
            return cls(**got)
        except ConfigError as err:
            return self.wrong(err, path)
        except (ValueError, TypeError) as err:
            return self._note(path, str(err), "")

    def wrong(self, err: ConfigError, path: str = "") -> Any:
        """Notes what a config's own checks have found."""
        joined = (
            path + ("." if path and err.path and not err.path.startswith("[") else "") + err.path
        )
        return self._note(joined, err.message, err.hint)


def _noun(value: Any) -> str:
    for t, noun in (
        (bool, "a boolean"),
        (str, "a string"),
        (int, "an integer"),
        (float, "a number"),
        (list, "an array"),
        (dict, "a table"),
    ):
        if isinstance(value, t):
            return noun
    return "nothing"


def _key(name: str) -> str:
    return (
        name
        if name and name.replace("-", "").replace("_", "").isalnum() and name.isascii()
        else json.dumps(name)
    )


def _below(path: str, name: str) -> str:
    return f"{path}.{_key(name)}" if path else _key(name)
