"""What the project depends on, as it is written: requirements.txt, or the dependencies of pyproject.toml.

Included files are read too, and everything becomes one list that stands by itself: paths absolute,
`microlambda` left out, for in a requirement it stands for the runtime, which comes with us.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from microlambda.bundle.errors import RequirementsUnreadable
from microlambda.bundle.inputs.requirement_lines import OURS, Line, mask, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from microlambda.project.settings import Settings

#: Inputs that users may expect us to read and that this version does not.
_UNREAD = ("uv.lock", "pylock.toml", "poetry.lock", "Pipfile.lock", "Pipfile")


@dataclass(frozen=True, kw_only=True)
class SourceRequirement:
    """A folder or a repository that is asked for; resolvers build a wheel of it before they resolve.

    `location` is what pip and uv take: an absolute file URL, or git+https://...@revision.
    """

    location: str
    name: str | None = None  # where it is known before the build
    extras: tuple[str, ...] = ()
    where: str  # the file and the line that ask for it
    folder: Path | None = None  # a folder of this machine: its contents count, not only its name


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """What to resolve: `label` names the input, `lines` and `constraints` are ready for a resolver.

    `portable` is all of it without the paths of this machine. `is_locked` says that the lines are everything,
    each at one version, so that nothing is resolved any more.
    """

    label: str
    lines: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    portable: tuple[str, ...] = ()
    direct: tuple[Requirement, ...] = ()
    roots: tuple[Requirement, ...] | None = None  # what the project itself asks for; None: all of `direct`
    is_locked: bool = False
    sources: tuple[SourceRequirement, ...] = ()
    constrained: tuple[Requirement, ...] = ()
    local_files: tuple[Path, ...] = ()  # wheels named by path: their contents count, not only their names
    notes: tuple[str, ...] = ()

    @property
    def is_hashed(self) -> bool:
        """Tell whether the input fixes the files by their hashes."""
        return any("--hash" in line for line in self.lines)


def read_requirements(settings: Settings) -> Requirements:
    """Read what the settings name, else requirements.txt, else pyproject.toml, else nothing."""
    if settings.groups:
        raise RequirementsUnreadable(
            f"the settings ask for the groups {', '.join(settings.groups)}; this version does not read them. "
            "Name files instead: requirements = ['requirements.txt', 'requirements-extra.txt']."
        )
    if settings.requirements is not None:
        return _from_files([_named(settings.root, name) for name in settings.requirements], settings.root)
    if (settings.root / "requirements.txt").is_file():
        return _from_files([settings.root / "requirements.txt"], settings.root)
    if (settings.root / "pyproject.toml").is_file():
        return _from_pyproject(settings.root)
    return Requirements(
        label="no requirements.txt and no pyproject.toml: no dependencies", notes=_unread(settings.root)
    )


def _named(root: Path, name: str) -> Path:
    path = root / name
    if not path.is_file():
        raise RequirementsUnreadable(
            f"requirements names {name!r}, which is not a file in the project. "
            "It takes paths of requirement files, relative to the project's folder."
        )
    return path


def _from_files(paths: Iterable[Path], root: Path) -> Requirements:
    paths = list(paths)
    lines = [line for path in paths for line in read_lines(path)]
    label = ", ".join(_shown(path, root) for path in paths)
    return _collect(label, lines, _unread(root))


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _from_pyproject(root: Path) -> Requirements:
    path = root / "pyproject.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise RequirementsUnreadable(f"pyproject.toml is not TOML: {exc}.") from exc
    project: Mapping[str, Any] = table.get("project", {})
    _refuse_unread_pyproject(table, project)
    declared = project.get("dependencies", [])
    if not isinstance(declared, list) or not all(isinstance(one, str) for one in declared):
        raise RequirementsUnreadable("pyproject.toml: project.dependencies must be a list of requirements.")
    lines = [_declared(one) for one in declared]
    _refuse_sources(table, lines)
    return _collect("pyproject.toml [project] dependencies", lines, _unread(root))


def _declared(text: str) -> Line:
    try:
        return Line(text=text, where="pyproject.toml", requirement=Requirement(text))
    except InvalidRequirement as exc:
        raise RequirementsUnreadable(f"pyproject.toml: {mask(text)!r} is not a requirement: {exc}.") from exc


def _refuse_unread_pyproject(table: Mapping[str, Any], project: Mapping[str, Any]) -> None:
    if "dependencies" in project.get("dynamic", []):
        raise RequirementsUnreadable(
            "pyproject.toml says that its dependencies are dynamic: they are known only after a build. "
            "Write them to a requirements.txt, which is read first."
        )
    poetry = table.get("tool", {}).get("poetry", {})
    if "dependencies" not in project and poetry.get("dependencies"):
        raise RequirementsUnreadable(
            "pyproject.toml has its dependencies under [tool.poetry], which this version does not read. "
            "Run `poetry export -o requirements.txt`, or move them to [project] dependencies."
        )


def _refuse_sources(table: Mapping[str, Any], lines: Iterable[Line]) -> None:
    """Refuse what `tool.uv.sources` redirects: on the index, the name may be a stranger's."""
    sources = table.get("tool", {}).get("uv", {}).get("sources", {})
    redirected = {canonicalize_name(name) for name in sources}
    for line in lines:
        if line.name in redirected and line.name != OURS:
            raise RequirementsUnreadable(
                f"pyproject.toml takes {line.name} from [tool.uv.sources], which this version does not read. "
                "Run `uv export --no-hashes -o requirements.txt`, or publish it to your index."
            )


def _unread(root: Path) -> tuple[str, ...]:
    found = [name for name in _UNREAD if (root / name).is_file()]
    return tuple(
        f"{name} is not read by this version: versions may differ from it. "
        "Export it to requirements.txt to keep them."
        for name in found
        if not (root / "requirements.txt").is_file()
    )


def _collect(label: str, lines: Iterable[Line], notes: tuple[str, ...]) -> Requirements:
    kept = [line for line in lines if line.name != OURS]
    asked = [line for line in kept if not line.is_constraint]
    limits = [line for line in kept if line.is_constraint]
    return Requirements(
        label=label,
        lines=tuple(dict.fromkeys(line.text for line in asked)),
        constraints=tuple(dict.fromkeys(line.text for line in limits)),
        portable=tuple(f"{'-c ' * line.is_constraint}{line.portable or line.text}" for line in kept),
        direct=tuple(line.requirement for line in asked if line.requirement is not None),
        constrained=tuple(line.requirement for line in limits if line.requirement is not None),
        local_files=tuple(line.local_file for line in kept if line.local_file is not None),
        notes=notes,
    )
