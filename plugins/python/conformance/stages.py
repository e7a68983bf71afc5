#!/usr/bin/env python3
"""Stages that hand everything on, for running leat's conformance corpus through this SDK."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from leat_plugin import serve, stage  # noqa: E402

FULL = {"headers": ["*"], "body": "full", "body_limit": "16MiB", "edit": [":body"]}


@stage("pass", needs={"request": {"headers": ["*"], "query": True}})
def hand_on(config, req, next):
    """Hands the request on; its part ends with that."""
    return next(req)


@stage(
    "pass-response",
    needs={"request": {"headers": ["*"], "query": True}, "response": {"headers": ["*"]}},
)
def hand_back(config, req, next):
    """Returns the response as it is."""
    return next(req)


@stage("pass-bodies", needs={"request": {**FULL, "query": True}, "response": FULL})
def hand_bodies(config, req, next):
    """Reads both bodies and hands on equal bytes."""
    req.body = bytes(req.body)
    resp = next(req)
    if not resp.stream:
        resp.body = bytes(resp.body)
    return resp


serve()
