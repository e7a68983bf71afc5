"""What the program says to somebody who runs it."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any, Dict, List

from .needs import show_needs
from .version import PROTOCOL, SDK, __version__

if TYPE_CHECKING:
    from .stages import Stage

_HELP = ("--help", "-h", "help")
_VERSION = ("--version", "version")


def by_hand(stages: "List[Stage]", name: str, version: str, args: List[str]) -> int:
    """Answers somebody who runs the program, and returns its exit code."""
    if not args or (len(args) == 1 and args[0] in _HELP):
        sys.stdout.write(_help(stages, name, version))
        return 0
    if len(args) == 1 and args[0] in _VERSION:
        print(f"{name} {version}, leat_plugin {__version__}")
        return 0
    if args == ["describe"]:
        print(json.dumps(description(stages, name, version), indent=2, ensure_ascii=False))
        return 0
    word = args[1] if len(args) > 1 and args[0] in (*_HELP, *_VERSION, "describe") else args[0]
    print(
        (
            f'{name}: unknown argument "{word}"\n  it takes describe, --version or --help; a'
            " program that runs pipelines starts it by itself"
        ),
        file=sys.stderr,
    )
    return 2


def description(stages: "List[Stage]", name: str, version: str) -> Dict[str, Any]:
    """What describe prints."""
    types = [
        {
            "name": s.name,
            **({"doc": s.doc} if s.doc else {}),
            "schema": s.schema,
            "needs": show_needs(s.most),
            "defaults": s.defaults,
        }
        for s in stages
    ]
    return {"name": name, "version": version, "sdk": SDK, "protocol": PROTOCOL, "types": types}


def command() -> List[str]:
    """The command that runs this program."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is not None and spec.name:
        return [sys.executable, "-m", spec.name.removesuffix(".__main__")]
    return [sys.executable, os.path.abspath(sys.argv[0])]


def _help(stages: "List[Stage]", name: str, version: str) -> str:
    width = max(len(s.name) for s in stages)
    served = "".join(f"  {s.name:<{width}}  {s.doc}".rstrip() + "\n" for s in stages)
    table = name[len("leat-plugin-") :] if name.startswith("leat-plugin-") else name
    if not re.match(r"^[A-Za-z0-9_-]+$", table):
        table = "mine"
    first, run = stages[0].name, " ".join(command())
    return f"""{name} {version} is a plugin for leat: a program that runs pipelines starts it, and ends it.

It serves
{served}
To use it, write into pipelines.toml

  [plugins.{table}]
  command = {json.dumps(command(), ensure_ascii=False)}

  [stages.{first}]
  use = "{table}/{first}"

and name "{first}" among the stages of a pipeline. The program sees only the environment variables
that env = ["NAME"] of its table names.

  {run} describe    prints what it serves as JSON: types, JSON Schemas of their configs, needs,
  defaults
  {run} --version   prints its version
"""
