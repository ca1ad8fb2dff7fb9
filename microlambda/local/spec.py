"""A function of the project as its processes on this machine need it: command, environment, limits."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from microlambda.emulator.environment import developer_environment
from microlambda.emulator.function_spec import FunctionSpec
from microlambda.plan.names import function_name
from microlambda.project.layout import import_root
from microlambda.project.settings import resolve_environment

if TYPE_CHECKING:
    from microlambda.project.settings import Settings

ACCOUNT, REGION = "123456789012", "us-east-1"


def function_spec(
    settings: Settings, target: str | None, *, name: str = "http", alone: bool = False
) -> FunctionSpec:
    """Describe the function `name` of the stage; `alone` serves it as on Lambda, and else the whole app."""
    function = settings.function(name)
    region = settings.region or REGION
    aws_name = function_name(settings.name or settings.root.name, settings.stage, name)
    environment = developer_environment(resolve_environment(function, os.environ), region=region)
    served = (target or "", name) if alone else () if target is None else (target,)
    return FunctionSpec(
        name=aws_name,
        version="$LATEST",
        arn=function_arn(region, aws_name),
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


def function_arn(region: str, name: str) -> str:
    """Write the ARN that a function has here."""
    return f"arn:aws:lambda:{region}:{ACCOUNT}:function:{name}"
