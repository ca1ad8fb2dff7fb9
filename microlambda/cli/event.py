"""`microlambda event SOURCE`: a true sample event of each source, to look at or to hand to `invoke`.

The options of a source are the keywords of its builder in `emulator/events`.
"""

from __future__ import annotations

import inspect
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from microlambda.emulator.events import SOURCES, builder
from microlambda.emulator.events.origin import ORIGIN, Origin

if TYPE_CHECKING:
    ParamType = click.ParamType[Any]
else:
    ParamType = click.ParamType  # generic for type checkers alone, before click 8.4


class SourceGroup(click.Group):
    """A group with one command a source, made of its builder when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the sources."""
        return list(SOURCES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Make the command of one source."""
        return source_command(cmd_name) if cmd_name in SOURCES else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the sources from their table, importing none."""
        with formatter.section("Sources"):
            formatter.write_dl(list(SOURCES.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the source; for a word that is none, say which one was probably meant."""
        if args and args[0] not in SOURCES and not args[0].startswith("-"):
            from microlambda.runtime.routing.problems import nearest

            ctx.fail(f"There is no source {args[0]!r}. {nearest(args[0], SOURCES)}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=SourceGroup, short_help="Print a sample event of a source.", subcommand_metavar="SOURCE [OPTIONS]..."
)
def command() -> None:
    """Print an event as the source sends it, as JSON.

    `microlambda event sqs --help` lists what can be said of the event. To run a handler with it:
    microlambda event sqs --queue orders --messages hi | microlambda invoke handle
    """


def source_command(source: str) -> click.Command:
    """Make the command that prints events of a source."""
    build = builder(source)
    parameters = [one for one in inspect.signature(build).parameters.values() if one.name != "origin"]

    def run(region: str, account: str, **given: Any) -> None:
        said = {name: value for name, value in given.items() if value is not None and value != ()}
        try:
            event = build(**said, origin=Origin(region=region, account=account))
        except (AttributeError, LookupError, TypeError, ValueError) as exc:
            raise click.UsageError(f"no such event can be made: {exc}") from exc
        click.echo(json.dumps(event, indent=2, ensure_ascii=False))

    options: list[click.Parameter] = [*map(_option, parameters), *_origin_options()]
    doc = inspect.getdoc(build) or ""
    return click.Command(
        source,
        params=list(options),
        callback=run,
        help=f"{SOURCES[source]}\n\n{doc}",
        short_help=SOURCES[source],
    )


def _origin_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--region"], default=ORIGIN.region, show_default=True, help="The region it comes from."
        ),
        click.Option(
            ["--account"], default=ORIGIN.account, show_default=True, help="The account it comes from."
        ),
    ]


def _option(parameter: inspect.Parameter) -> click.Option:
    """The option that stands for a keyword of a builder, by its annotation."""
    name, annotation = parameter.name, str(parameter.annotation)
    flag = f"--{name.replace('_', '-')}"
    default = f"Default: {_shown(parameter.default)}." if parameter.default not in (None, (), {}) else ""
    if annotation == "bool":
        return click.Option([f"{flag}/--no-{flag[2:]}", name], default=None, help=default)
    kind = _KINDS.get(annotation.removesuffix(" | None"))
    if kind is None:
        raise TypeError(f"no option can stand for {name}: {annotation}")
    multiple = annotation.startswith("Sequence")
    words = f"{default}{' May be repeated.' if multiple else ''}".strip()
    return click.Option([flag, name], type=kind, multiple=multiple, default=None, help=words)


def _shown(default: Any) -> str:
    if isinstance(default, str):
        return default
    return (
        ", ".join(map(_shown, default))
        if isinstance(default, tuple | list)
        else json.dumps(default, default=str)
    )


class JsonOrText(ParamType):
    """A JSON object or list where the text is one, else the text itself, to the letter."""

    name = "json|text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ARG002 - click's signature
        """Parse an object or a list."""
        try:
            parsed = json.loads(value)
        except (TypeError, ValueError):
            return value
        return parsed if isinstance(parsed, dict | list) else value


class JsonObject(ParamType):
    """A JSON object."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse it, or say what is wrong with it."""
        try:
            parsed = json.loads(value)
        except (TypeError, ValueError) as exc:
            self.fail(f"{value!r} is no JSON: {exc}", param, ctx)
        if not isinstance(parsed, dict):
            self.fail(f"{value!r} is no JSON object", param, ctx)
        return parsed


class Moment(ParamType):
    """A moment in ISO 8601; without an offset it is UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse it, or say which form it has."""
        try:
            return datetime.fromisoformat(value)
        except (TypeError, ValueError):
            self.fail(f"{value!r} is no moment, which looks like 2026-11-24T10:00:00Z", param, ctx)


#: A keyword's annotation, without `| None` -> how its text is read.
_KINDS: dict[str, ParamType] = {
    "str": click.STRING,
    "int": click.INT,
    "float": click.FLOAT,
    "Any": JsonOrText(),
    "Sequence[str]": click.STRING,
    "Sequence[Any]": click.STRING,  # bodies, to the letter
    "Mapping[str, Any]": JsonObject(),
    "Mapping[str, str]": JsonObject(),
    "datetime": Moment(),
}
