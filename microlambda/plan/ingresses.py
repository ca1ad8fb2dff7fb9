"""What stands before the function of all routes: one planner for each ingress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from microlambda.plan.function_url import plan_function_url
from microlambda.plan.http_api import plan_http_api
from microlambda.plan.records import FunctionUrl, HttpApi, Record, RestApi
from microlambda.plan.rest_api import plan_rest_api
from microlambda.plan.wiring import Target

if TYPE_CHECKING:
    from microlambda import App
    from microlambda.project.settings import Settings

#: From the alias to call, the App and the settings to the records that come after the alias.
Planner = Callable[[Target, "App", "Settings"], Sequence[Record]]

PLANNERS: dict[str, Planner] = {
    "http-api": plan_http_api,
    "rest-api": plan_rest_api,
    "function-url": plan_function_url,
}

#: The kinds that give the app a URL; each of them has the attribute `url`.
ANSWERING = (HttpApi.kind, RestApi.kind, FunctionUrl.kind)
