"""The settings of one stage, merged from what `microlambda.toml` or `[tool.microlambda]` holds.

A value is looked up in the stage's function, the function, the stage, the top, in that order; tables merge,
lists replace. Defaults: the newest Python that Lambda has and that is not above the local interpreter,
x86_64, http-api, 256 MB, 30 s (29 s for the function `http` behind a REST API), and logs kept for 30 days:
long enough to look into a report, and a bill that does not grow by itself; `log_retention = "forever"` keeps
them.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from microlambda.project import limits
from microlambda.project.environment import resolve_environment
from microlambda.project.errors import SettingsError, nearest
from microlambda.project.files import add_id, find_project, read_settings_file
from microlambda.project.keys import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = [
    "FunctionSettings",
    "Settings",
    "SettingsError",
    "find_project",
    "load_settings",
    "new_id",
    "resolve_environment",
    "write_id",
]

#: Stages that every project has, named in its settings or not.
BUILT_IN_STAGES = ("dev", "local")

Table = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class FunctionSettings:
    """What one function of one stage is to be; the references in `environment` are not resolved yet."""

    name: str
    stage: str
    memory: int = limits.DEFAULT_MEMORY  # MB
    timeout: int = limits.DEFAULT_TIMEOUT  # s
    ephemeral_storage: int = limits.DEFAULT_EPHEMERAL_STORAGE  # MB, of /tmp
    tracing: bool = False  # by X-Ray
    reserved_concurrency: int | None = None  # invocations at once; None: what the account has left
    log_format: str = "text"  # or "json"
    log_retention: int | None = limits.DEFAULT_LOG_RETENTION  # days; None keeps logs for ever
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    tags: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    policies: tuple[str | Table, ...] = ()  # ARNs of managed ones, and statements
    layers: tuple[str, ...] = ()  # ARNs of versions, on top of those of the dependencies
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    snap_start: bool = False
    iam_role_arn: str | None = None  # None: a role is made
    undeployed: tuple[str, ...] = ()  # keys that are set and that this version does not deploy


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one stage of the project in `root`; `source` is the file, None where there is none."""

    root: Path
    stage: str
    source: Path | None = None
    id: str | None = None
    name: str | None = None
    app: str | None = None  # "module:attribute"
    account: str | None = None
    region: str | None = None
    python: str = field(default_factory=limits.default_python)
    architecture: str = "x86_64"
    ingress: str = "http-api"
    base_path: str = ""  # of a custom domain, before the paths of the app: "v1"
    endpoint_type: str | None = None  # of a REST API; None: regional
    api_keys: tuple[str, ...] = ()  # names of those that may call what asks for one
    jwks: str | None = None  # a file with the keys of tokens, for `local`; None: the issuer is asked
    log_retention: int | None = limits.DEFAULT_LOG_RETENTION
    tags: Mapping[str, str] = field(default_factory=dict)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    requirements: tuple[str, ...] | None = None  # None: the first lock or list that is there
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()  # patterns of what slimming would remove from dependencies
    strip: bool = False  # symbols of native libraries
    sdk: str | tuple[str, ...] = "runtime"  # "bundle", or the services whose models ship
    single_archive: bool = False
    stages: tuple[str, ...] = BUILT_IN_STAGES
    table: Table = field(default_factory=dict, repr=False)  # the file's, whole

    @property
    def function_names(self) -> tuple[str, ...]:
        """Name the functions that the settings speak of, for this stage or for all."""
        layers = (self.table, _table(self.table, "stages", self.stage))
        return tuple(dict.fromkeys(name for layer in layers for name in _table(layer, "functions")))

    @property
    def lambda_python(self) -> str:
        """Name the Python of Lambda that is asked for; `python` may be that of this machine instead."""
        stage = _table(self.table, "stages", self.stage)
        return stage.get("python") or self.table.get("python") or limits.default_python()

    @property
    def undeployed(self) -> tuple[str, ...]:
        """Name the keys that are set for the whole stage and that this version does not deploy."""
        return _undeployed(_merged(self.table, _table(self.table, "stages", self.stage)))

    def function(self, name: str) -> FunctionSettings:
        """Merge what the settings say for the function of this name; any name has them, if only defaults."""
        stage = _table(self.table, "stages", self.stage)
        merged = _merged(
            self.table, stage, _table(self.table, "functions", name), _table(stage, "functions", name)
        )
        return FunctionSettings(
            name=name,
            stage=self.stage,
            memory=merged.get("memory", limits.DEFAULT_MEMORY),
            timeout=merged.get("timeout", limits.default_timeout(name, self.ingress)),
            ephemeral_storage=merged.get("ephemeral_storage", limits.DEFAULT_EPHEMERAL_STORAGE),
            tracing=merged.get("tracing", False),
            reserved_concurrency=merged.get("reserved_concurrency"),
            log_format=merged.get("log_format", "text"),
            log_retention=_retention(merged),
            environment=merged.get("environment", {}),
            tags=merged.get("tags", {}),
            groups=tuple(merged.get("groups", ())),
            extras=tuple(merged.get("extras", ())),
            policies=tuple(merged.get("policies", ())),
            layers=tuple(merged.get("layers", ())),
            subnets=tuple(sorted(set(merged.get("vpc", {}).get("subnets", ())))),
            security_groups=tuple(sorted(set(merged.get("vpc", {}).get("security_groups", ())))),
            snap_start=merged.get("snap_start", False),
            iam_role_arn=merged.get("iam_role_arn") or None,  # "": none, where the app or the stage has one
            undeployed=_undeployed(merged),
        )


