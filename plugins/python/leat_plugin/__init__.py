"""Stages for leat, written in Python.

A whole plugin::

    from leat_plugin import stage, serve

    @stage("tenant", needs={"request": {"edit": ["x-tenant"], "call": ["subject"]}})
    def tenant(config, req, next):
        req.headers["x-tenant"] = req.call.subject
        return next(req)

    serve()
"""

from . import process as _process

_process.guard()  # standard output is the handshake's, and what the program imports next may print

try:
    import google.protobuf as _protobuf  # noqa: F401
    import grpc as _grpc  # noqa: F401
except ImportError as _err:
    import sys as _sys

    _process.served()  # it says itself what is missing
    _sys.exit(
        f"leat_plugin needs grpcio and protobuf, and {_sys.executable} has no {_err.name}: "
        "apt-get install python3-grpcio (which is for /usr/bin/python3), or pip install grpcio "
        "protobuf, or name another interpreter in the plugin's command"
    )

from .call import Call, Ended, Outcome  # noqa: E402
from .errors import Cancelled, ConfigError, NeedsError, NextError, StageError  # noqa: E402
from .headers import Headers  # noqa: E402
from .instance import Settings  # noqa: E402
from .message import Digest, Request, Response  # noqa: E402
from .program import serve  # noqa: E402
from .secret import Secret, SecretError  # noqa: E402
from .stages import Stage, stage  # noqa: E402
from .tracing import Span  # noqa: E402
from .version import __version__  # noqa: E402

__all__ = [
    "Call",
    "Cancelled",
    "ConfigError",
    "Digest",
    "Ended",
    "Headers",
    "NeedsError",
    "NextError",
    "Outcome",
    "Request",
    "Response",
    "Secret",
    "SecretError",
    "Settings",
    "Span",
    "Stage",
    "StageError",
    "serve",
    "stage",
    "__version__",
]
