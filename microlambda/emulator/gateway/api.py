"""The API that a gateway serves, and one call to it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from microlambda.emulator.gateway.resources import CATCH_ALL, Resources
from microlambda.emulator.gateway.routes import ALL_OPEN, Route, Routes

if TYPE_CHECKING:
    from microlambda.emulator.gateway.decisions import Identity
    from microlambda.emulator.gateway.target import Target
    from microlambda.emulator.messages import HttpRequest

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, kw_only=True)
class Api:
    """What an event says about the API that received the request.

    `requested` is the path that was asked for, where more than the API's own path stands in it: the stage.
    With a `base_path`, such as "/v1", the API is behind a custom domain, under that path.
    `resources` are a REST API's, `routes` an HTTP API's; a function's URL has the default of these alone.
    """

    api_id: str = "local12345"
    account_id: str = "123456789012"
    region: str = "us-east-1"
    stage: str = "$default"
    requested: str | None = None
    base_path: str = ""
    resources: Resources = CATCH_ALL
    routes: Routes = ALL_OPEN

    @property
    def arn(self) -> str:
        """The stage, as policies name it."""
        return f"arn:aws:execute-api:{self.region}:{self.account_id}:{self.api_id}/{self.stage}"


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request on its way through a gateway, with what the gateway adds to it.

    `caller` is who an authorizer has found to call.
    """

    request: HttpRequest
    target: Target
    api: Api
    started: float = field(default_factory=time.time)
    request_id: str = field(default_factory=lambda: str(uuid4()))
    extended_request_id: str = field(default_factory=lambda: f"{os.urandom(10).hex()[:15]}=")
    trace_id: str = field(default_factory=lambda: new_trace_id())
    caller: Identity | None = None

    @property
    def epoch_ms(self) -> int:
        """When the request arrived, in milliseconds since 1970."""
        return int(self.started * 1000)

    @property
    def log_time(self) -> str:
        """When the request arrived, in the common log format: `12/Mar/2020:19:03:58 +0000`."""
        moment = time.gmtime(self.started)
        month = _MONTHS[moment.tm_mon - 1]  # not strftime: its month names follow the locale
        return time.strftime(f"%d/{month}/%Y:%H:%M:%S +0000", moment)

    @property
    def has_api(self) -> bool:
        """Whether the path is one of the API's: under its base path, if it has one."""
        base = self.api.base_path
        return not base or f"{self.target.raw_path}/".startswith(f"{base}/")

    @property
    def resource_path(self) -> str:
        """The path as it was sent, without the base path: what leads to a resource."""
        return self.target.raw_path[len(self.api.base_path) :] or "/"

    @property
    def whole_request(self) -> HttpRequest:
        """The request with all of the path that was asked for, which a signature is of."""
        requested, query = self.api.requested, self.target.raw_query
        if requested is None:
            return self.request
        return replace(self.request, target=f"{requested}?{query}" if query else requested)

    @property
    def route(self) -> Route:
        """The route of an HTTP API that the request takes."""
        path = self.target.path[len(self.api.base_path) :] or "/"
        return self.api.routes.match(self.request.method, path)

    @property
    def host(self) -> str:
        """The host that was asked for, without its port."""
        host = self.request.header("host") or "localhost"
        return host.rsplit(":", 1)[0] if host.rpartition(":")[2].isdigit() else host

    @property
    def port(self) -> str:
        """The port that was asked for."""
        _, colon, port = (self.request.header("host") or "").rpartition(":")
        return port if colon and port.isdigit() else ("443" if self.request.scheme == "https" else "80")


def new_trace_id() -> str:
    """Make a value for X-Amzn-Trace-Id: `Root=1-{time in hex}-{96 random bits}`."""
    return f"Root=1-{int(time.time()):08x}-{os.urandom(12).hex()}"
