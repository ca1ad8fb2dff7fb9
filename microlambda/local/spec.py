"""A function of the project as its processes on this machine need it: command, environment, limits."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from microlambda.emulator.environment import developer_environment, open_environment
from microlambda.emulator.function_spec import FunctionSpec
from microlambda.plan.names import TAG_VALUE, function_name
from microlambda.project.dotenv import local_environment, read_dotenv
from microlambda.project.environment import base_path_variable
from microlambda.project.layout import import_root
from microlambda.runtime.naming import aws_name

if TYPE_CHECKING:
    from microlambda.project.settings import Settings

ACCOUNT, REGION = "123456789012", "us-east-1"

#: The time zone of functions that are not given another.
UTC = ":UTC"

#: In place of an endpoint: calls go where those of the developer's own programs go.
REAL_AWS = "the real AWS"


def function_spec(
    settings: Settings,
    target: str | None,
    *,
    name: str = "http",
    alone: bool = False,
    endpoint: str | None = None,
) -> FunctionSpec:
    """Describe the function `name` of the stage; `alone` serves it as on Lambda, and else the whole app.

    `endpoint` is where its calls of AWS go, or `REAL_AWS`; without one they go nowhere.
    """
    function = settings.function(name)
    region = settings.region or REGION
    own_name = function_name(local_name(settings), settings.stage, name)
    configured = local_environment(
        function, os.environ, read_dotenv(settings.root), fetches=endpoint is not None
    )
    if endpoint == REAL_AWS:
        environment = open_environment(configured, region=settings.region)
    else:
        environment = developer_environment(configured, region=region, endpoint=endpoint)
    environment["TZ"] = configured.get("TZ", UTC)  # the developer's clock is not that of Lambda
    environment |= base_path_variable(settings, name)
    served = (settings.stage, target or "", *([name] if alone else []))
    return FunctionSpec(
        name=own_name,
        version="$LATEST",
        arn=function_arn(region, own_name),
        # -u: prints come when they are made. -P: no folder before the standard library on the path.
        command=(sys.executable, "-u", "-P", "-m", "microlambda.local.child", str(settings.root), *served),
        cwd=import_root(settings.root, target or settings.app),
        environment={**environment, "MICROLAMBDA_HANDLER": name},
        timeout=function.timeout,
        memory=function.memory,
        handler="microlambda.runtime.entry.handler",
    )


def longest_time(settings: Settings) -> int:
    """Give the time of the function that has most of it, in seconds: what tasks get, whichever they are."""
    return max(settings.function(name).timeout for name in ("http", *settings.function_names))


def local_name(settings: Settings) -> str:
    """Name the app as its functions are named here: as the settings do, else as its folder."""
    name = settings.name or settings.root.name
    return name if TAG_VALUE.fullmatch(name) else aws_name(name)


def function_arn(region: str, name: str) -> str:
    """Write the ARN that a function has here."""
    return f"arn:aws:lambda:{region}:{ACCOUNT}:function:{name}"
