"""`microlambda routes`: what the app answers, in order of registration."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import click

from microlambda.cli.options import project_root, target_argument
from microlambda.local.columns import aligned

if TYPE_CHECKING:
    from microlambda import App
    from microlambda.runtime.dispatch.handler import Handler
    from microlambda.runtime.routing.rule import Rule

COLUMNS = ("methods", "rule", "view", "location", "protected by")


@click.command(short_help="List the app's routes.")
@target_argument
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON: `routes`, and `functions`.")
def command(target: str | None, *, as_json: bool) -> None:
    """List the app's routes: methods, rule, view and where it stands; then its other functions.

    TARGET is "module:attribute" or "module"; without it, the settings' app, or the only one in the project.
    """
    from microlambda.project.environment import applied, resolvable_environment
    from microlambda.project.loader import load_app
    from microlambda.project.settings import load_settings

    root = project_root()
    function = load_settings(root, "local").function("http")
    with applied(resolvable_environment(function, os.environ)):
        app = load_app(root, target, command="routes").app
    rows = [*(_row(app, rule) for rule in app.route_table), *map(_handler_row, app.handlers.values())]
    if not any(row[-1] for row in rows):
        rows = [row[:-1] for row in rows]  # nobody misses a column in which nothing stands
    if as_json:
        click.echo(json.dumps(_as_data(app), indent=2))
    elif not rows:
        click.echo(f"The app {app.name or 'without a name'!r} has no routes.")
    elif sys.stdout.isatty():
        _print_table(rows)
    else:
        for line in aligned(rows):
            click.echo(line)


def _as_data(app: App) -> dict[str, object]:
    return {
        "app": app.name,
        "routes": [_record(app, rule) for rule in app.route_table],
        "functions": [_handler_record(one) for one in app.handlers.values()],
    }


def _record(app: App, rule: Rule) -> dict[str, object]:
    return {
        "methods": sorted(rule.methods),
        "rule": rule.rule,
        "view": rule.endpoint,
        "location": rule.location,
        "protected": _asked(app, rule),
    }


def _asked(app: App, rule: Rule) -> list[str]:
    """Say what callers need; nothing for a view that is open."""
    asked = ["an API key"] if rule.api_key_required else []
    if rule.authorizer is not None:
        from microlambda.runtime.auth import authorizer_of

        asked.append(authorizer_of(app, rule.authorizer).declared())
    return asked


def _handler_record(handler: Handler) -> dict[str, object]:
    from microlambda.runtime.routing.problems import location_of

    return {
        "name": handler.name,
        "kind": handler.kind,
        "declared": handler.trigger.declared(),
        "location": location_of(handler.function),
    }


def _row(app: App, rule: Rule) -> tuple[str, ...]:
    asked = " and ".join(_asked(app, rule))
    return (", ".join(sorted(rule.methods)), rule.rule, rule.endpoint, rule.location, asked)


def _handler_row(handler: Handler) -> tuple[str, ...]:
    from microlambda.runtime.routing.problems import location_of

    return (handler.kind, "", handler.name, location_of(handler.function), "")


def _print_table(rows: list[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    names = COLUMNS[: len(rows[0])]
    table = Table(*(name.capitalize() for name in names), box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*map(Text, row))  # Text: a rule's brackets are no markup
    Console().print(table)
