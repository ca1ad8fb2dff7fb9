"""What the commands that speak to AWS start with: the stage's settings, the app's name, the way to AWS."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from microlambda.bundle.archive import content_digest
from microlambda.bundle.bundle import build
from microlambda.bundle.fingerprint import CODE, pieces
from microlambda.bundle.target import Target
from microlambda.cli.options import project_root
from microlambda.deploy.changes import REMOVE, Change
from microlambda.deploy.deployer import Deployer
from microlambda.deploy.errors import NotDeployed, deploy_first
from microlambda.deploy.explain import explained
from microlambda.deploy.kinds.function import code_sha256
from microlambda.deploy.session import Aws, check_place, connect
from microlambda.plan.compile import HTTP, app_name, compile_plan
from microlambda.plan.kinds import KINDS
from microlambda.plan.plan import Plan, Scope
from microlambda.project.environment import applied, resolvable_environment, resolve_environment
from microlambda.project.errors import ToolError
from microlambda.project.loader import LoadedApp, load_app
from microlambda.project.settings import Settings, load_settings, write_id
from microlambda.project.signals import interrupt

if TYPE_CHECKING:
    from microlambda.deploy.progress import Progress

Say = Callable[[str], None]

#: What stands for the id of a project that has none yet, in an AWS on this machine.
LOCAL_ID = "local"


class ConfirmationNeeded(ToolError):
    """A question has to be answered, and there is no terminal to ask at."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """An app, one stage's settings with their region, and what the code is bundled for."""

    settings: Settings
    loaded: LoadedApp
    target: Target

    @classmethod
    def of(cls, settings: Settings, target: str | None, *, command: str) -> Deployment:
        """Load the app that is meant, with its stage's environment, for the Lambda of the settings."""
        with applied(resolve_environment(settings.function(HTTP), os.environ, on_aws=True)):
            loaded = load_app(settings.root, target or settings.app, command=command)
        return cls(
            settings=settings,
            loaded=loaded,
            target=Target.for_lambda(settings.python, settings.architecture),
        )

    def suited(self, aws: Aws) -> Deployment:
        """Bundle for what runs there: Lambda, or this machine where it is the embedded cloud."""
        return self.for_host() if aws.identity.is_embedded else self

    def for_host(self) -> Deployment:
        """Bundle for this machine instead, as the embedded cloud needs it."""
        target = Target.for_host()
        settings = replace(self.settings, python=target.python, architecture=target.architecture)
        return replace(self, settings=with_local_id(settings), target=target)

    def plan(self, contents: Mapping[str, str] | None = None) -> Plan:
        """Say what the stage is to be; with `contents` by the keys of archives, of these and no others."""
        made_of = pieces(self.settings, self.loaded.module, self.loaded.import_root, self.target)
        return compile_plan(
            self.loaded.app,
            self.settings,
            app_path=self.loaded.path,
            pieces=made_of.of_content(contents or {}),
            environ=os.environ,
        )

    def with_id(self, say: Say) -> Deployment:
        """Give the project an id if it has none, and say so."""
        if self.settings.id is not None:
            return self
        named = write_id(self.settings)
        source = named.source.name if named.source else ""
        say(f'Wrote id = "{named.id}" to {source}: it tells what is yours on AWS. Keep it with the code.')
        return replace(self, settings=replace(self.settings, id=named.id, source=named.source))

    def deployer(self, aws: Aws, progress: Progress, *, refresh: bool, adopt: bool = False) -> Deployer:
        """Plan, and give what brings it to AWS.

        `refresh` resolves the dependencies anew for that; `adopt` takes over what has our names.
        """
        archives = Archives(self, progress.say, refresh=refresh)
        plan = self.plan(archives.contents() if refresh else {})
        return Deployer(aws, plan, archive=archives.read, progress=progress, adopt=adopt)


class Archives:
    """The archives of a deployment, built together when the first of them is asked for."""

    def __init__(self, deployment: Deployment, say: Say, *, refresh: bool) -> None:
        self._deployment = deployment
        self._say = say
        self._refresh = refresh

    def read(self, key: str) -> bytes:
        """Give the bytes of an archive that is going to be uploaded."""
        content = self._built[key]
        self._say(f"{key}: {len(content) / 1e6:.1f} MB to upload")
        return content

    def contents(self) -> dict[str, str]:
        """Hash what was built, by keys: the code depends on what the dependencies come to, too."""
        return {
            key: code_sha256(content) if key.startswith(CODE) else content_digest(content)
            for key, content in self._built.items()
        }

    @cached_property
    def _built(self) -> dict[str, bytes]:
        deployment = self._deployment
        with TemporaryDirectory(prefix="microlambda-") as folder:
            bundle = build(
                deployment.settings,
                deployment.loaded.module,
                deployment.loaded.import_root,
                target=deployment.target,
                out=Path(folder),
                say=self._say,
                refresh=self._refresh,
            )
            for note in bundle.notes:
                self._say(f"note: {note}")
            if bundle.left_out:
                self._say(bundle.left_out)
            return {part.key: part.archive.read_bytes() for part in bundle.parts}


def open_aws(settings: Settings, *, profile: str | None, region: str | None) -> tuple[Aws, Settings]:
    """Open the way to AWS, without asking it anything yet; the settings come back with their region."""
    aws = connect(profile=profile, region=region, stage_region=settings.region)
    settings = replace(settings, region=aws.region)
    return aws, with_local_id(settings) if aws.is_loopback else settings


def check_stage(aws: Aws, settings: Settings) -> None:
    """Make sure that these are the right credentials for the stage."""
    with explained("asking AWS whose credentials these are"):
        check_place(aws, stage=settings.stage, account=settings.account)


def deployed_scope(stage: str, *, profile: str | None, region: str | None) -> tuple[Aws, Scope]:
    """Open the way to a stage that is deployed already; its app is imported only for its name, if need be."""
    settings = load_settings(project_root(), stage)
    aws, settings = open_aws(settings, profile=profile, region=region)
    name = _name(settings)
    if settings.id is None:
        raise NotDeployed(f"{name!r} has never been deployed: its settings have no id. {deploy_first(stage)}")
    check_stage(aws, settings)
    return aws, Scope(id=settings.id, app=name, stage=stage, region=aws.region)


def with_local_id(settings: Settings) -> Settings:
    """Give a project without id one for an AWS on this machine, which forgets; nothing is written."""
    return settings if settings.id is not None else replace(settings, id=LOCAL_ID)


def _name(settings: Settings) -> str:
    if settings.name:
        return app_name(None, settings)
    with applied(resolvable_environment(settings.function(HTTP), os.environ)):
        return app_name(load_app(settings.root, settings.app).app, settings)


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM do inside the block what Ctrl-C does, so that the lock of a stage is released."""
    if threading.current_thread() is not threading.main_thread():
        yield  # where no signal arrives
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def is_terminal() -> bool:
    """Tell whether there is somebody to ask."""
    return sys.stdin.isatty()


def confirm(question: str, changes: Sequence[Change], *, yes: bool) -> None:
    """Ask before something is removed; without a terminal, refuse instead of asking."""
    removals = [change for change in changes if change.action == REMOVE]
    if yes or all(KINDS[change.kind].loses == "nothing" for change in removals):
        return
    for change in removals:
        click.echo(change.line, err=True)
    if not is_terminal():
        raise ConfirmationNeeded(f"{question} There is no terminal to answer at; --yes answers yes.")
    click.confirm(question, abort=True, err=True)
