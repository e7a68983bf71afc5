"""Runs a plugin's program, named on the command line, and brings trouble over its stages: which, the
subject of a call says.
"""

import functools
import os
import runpy
import sys

import leat_plugin

ODD = ['{"@level":5}', '{"@level":{}}', '{"@message":[]}', "{", '{"level":"info","msg":7}', "null", "[]"]
LINES = [b"\xff", *(line.encode() for line in ODD)]


def write(to):
    """Writes past the SDK what harms a host that is not careful."""
    long = b"long on %d" % to + b"x" * (4 << 20)
    data = b"".join(line + b"\n" for line in [*LINES, long, b"the last on %d" % to])
    while data:
        data = data[os.write(to, data) :]


original = leat_plugin.stage


def stage(*args, **keywords):
    """The SDK's decorator, for a function whose next may raise: so does the function then."""
    decorate = original(*args, **keywords)

    def decorator(function):
        @functools.wraps(function)
        def troubled(config, req, next):
            what = req.call.subject
            if what.startswith("write-"):
                write(int(what[-1]))

            def send(req):
                if what == "panic":
                    raise RuntimeError("as it was asked to")
                resp = next(req)
                if what == "panic-after":
                    raise RuntimeError("as it was asked to")
                return resp

            return function(config, req, send)

        return decorate(troubled)

    return decorator


leat_plugin.stage = stage
sys.path.insert(0, os.path.dirname(sys.argv[1]))
runpy.run_path(sys.argv[1], run_name="__main__")
