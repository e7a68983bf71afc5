"""A config of a dataclass or a TypedDict: its JSON Schema, its defaults, and values read from the
file.
"""

from __future__ import annotations

import dataclasses
import difflib
import enum
import json
import typing
from datetime import timedelta
from typing import Any, Callable, Dict, List, Literal, Mapping, Optional, Tuple, Union

from . import duration, plugin_pb2 as pb
from .errors import ConfigError
from .secret import Secret, SecretError, read_secret, secret_schema
from .text import text

Schema = Dict[str, Any]

HOST_KEYS = ("use", "when", "timeout", "on_failure", "role")
"""Keys of a stage's table that leat reads; no config can have them."""

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_NO_DEFAULT = dataclasses.MISSING
_UNIONS: Tuple[Any, ...] = (Union,)
try:
    from types import UnionType  # X | Y, from Python 3.10

    _UNIONS += (UnionType,)
except ImportError:
    pass
_MARKS = tuple(
    getattr(typing, n) for n in ("Required", "NotRequired", "ReadOnly") if hasattr(typing, n)
)
_SCALARS: Mapping[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}


class Field(typing.NamedTuple):
    """One key of a config."""

    type: Any
    doc: str
    required: bool
    default: Callable[[], Any]  # of a key that is not required and has one


def fields_of(cls: Any) -> Dict[str, Field]:
    """The keys of a dataclass or TypedDict."""
    hints = typing.get_type_hints(cls, include_extras=True)
    out: Dict[str, Field] = {}
    if dataclasses.is_dataclass(cls):
        for f in dataclasses.fields(cls):
            if not f.init:
                continue
            t, doc = _unwrap(hints[f.name])
            default: Callable[[], Any] = lambda: _NO_DEFAULT
            if f.default is not dataclasses.MISSING:
                default = lambda value=f.default: value  # type: ignore[misc]
            elif f.default_factory is not dataclasses.MISSING:
                default = f.default_factory
            required = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
            out[f.name] = Field(t, f.metadata.get("doc", doc), required, default)
        return out
    required_keys = getattr(cls, "__required_keys__", frozenset(hints))
    for name, hint in hints.items():
        t, doc = _unwrap(hint)
        required = name in required_keys
        origin = typing.get_origin(hint)
        if _MARKS and origin is getattr(typing, "NotRequired", None):
            required = False
        out[name] = Field(t, doc, required, lambda: _NO_DEFAULT)
    return out


def _unwrap(t: Any) -> Tuple[Any, str]:
    """A type without Annotated and its like, and the text that it was annotated with."""
    doc = ""
    while True:
        origin = typing.get_origin(t)
        if origin is typing.Annotated:
            for extra in t.__metadata__:
                doc = extra if isinstance(extra, str) else getattr(extra, "documentation", doc)
            t = t.__origin__
        elif origin in _MARKS and origin is not None:
            t = typing.get_args(t)[0]
        else:
            return t, doc


def is_table(t: Any) -> bool:
    """Reports whether a type is a dataclass or a TypedDict."""
    return isinstance(t, type) and (
        dataclasses.is_dataclass(t) or (issubclass(t, dict) and hasattr(t, "__total__"))
    )


def _optional(t: Any) -> Tuple[List[Any], bool]:
    """The alternatives of a union without None, and whether None is one of them."""
    if typing.get_origin(t) not in _UNIONS:
        return [t], False
    args = typing.get_args(t)
    return [a for a in args if a is not type(None)], type(None) in args


def schema_of_config(cls: Any) -> Schema:
    """The JSON Schema (draft 2020-12) of a config; a TypeError names a field that none can be made
    of.
    """
    if cls is None:
        return {
            "$schema": _DRAFT,
            "type": "object",
            "properties": {},
            "additionalProperties": False,
        }
    if not is_table(cls):
        raise TypeError(f"config is a dataclass or a TypedDict, not {cls!r}")
    out = {"$schema": _DRAFT, **_schema(cls, cls.__name__, ())}
    for name in out["properties"]:
        if name in HOST_KEYS:
            raise TypeError(
                f"{cls.__name__}.{name}: leat itself reads {name} of a stage's table: choose"
                " another name"
            )
    return out


