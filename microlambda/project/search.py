"""Which module holds the App of a project that does not say so, told without running anything."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from microlambda.project.errors import AppNotFound
from microlambda.project.syntax import parse
from microlambda.project.web import NEVER, find_web

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CONVENTIONAL = ("app.py", "app/__init__.py", "src/app.py", "src/app/__init__.py")


def find_module(root: Path) -> str:
    """Name what holds the project's App: the module `app`, or the only one that makes an App.

    Without any, "module:attribute" of the only application that Flask, Django or another framework makes.
    """
    conventional = next((root / name for name in _CONVENTIONAL if (root / name).is_file()), None)
    if conventional is not None and _binds_app(conventional):
        return "app"
    found = [_module(path, root) for path in _candidates(root) if _makes_app(path)]
    if len(found) == 1:
        return found[0]
    if found:
        raise AppNotFound(
            f"{root} has several modules with an App: {', '.join(found)}. Name one as the command's last "
            f"word: {found[0]}"
        )
    applications = find_web(root).apps
    if len(applications) == 1:
        return applications[0].target
    if conventional is not None:
        return "app"
    raise AppNotFound(_nothing(root, [one.target for one in applications]))


def _nothing(root: Path, applications: list[str]) -> str:
    if applications:
        return (
            f"{root} has no App, but several web applications: {', '.join(applications)}. Name one as the "
            f"command's last word: {applications[0]}"
        )
    return (
        f"{root} has no App: no app.py, and no other module there or in src/ that makes one. "
        f"`microlambda new NAME` makes a project to start from."
    )


def _binds_app(path: Path) -> bool:
    """Tell whether a module has something that is called as applications are, or cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return True
    return re.search(r"\b(?:app|application|App)\b", text) is not None


def _candidates(root: Path) -> Iterator[Path]:
    for folder in (root, root / "src"):
        for path in sorted(folder.glob("*.py")) if folder.is_dir() else ():
            if path.name not in NEVER:
                yield path
        for package in sorted(folder.glob("*/__init__.py")) if folder.is_dir() else ():
            if package.parent.name not in NEVER and package.parent.name.isidentifier():
                yield from sorted(package.parent.glob("*.py"))


def _module(path: Path, root: Path) -> str:
    folder = root / "src" if path.is_relative_to(root / "src") else root
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _makes_app(path: Path) -> bool:
    """Tell whether the module imports App from microlambda and calls it at its top level."""
    try:
        tree = parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return False
    names = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "microlambda"
        for alias in node.names
        if alias.name == "App"
    }
    return any(
        isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.Call)
        and _called(node.value) in names | {"microlambda.App"}
        for node in tree.body
    )


def _called(call: ast.Call) -> str:
    return ast.unparse(call.func)
