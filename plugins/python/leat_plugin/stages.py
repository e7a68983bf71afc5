"""The stages of a plugin: functions with a name, a config and needs."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

from . import plugin_pb2 as pb
from .config import Reader
from .errors import ConfigError
from .needs import Needs, parse_needs
from .schema import defaults_of, schema_of_config

Function = Callable[..., Any]

_NAME = re.compile(r"^[A-Za-z0-9_-]+$")

REGISTRY: "Dict[str, Stage]" = {}
"""The stages that were defined, which ``serve()`` serves."""


class Stage:
    """A type of stages. It is called as the function that it was made of."""

    def __init__(
        self,
        name: str,
        function: Function,
        config: Any,
        needs: Union[Needs, Callable[[Any], Needs], None],
        most: Optional[Needs],
        validate: Optional[Callable[[Any], None]],
        doc: str,
        open: Optional[Callable[..., Any]] = None,
        close: Optional[Callable[..., Any]] = None,
    ) -> None:
        where = f"stage {name!r}"
        if not isinstance(name, str) or not _NAME.match(name):
            raise ValueError(f"{where}: a name is made of letters, digits, hyphens and underscores")
        if not callable(function):
            raise TypeError(f"{where}: @stage stands above a function")
        self.name, self.function, self.config, self.validate = name, function, config, validate
        self.is_async = inspect.iscoroutinefunction(function)
        self.doc = doc or (inspect.getdoc(function) or "").partition("\n\n")[0].replace(
            "\n", " "
        ).rstrip(".")
        self.schema = schema_of_config(config)
        self.defaults = defaults_of(config)
        self._needs: Optional[Callable[[Any], Needs]] = None
        if callable(needs):
            if most is None:
                raise ValueError(
                    f"{where}: needs is a function of the config: say by most={{…}} what no config"
                    " goes beyond"
                )
            self._needs, self.most = needs, parse_needs(most, "most")
        else:
            if most is not None:
                raise ValueError(f"{where}: most is for needs that are a function of the config")
            self.most = parse_needs(needs)
        self.on_ended: Optional[Function] = None
        self.ended_async = self.ended_takes_settings = False
        self.takes_settings = _takes(where, function, ("config", "req", "next"))
        self.open, self.close = open, close
        if open is not None and not _takes(f"{where}: open", open, ("config",)):
            raise TypeError(f"{where}: open takes (config, settings)")
        if close is not None:
            _takes(f"{where}: close", close, (), least=1)

    def __call__(self, config: Any, req: Any, next: Any, settings: Any = None) -> Any:
        more = (settings,) if self.takes_settings else ()
        return self.function(config, req, next, *more)

    def __repr__(self) -> str:
        return f"<Stage {self.name}>"

    def ended(self, function: Function) -> Function:
        """Has a function ``(config, ended)`` or ``(config, ended, settings)`` told of the end of every call: ``@mine.ended``. Needs
        ``"calls": True``.
        """
        if not self.most.calls:
            raise ValueError(
                f'stage {self.name!r}: to be told of the end of calls it needs "calls": True'
            )
        where = f"stage {self.name!r}: ended"
        self.ended_takes_settings = _takes(where, function, ("config", "ended"))
        self.on_ended, self.ended_async = function, inspect.iscoroutinefunction(function)
        return function

    def schema_json(self) -> bytes:
        """The JSON Schema of the config, as it travels."""
        return json.dumps(self.schema, ensure_ascii=False).encode()

    def needs_of(self, config: Any) -> pb.Needs:
        """The needs of a stage with this config."""
        if self._needs is None:
            return self.most
        return parse_needs(self._needs(config), "needs")

    def decode(self, data: bytes, dir: str, follow: bool) -> Tuple[Any, List[pb.Mistake]]:
        """Reads a config; follow also reads its secrets, once, to know that they are there."""
        reader = Reader(dir, follow)
        config = reader.read(self.config, data)
        if self.validate is not None and not reader.mistakes:
            try:
                self.validate(config)
            except ConfigError as err:
                reader.wrong(err)
            except ValueError as err:
                reader.wrong(ConfigError(str(err)))
        return config, reader.mistakes


def stage(
    name: str,
    *,
    config: Any = None,
    needs: Union[Needs, Callable[[Any], Needs], None] = None,
    most: Optional[Needs] = None,
    validate: Optional[Callable[[Any], None]] = None,
    doc: str = "",
    open: Optional[Callable[..., Any]] = None,
    close: Optional[Callable[..., Any]] = None,
) -> Callable[[Function], Stage]:
    """Makes a function ``(config, req, next)``, plain or ``async``, a type of stages: the file says
    ``PLUGIN/NAME``.

    ``config`` is a dataclass or a TypedDict: its fields are the keys of the stage's table, and
    texts in
    ``Annotated[T, "…"]`` explain them. ``needs`` is what the stage must see and may do, or a
    function of the
    config that returns it; then ``most`` is what no config goes beyond. Without needs a stage reads
    and
    changes request headers that hold no credential. ``validate(config)`` raises ConfigError.
    ``doc`` is one
    sentence for people; by default the first paragraph of the function's docstring.

    ``open(config, settings)`` runs once for each stage of a file, before its first request, and makes
    ``settings.state``, as a client or a cache: what it sets or returns. An exception of it says why
    the stage can't be made. ``close(settings)`` runs once the last request is over. Either may be
    ``async``. The function takes the settings as a fourth argument, where it has one.
    """

    def define(function: Function) -> Stage:
        made = Stage(name, function, config, needs, most, validate, doc, open, close)
        if name in REGISTRY and REGISTRY[name].function.__module__ == function.__module__:
            raise ValueError(f"stage {name!r} is there twice")
        REGISTRY[name] = made
        return made

    return define


def _takes(where: str, function: Function, names: Tuple[str, ...], least: int = 0) -> bool:
    """Reports whether a function takes the settings, too, after what it is always given."""
    wants = ", ".join(names)
    try:
        signature = inspect.signature(function)
    except ValueError:  # of a builtin
        return False
    for more in ("settings",), ():
        try:
            signature.bind(*names, *more)
        except TypeError:
            continue
        if len(names) + len(more) >= least:
            return bool(more)
    raise TypeError(f"{where}: its function takes ({wants or 'settings'})")
