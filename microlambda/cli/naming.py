"""How an app may be called on AWS, and how a project that does not say is called."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from microlambda.project.errors import ToolError

if TYPE_CHECKING:
    from pathlib import Path

# "{name}-{stage}-{handler}" is a function's name on AWS, of 64 characters at most: this leaves room for both.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_TAKEN = ("app", "main", "__main__")

#: Names of modules and folders that say nothing about a project either.
_COMMON = (
    *("application", "wsgi", "asgi", "api", "web", "site", "server", "run"),
    *("config", "core", "project", "backend", "src", "code"),
)


class InvalidName(ToolError):
    """The name cannot be an app's name on AWS."""


def check_name(name: str) -> None:
    """Refuse a name that AWS cannot hold, or that many apps have."""
    if not _NAME.fullmatch(name):
        raise InvalidName(
            f"{name!r} cannot name an app on AWS. Take 1 to 40 letters, digits, '-' and '_', a letter first"
            f"{_suggestion(name)}."
        )
    if name in _TAKEN:
        raise InvalidName(
            f"{name!r} says nothing about the app, and all its AWS resources would start with it. Take "
            "another name."
        )


def name_for(root: Path, module: str) -> str:
    """Choose a name for a project: that of the app's package, of pyproject.toml, or of the folder."""
    folder = root.resolve().name
    for one in (module.partition(".")[0], _project_name(root), folder):
        name = _fitting(one)
        if name and name.lower() not in (*_TAKEN, *_COMMON):
            return name
    raise InvalidName(
        f"neither {module!r} nor the folder {folder!r} says what the project is called, and all its AWS "
        "resources start with that. Give the folder another name, of letters, digits, - and _."
    )


def _suggestion(name: str) -> str:
    near = _fitting(name)
    return f", such as {near!r}" if near and near not in _TAKEN else ""


def _fitting(name: str) -> str:
    """Make a name that AWS can hold of any; empty where nothing is left of it."""
    near = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-").lstrip("0123456789-_")[:40]
    return near if _NAME.fullmatch(near) else ""


def _project_name(root: Path) -> str:
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
        return str(project.get("name", ""))
    except (OSError, ValueError, AttributeError):
        return ""
