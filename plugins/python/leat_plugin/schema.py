"""The JSON Schema and the defaults of a config, made of a dataclass or a TypedDict."""

from __future__ import annotations

import dataclasses
import enum
import typing
from datetime import timedelta
from typing import Any, Callable, Dict, List, Literal, Mapping, Tuple, Union

from . import duration
from .secret import Secret, secret_schema

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
SCALARS: Mapping[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}


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
            t, doc = unwrap(hints[f.name])
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
        t, doc = unwrap(hint)
        required = name in required_keys
        origin = typing.get_origin(hint)
        if _MARKS and origin is getattr(typing, "NotRequired", None):
            required = False
        out[name] = Field(t, doc, required, lambda: _NO_DEFAULT)
    return out


def unwrap(t: Any) -> Tuple[Any, str]:
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


def alternatives_of(t: Any) -> Tuple[List[Any], bool]:
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
    t, _ = unwrap(t)
    alternatives, optional = alternatives_of(t)
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
    if t in SCALARS:
        return {"type": SCALARS[t]}
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
