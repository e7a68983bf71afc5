"""A stage that keeps to the protocol, and may come to grief all the same; fault_good_test.go has it in Go."""

import os
import signal
import sys
import time
from dataclasses import dataclass

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../python"))

from leat_plugin import Response, serve, stage  # noqa: E402


@dataclass
class Good:
    """Its config."""

    do: str = ""
    request_body: str = "none"
    limit: str = "1MiB"


def needs(config):
    """Everything that is not secret, and the body where the config says so."""
    return {
        "request": {"headers": ["*"], "edit": ["*"], "body": config.request_body, "body_limit": config.limit},
        "response": {"headers": ["*"], "edit": ["*"]},
        "answer": True,
    }


def die():
    """Ends the process as kill -9 from outside does."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


@stage("good", config=Good, needs=needs, most=needs(Good(request_body="full", limit="1GiB")))
def good(config, req, next):
    """Does what x-do says."""
    do = req.headers.get("x-do") or config.do
    pid = str(os.getpid())
    if do == "panic":
        raise RuntimeError("as it was asked to")
    if do == "die":
        die()
    if do == "exit":
        os._exit(5)
    if do == "hang":
        req.call.cancelled.wait()
    if do == "nap":
        time.sleep(0.3)
    if do == "write":
        text = req.headers["x-text"] * int(req.headers["x-times"]) + "\n"
        data = text.encode("utf-8", "surrogateescape")
        while data:
            data = data[os.write(int(req.headers["x-to"]), data) :]
        return Response(200, {"x-pid": pid}, b"written")
    req.headers["x-pid"] = pid
    resp = next(req)
    resp.headers["x-pid"] = pid
    if do == "panic-after":
        raise RuntimeError("as it was asked to")
    if do == "die-after":
        die()
    return resp


serve()
