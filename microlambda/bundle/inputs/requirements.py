"""What the project depends on, as it is written: in a lock, in requirement files, in pyproject.toml.

Everything becomes one list that stands by itself: paths absolute, groups and extras chosen, `microlambda`
left out, for in a requirement it stands for the runtime, which comes with us.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from microlambda.bundle.errors import RequirementsUnreadable
from microlambda.bundle.inputs.required import Choice, Requirements, SourceRequirement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from microlambda.bundle.target import Target
    from microlambda.project.settings import Settings

__all__ = ["Requirements", "SourceRequirement", "read_requirements"]

#: What is looked for, in this order: what fixes more comes first.
_ORDER = ("uv.lock", "pylock.toml", "poetry.lock", "Pipfile.lock", "requirements.txt", "pyproject.toml")

_PYLOCK = re.compile(r"pylock(\.[^.]+)?\.toml")


def read_requirements(
    settings: Settings,
    target: Target,
    *,
    groups: tuple[str, ...] | None = None,
    extras: tuple[str, ...] | None = None,
) -> Requirements:
    """Read what the settings name, else the first that is there of a lock, requirements.txt, pyproject.toml.

    Markers of locks and sources are judged for the target. `groups` and `extras` are the settings' own where
    they are None. What cannot be read raises `RequirementsUnreadable`, a lock that is too old `LockOutdated`.
    """
    choice = Choice(
        root=settings.root,
        target=target,
        groups=settings.groups if groups is None else groups,
        extras=settings.extras if extras is None else extras,
    )
    if settings.requirements is not None:
        return _named(settings.requirements, choice)
    found = [path for name in _ORDER if (path := _find(name, settings.root)) is not None]
    if not found:
        return _nothing(choice)
    return _read(_label(found), found[:1], choice)


def _label(found: Sequence[Path]) -> str:
    """Name what is read, and what a user might take for it; that pyproject.toml is there says nothing."""
    first, *others = [path.name for path in found if path.name != "pyproject.toml"] or ["pyproject.toml"]
    return f"{first}, not {' or '.join(others)}" if others else first


def _find(name: str, root: Path) -> Path | None:
    """Find an input; the uv.lock of a member is in the folder of its workspace."""
    path = root / name
    if path.is_file():
        return path
    return _above(root) if name == "uv.lock" and (root / "pyproject.toml").is_file() else None


def _above(root: Path) -> Path | None:
    from microlambda.bundle.inputs.manifest import read_manifest
    from microlambda.bundle.inputs.uv_sources import workspace_of

    workspace = workspace_of(read_manifest(root / "pyproject.toml"))
    path = workspace.folder / "uv.lock" if workspace is not None else root / "uv.lock"
    return path if path.is_file() else None


def _nothing(choice: Choice) -> Requirements:
    if choice.groups or choice.extras:
        raise RequirementsUnreadable(
            f"the settings ask for {', '.join(map(repr, (*choice.groups, *choice.extras)))}, groups and "
            f"extras of an input, and there is none: no {', '.join(_ORDER[:-1])} and no {_ORDER[-1]}. "
            "Write a pyproject.toml that has them."
        )
    return Requirements(label="no requirements.txt and no pyproject.toml: no dependencies")


def _named(names: Sequence[str], choice: Choice) -> Requirements:
    paths = [_existing(choice.root, name) for name in names]
    alone = [path for path in paths if _reader(path) is not None]
    if alone and len(paths) > 1:
        raise RequirementsUnreadable(
            f"requirements names {alone[0].name} beside others, and it stands by itself. "
            "Several files have to be requirement files, like requirements.txt."
        )
    return _read(", ".join(_shown(path, choice.root) for path in paths), paths, choice)


def _existing(root: Path, name: str) -> Path:
    path = root / name
    if not path.is_file():
        raise RequirementsUnreadable(
            f"requirements names {name!r}, which is not a file in the project. "
            "It takes paths of requirement files or of one lock, relative to the project's folder."
        )
    return path


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _read(label: str, paths: Sequence[Path], choice: Choice) -> Requirements:
    reader = _reader(paths[0]) if paths else None
    if reader is None:
        from microlambda.bundle.inputs.requirement_files import read_requirement_files

        return read_requirement_files(label, paths, choice)
    read = reader(paths[0], choice)
    # A reader's own label may say more than the name of its file.
    return replace(read, label=label + read.label.removeprefix(paths[0].name))


def _reader(path: Path) -> Callable[[Path, Choice], Requirements] | None:
    """Choose how a file is read, by its name; None for a requirements file, which may have any."""
    # Each is imported for its own input alone: a build with nothing to do is over in a moment.
    if path.name == "uv.lock":
        from microlambda.bundle.inputs.uv_lock import read_uv_lock as read
    elif _PYLOCK.fullmatch(path.name):
        from microlambda.bundle.inputs.pylock import read_pylock as read
    elif path.name == "poetry.lock":
        from microlambda.bundle.inputs.poetry_lock import read_poetry_lock as read
    elif path.name == "Pipfile.lock":
        from microlambda.bundle.inputs.pipfile_lock import read_pipfile_lock as read
    elif path.name == "pyproject.toml":
        from microlambda.bundle.inputs.pyproject import read_pyproject as read
    else:
        return None
    return read