def _schema(t: Any, where: str, around: Tuple[Any, ...]) -> Schema:
    t, _ = _unwrap(t)
    alternatives, optional = _optional(t)
    if len(alternatives) > 1:
        return {"anyOf": [_schema(a, where, around) for a in alternatives]}
    if optional:
        return _schema(alternatives[0], where, around)
    origin, args = typing.get_origin(t), typing.get_args(t)
    if t is Any:
        return {}
    if t is Secret:
        return secret_schema()
    if t is timedelta:
        return {"type": "string", "pattern": duration.PATTERN}
    if t in _SCALARS:
        return {"type": _SCALARS[t]}
    if origin is Literal:
        return {"enum": list(args)}
    if isinstance(t, type) and issubclass(t, enum.Enum):
        return {"enum": [e.value for e in t]}
    if is_table(t):
        return {"type": "object"} if t in around else _table_schema(t, where, around + (t,))
    if t in (list, tuple, set, frozenset) or origin in (list, tuple, set, frozenset):
        item = args[0] if args else Any
        if (origin is tuple) and (len(args) != 2 or args[1] is not Ellipsis):
            raise TypeError(f"{where}: a tuple of a config is tuple[T, ...]")
        out: Schema = {"type": "array", "items": _schema(item, where, around)}
        if t in (set, frozenset) or origin in (set, frozenset):
            out["uniqueItems"] = True
        return out
    if t is dict or origin is dict:
        if args and args[0] is not str:
            raise TypeError(f"{where}: the keys of a dict of a config are str")
        return {
            "type": "object",
            "additionalProperties": _schema(args[1] if args else Any, where, around),
        }
    raise TypeError(
        f"{where}: {t!r} can't stand in a config: use str, int, float, bool, list, dict, Optional,"
        " Literal, an Enum, timedelta, Secret, a dataclass or a TypedDict"
    )


def _table_schema(cls: Any, where: str, around: Tuple[Any, ...]) -> Schema:
    properties: Dict[str, Schema] = {}
    required: List[str] = []
    for name, f in fields_of(cls).items():
        key = _schema(f.type, f"{where}.{name}", around)
        if f.doc:
            key["description"] = f.doc
        if f.required:
            required.append(name)
        else:
            default = plain(f.default())
            if default is not _NO_DEFAULT:
                key["default"] = default
        properties[name] = key
    out: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        out["required"] = required
    return out


def plain(value: Any) -> Any:
    """A default as the file would write it; MISSING where nothing is set, or only the file can
    write it.
    """
    if value is None or isinstance(value, Secret) or value is _NO_DEFAULT:
        return _NO_DEFAULT
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, timedelta):
        return duration.show(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain({f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init})
    if isinstance(value, Mapping):
        pairs = {str(k): plain(v) for k, v in value.items()}
        return {k: v for k, v in pairs.items() if v is not _NO_DEFAULT}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(v) for v in value), key=str)
    if isinstance(value, (list, tuple)):
        return [v for v in map(plain, value) if v is not _NO_DEFAULT]
    return value if isinstance(value, (str, int, float, bool)) else _NO_DEFAULT


def defaults_of(cls: Any) -> Dict[str, Any]:
    """The default config as the file would write it."""
    if cls is None:
        return {}
    all_of = {name: plain(f.default()) for name, f in fields_of(cls).items() if not f.required}
    return {name: value for name, value in all_of.items() if value is not _NO_DEFAULT}


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
        t, _ = _unwrap(t)
        alternatives, optional = _optional(t)
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
        if t in _SCALARS:
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
            return self._expected(f"{article} {_SCALARS[t]}", value, path)
        return value

    def _secret(self, value: Any, path: str) -> Any:
        secret, wrong, hint = read_secret(value, self.dir)
        if secret is None:
            return self._note(path, wrong, hint, secret=True)
        if self.follow:
            try:
                secret.get()
            except SecretError as err:
                raise SecretError(f"{path}: {err}") from None
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
