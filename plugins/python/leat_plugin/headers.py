"""The headers of requests and responses."""

from __future__ import annotations

from collections.abc import Mapping as _Mapping
from typing import Any, Dict, Iterable, Iterator, List, Mapping, MutableMapping, Tuple, Union

from .text import from_bytes, to_bytes

HeaderSource = Union[Mapping[str, Any], Iterable[Tuple[str, Any]], None]


class Headers(MutableMapping[str, str]):
    """Headers, whatever the case of their names.

    Of several values of one name, ``headers[name]`` is the list that HTTP makes of them, joined by
    commas;
    ``get_all`` has them apart, as ``Set-Cookie`` wants it. ``headers[name] = value`` replaces them
    all,
    also by a list; ``add`` adds one. Bytes that are no UTF-8 come as surrogates and go as they
    came.
    """

    __slots__ = ("_values",)

    def __init__(self, source: HeaderSource = None) -> None:
        self._values: Dict[str, List[str]] = {}
        for name, value in source.items() if isinstance(source, _Mapping) else source or ():
            for one in _values(value):
                self.add(name, one)

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._values[name.lower()])

    def __setitem__(self, name: str, value: Union[str, bytes, List[str]]) -> None:
        self._values[name.lower()] = _values(value)

    def __delitem__(self, name: str) -> None:
        del self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __repr__(self) -> str:
        return f"Headers({sorted(self._values)})"  # the names alone: a value may be a secret

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Headers):
            return self._values == other._values
        return isinstance(other, _Mapping) and self == Headers(other)

    __hash__ = None  # type: ignore[assignment]

    def get_all(self, name: str) -> List[str]:
        """All values of a name, in their order."""
        return list(self._values.get(name.lower(), ()))

    def add(self, name: str, value: Union[str, bytes]) -> None:
        """Adds a value to those that there are."""
        self._values.setdefault(name.lower(), []).extend(_values(value))

    def copy(self) -> "Headers":
        """A copy that is changed apart."""
        other = Headers()
        other._values = {name: list(values) for name, values in self._values.items()}
        return other

    def pairs(self) -> Iterator[Tuple[str, str]]:
        """Each name with each of its values."""
        for name, values in self._values.items():
            for value in values:
                yield name, value

    @classmethod
    def _of(cls, wire: Iterable[Any]) -> "Headers":
        headers = cls()
        values = headers._values
        for h in wire:
            name = h.name
            if name in values:
                values[name].append(from_bytes(h.value))
            else:
                values[name] = [from_bytes(h.value)]
        return headers

    def _snapshot(self) -> Dict[str, List[str]]:
        return {name: list(values) for name, values in self._values.items()}


def _values(value: Any) -> List[str]:
    if isinstance(value, (list, tuple)):
        return [one for v in value for one in _values(v)]
    return [from_bytes(value) if isinstance(value, bytes) else from_bytes(to_bytes(value))]


def headers_of(source: HeaderSource) -> Headers:
    """Headers of whatever an author writes for them."""
    if isinstance(source, Headers):
        return source
    if source is None or isinstance(source, (_Mapping, list, tuple)):
        return Headers(source)
    raise TypeError(
        f"headers are a dict of names and values, or a list of pairs, not {type(source).__name__}"
    )