def load_settings(root: Path, stage: str) -> Settings:
    """Read the settings of `root` for one stage; `SettingsError` tells what is wrong in them, and where."""
    found = read_settings_file(root)
    stages = tuple(dict.fromkeys((*BUILT_IN_STAGES, *found.table.get("stages", {}))))
    if stage not in stages:
        raise SettingsError(
            f"{found.label} has no stage {stage!r}.{nearest(stage, stages)} It has: {', '.join(stages)}. "
            f"A new one starts with a line [stages.{stage}]."
        )
    _check_distinct(stages, found.label)
    merged = _merged(found.table, _table(found.table, "stages", stage))
    return Settings(
        root=root,
        stage=stage,
        source=found.source,
        python=merged.get("python") or limits.default_python(),
        log_retention=_retention(merged),
        tags=merged.get("tags", {}),
        include=tuple(merged.get("include", ())),
        exclude=tuple(merged.get("exclude", ())),
        requirements=_texts(merged.get("requirements")),
        groups=tuple(merged.get("groups", ())),
        extras=tuple(merged.get("extras", ())),
        keep=tuple(merged.get("keep", ())),
        api_keys=tuple(merged.get("api_keys", ())),
        sdk=_sdk(merged.get("sdk", "runtime")),
        stages=stages,
        table=found.table,
        **{name: merged[name] for name in _PLAIN if name in merged},
    )


def _check_distinct(stages: Iterable[str], label: str) -> None:
    """Refuse stages that IAM would take for one: its names ignore case."""
    taken: dict[str, str] = {}
    for stage in stages:
        other = taken.setdefault(stage.lower(), stage)
        if other != stage:
            raise SettingsError(
                f"{label}: the stages {other!r} and {stage!r} differ only by case, which IAM's names ignore. "
                "Give one of them another name."
            )


def new_id() -> str:
    """Make a project id: eight random letters and digits."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(8))


def write_id(settings: Settings) -> Settings:
    """Give the project an id if it has none, in its settings file (a new `microlambda.toml` if none)."""
    if settings.id is not None:
        return settings
    add_id(settings.root, new_id())
    return load_settings(settings.root, settings.stage)


_PLAIN = (
    *("id", "name", "app", "account", "region", "architecture", "ingress"),
    "base_path",
    "endpoint_type",
    "jwks",
    *("strip", "single_archive"),
)


def _merged(*layers: Table) -> dict[str, Any]:
    """Lay tables over each other, the later over the earlier, without the tables of other levels."""
    result: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            if name in KEYS:
                known = result.get(name)
                tables = isinstance(value, dict) and isinstance(known, dict)
                result[name] = {**(known or {}), **value} if tables else value
    return result


def _table(table: Table, *path: str) -> Table:
    for name in path:
        table = table.get(name, {})
    return table


def _retention(merged: Table) -> int | None:
    value: int | str = merged.get("log_retention", limits.DEFAULT_LOG_RETENTION)
    return None if isinstance(value, str) else value


def _sdk(value: str | list[str]) -> str | tuple[str, ...]:
    return value if isinstance(value, str) else tuple(value)


def _texts(value: str | list[str] | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    return (value,) if isinstance(value, str) else tuple(value)


def _undeployed(merged: Table) -> tuple[str, ...]:
    return tuple(name for name in merged if not KEYS[name].deployed)
