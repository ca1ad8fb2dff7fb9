"""Calls of functions as commands make them: on AWS, in a `microlambda local` that runs, or alone."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from microlambda.cli.options import project_root

if TYPE_CHECKING:
    from microlambda.local.called import Called


def here(name: str, event: bytes, *, stage: str, target: str | None, alone: bool, quiet: bool) -> Called:
    """Call a function on this machine: in the `microlambda local` that runs for the project, if one does.

    `alone` passes that over. Unless it is `quiet`, what the function prints goes to standard error.
    """
    found = None if alone else _in_running(name, event, stage=stage, target=target, quiet=quiet)
    return found or _alone(name, event, stage=stage, target=target, quiet=quiet)


def _alone(name: str, event: bytes, *, stage: str, target: str | None, quiet: bool) -> Called:
    from microlambda.local.called import called_here
    from microlambda.local.console import Console
    from microlambda.local.invocation import invoke_here
    from microlambda.project.settings import load_settings

    settings = load_settings(project_root(), stage)
    console = Console(sys.stderr, sys.stderr)
    lines: list[bytes] = []
    output = lines.append if quiet else _print_line
    invocation = invoke_here(settings, name, event, target=target, output=output, cut_off=console.cut_off)
    return called_here(name, invocation, lines)


def _in_running(name: str, event: bytes, *, stage: str, target: str | None, quiet: bool) -> Called | None:
    """Call it in the `microlambda local` that runs for the project, if one does, with the same App."""
    from microlambda.local.running import find

    running = find(project_root(), stage)
    if running is None or target not in (None, running.target):
        return None
    called = running.invoke(name, event)
    if called is not None and not quiet:
        click.echo(f"Called in `microlambda local` at {running.url}.", err=True)
        for line in called.log.splitlines(keepends=True):
            _print_line(line.encode())
    return called


def _print_line(line: bytes) -> None:
    from microlambda.cli.logs import without_controls

    text = line.decode(errors="replace")
    click.echo(without_controls(text) if sys.stderr.isatty() else text, nl=False, err=True)


def on_aws(
    name: str, event: bytes, *, stage: str, profile: str | None, region: str | None, log: bool
) -> Called:
    """Call a function of what is deployed, with the end of its log if that is asked for."""
    from microlambda.cli.report import Report
    from microlambda.cli.stage import deployed_scope
    from microlambda.deploy.errors import FunctionFailed, NotDeployed
    from microlambda.deploy.invocation import invoke
    from microlambda.deploy.kinds.version import error_text
    from microlambda.local.called import Called
    from microlambda.plan.names import function_name

    aws, scope = deployed_scope(stage, profile=profile, region=region)
    try:
        answer = invoke(aws, scope, function_name(scope.app, scope.stage, name), event, log=log)
    except NotDeployed:
        _check_known(name, stage)
        raise
    report = Report.read(answer.log)
    return Called(
        function=name,
        payload=answer.payload,
        error=FunctionFailed(error_text(json.loads(answer.payload))) if answer.error is not None else None,
        log=answer.log,
        duration=report.duration,
        max_memory=report.max_memory,
        version=answer.version or None,
    )


def _check_known(name: str, stage: str) -> None:
    """Say that the app has no such function, where its code can be asked."""
    from microlambda.local.errors import UnknownFunction
    from microlambda.project.environment import applied, resolvable_environment
    from microlambda.project.errors import ToolError
    from microlambda.project.loader import load_app
    from microlambda.project.settings import load_settings

    functions: tuple[str, ...] = ()
    with suppress(ToolError):
        settings = load_settings(project_root(), stage)
        with applied(resolvable_environment(settings.function("http"), os.environ)):
            functions = load_app(settings.root, settings.app).app.functions
    if functions and name not in functions:
        raise UnknownFunction(name, functions)
