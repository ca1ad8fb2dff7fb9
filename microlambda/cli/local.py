"""`microlambda local`: the app on this machine, behind a gateway that builds the events of AWS."""

from __future__ import annotations

import os
from pathlib import Path

import click

from microlambda.cli.options import project_root, target_argument
from microlambda.emulator.gateway import INGRESSES


@click.command(short_help="Serve the app on this machine, with reload.")
@target_argument
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="The port to listen on; 0 is any free one.",
)
@click.option(
    "--ingress",
    type=click.Choice(list(INGRESSES)),
    help="The gateway whose events the app gets; otherwise the one of the settings.",
)
@click.option(
    "--stage", default="local", show_default=True, metavar="STAGE", help="The stage whose settings apply."
)
@click.option("--no-reload", is_flag=True, help="Keep the app as it is when its files change.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep there what the AWS inside holds, for the next start; otherwise it is forgotten.",
)
@click.option("--aws", is_flag=True, help="Let the app reach your real AWS account, and fire no handlers.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line, for programs.")
def command(
    target: str | None,
    *,
    host: str,
    port: int,
    ingress: str | None,
    stage: str,
    no_reload: bool,
    data: Path | None,
    aws: bool,
    as_json: bool,
) -> None:
    """Serve the app on this machine, and again whenever its files or its settings change.

    TARGET is "module:attribute" or "module"; without it, the settings' app, or the only one in the project.
    """
    from microlambda.emulator.open_files import allow_many
    from microlambda.local.addresses import is_loopback
    from microlambda.local.console import Console
    from microlambda.local.interrupt import until_interrupted
    from microlambda.local.json_console import JsonConsole
    from microlambda.local.server import LocalServer

    allow_many()
    console = JsonConsole() if as_json else Console()
    if not is_loopback(host):
        console.note(f"Warning: on {host}, others on the network can reach the app too.")
    if aws and data is not None:
        raise click.UsageError("--aws and --data exclude each other: with --aws there is no AWS inside.")
    if aws:
        console.note(f"Warning: boto3 in this app reaches your real AWS{_profile()}. Nothing is fired here.")
    server = LocalServer(
        project_root(),
        target,
        stage=stage,
        ingress=ingress,
        host=host,
        port=port,
        reload=not no_reload,
        data=data,
        aws=aws,
        console=console,
    )
    with until_interrupted() as interrupt:
        try:
            server.start(interrupt.serving)
            from microlambda.local.running import Running, announced  # no start waits for it

            running = Running(url=server.control_url, token=server.token, target=target)
            with announced(project_root(), stage, running):
                interrupt.wait()
        finally:
            interrupt.ignore()
            server.stop()


def _profile() -> str:
    profile = os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")
    return f", by the profile {profile!r}" if profile else ""
