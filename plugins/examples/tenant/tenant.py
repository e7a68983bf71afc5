#!/usr/bin/env python3
"""A plugin for leat: each request says for which tenant it is, and each answer must be for the same
one.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import Annotated, Any, Dict, List

from leat_plugin import ConfigError, Request, Response, StageError, serve, stage

log = logging.getLogger("tenant")

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
"""What a tenant may be called: nothing that could be taken for something else in a header."""


@dataclass
class Echo:
    """Where the upstream says for whom its answer is."""

    header: Annotated[str, "a response header"] = ""
    field: Annotated[str, 'a field of the JSON body, as in "meta.tenant"'] = ""

    def __post_init__(self) -> None:
        if self.header and self.field:
            raise ConfigError(
                "header and field exclude each other", "field", "leave one of them out"
            )


@dataclass
class Config:
    """The keys of the stage's table."""

    header: Annotated[str, "the request header that names the tenant"] = "x-tenant"
    echo: Annotated[Echo, "where the answer repeats it; without it no answer is checked"] = field(
        default_factory=Echo
    )
    allowed: Annotated[List[str], "the tenants that may call; empty: any"] = field(
        default_factory=list
    )

    def __post_init__(self) -> None:
        if not self.header:
            raise ConfigError("header must name a header", "header", 'write header = "x-tenant"')
        for i, name in enumerate(self.allowed):
            if not NAME.match(name):
                raise ConfigError(
                    f'"{name}" is no name of a tenant',
                    f"allowed[{i}]",
                    "use letters, digits, dot, hyphen, underscore",
                )


def needs(config: Config) -> Dict[str, Any]:
    """One header to write, for whom the call is, and of the answer no more than what is checked."""
    request = {"edit": [config.header], "call": ["subject"]}
    if config.echo.header:
        return {"request": request, "response": {"headers": [config.echo.header]}}
    if config.echo.field:
        return {"request": request, "response": {"body": "full"}}
    return {
        "request": request
    }  # the part of such a stage ends with next: that costs half a round trip


MOST = {
    "request": {"edit": ["*"], "call": ["subject"]},
    "response": {"headers": ["*"], "body": "full"},
}
"""What no config goes beyond."""


@stage("header", config=Config, needs=needs, most=MOST)
def header(config: Config, req: Request, next: Any) -> Response:
    """names the call's tenant in a request header, and refuses answers that are for another one"""
    tenant = req.call.subject
    if not NAME.match(tenant):
        why = "no name of a tenant" if tenant else "empty: it names the tenant"
        raise StageError("policy", f"the call's subject is {why}", reason="no_tenant")
    if config.allowed and tenant not in config.allowed:
        raise StageError(
            "forbidden", f'tenant "{tenant}" is not allowed here', reason="tenant_not_allowed"
        )
    req.headers[config.header] = tenant
    resp = next(req)
    if (config.echo.header or config.echo.field) and resp.status < 400:
        check(config.echo, resp, tenant)
    return resp


def check(echo: Echo, resp: Response, tenant: str) -> None:
    """Refuses an answer that is not for the tenant."""
    told = resp.headers.get_all(echo.header) if echo.header else [look_up(resp, echo.field)]
    if told == [tenant]:
        return
    log.warning("answer for another tenant", extra={"tenant": tenant, "told": str(told)})
    raise StageError(
        "validation",
        f'the answer does not say in {echo.header or echo.field} that it is for "{tenant}"',
        reason="other_tenant",
        status=resp.status,
    )


def look_up(resp: Response, path: str) -> Any:
    """The value of a field of the JSON body; None where there is none."""
    try:
        value = resp.json()
    except ValueError:
        return None
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


serve()
