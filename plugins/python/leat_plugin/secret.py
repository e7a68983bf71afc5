"""Secrets: a config says where one is, and the plugin reads it there."""

from __future__ import annotations

import os
from typing import Any, Mapping, Optional

_HINT = 'write { env = "NAME" } or { file = "path" }'


class SecretError(ValueError):
    """A reference that leads nowhere."""


class Secret:
    """Where a secret is: ``{ env = "NAME" }`` or ``{ file = "path" }`` of the file.

    ``get()`` reads it, each time anew, so that a file may be changed under way. The variable must
    stand in
    ``env`` of the plugin's table, or the plugin doesn't see it. A relative path counts from the
    file's
    folder. Nothing of the value is ever printed by this type.
    """

    __slots__ = ("env", "file", "_dir")

    def __init__(self, env: str = "", file: str = "", dir: str = "") -> None:
        if bool(env) == bool(file):
            raise ValueError("a Secret has either env or file")
        self.env, self.file, self._dir = env, file, dir

    def get(self) -> str:
        """The secret; of a file without one trailing newline. A SecretError says what lacks."""
        if self.env:
            value = os.environ.get(self.env)
            if value is None:
                raise SecretError(
                    f"the environment variable {self.env} is not set for the plugin: set it where"
                    f' leat runs, and name it in the plugin\'s table, env = ["{self.env}"]'
                )
            return value
        try:
            with open(os.path.join(self._dir, self.file), encoding="utf-8") as f:
                return f.read().removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as err:
            why = err.strerror if isinstance(err, OSError) else "it is no UTF-8"
            raise SecretError(f"the file {self.file}: {why}") from None

    def __repr__(self) -> str:
        return f"Secret(env={self.env!r})" if self.env else f"Secret(file={self.file!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self.env, self.file, self._dir) == (
            other.env,
            other.file,
            other._dir,
        )

    def __hash__(self) -> int:
        return hash((self.env, self.file))


def secret_schema() -> dict[str, Any]:
    """The schema of a reference. writeOnly tells leat to show no value of it: what stands there by
    mistake is the secret itself.
    """
    name = {"type": "string", "minLength": 1}
    return {
        "type": "object",
        "properties": {"env": name, "file": dict(name)},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
        "writeOnly": True,
    }


def read_secret(value: Any, dir: str) -> "tuple[Optional[Secret], str, str]":
    """Reads a reference: the secret, or what is wrong and a hint. The value is never repeated."""
    if not isinstance(value, Mapping):
        said = (
            "a secret is never written into the file"
            if isinstance(value, str)
            else "a secret is a table that says where to read it"
        )
        return None, said, _HINT
    if len(value) != 1:
        return None, f"a secret has exactly one key, not {len(value)}", _HINT
    key, name = next(iter(value.items()))
    if key in ("cmd", "secret"):
        return None, f"a plugin in Python follows env and file, not {key}", _HINT
    if key not in ("env", "file"):
        return None, "unknown key of a secret", _HINT
    if not isinstance(name, str) or name == "" or "\0" in name or (key == "env" and "=" in name):
        return None, f"{key} must be a name", _HINT
    return Secret(env=name) if key == "env" else Secret(file=name, dir=dir), "", ""
