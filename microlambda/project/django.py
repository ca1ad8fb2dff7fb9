"""A Django project, told by its text: which settings it runs with, and what they say of hosts and servers."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from microlambda.project.syntax import parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VARIABLE = "DJANGO_SETTINGS_MODULE"


@dataclass(frozen=True, kw_only=True)
class DjangoProject:
    """The settings module, its file if it is the project's, and what it says.

    `wsgi_application` is "module:attribute". `allowed_hosts` are None where they are not written out.
    """

    settings: str
    path: Path | None = None
    wsgi_application: str | None = None
    allowed_hosts: tuple[str, ...] | None = None


def find_django(root: Path, entry: Path | None = None) -> DjangoProject | None:
    """Read the settings that a module for servers (`wsgi.py`) names, or manage.py; None if neither does."""
    places = [*([entry] if entry else []), root / "manage.py", root / "src" / "manage.py"]
    settings = next(filter(None, map(settings_named_in, places)), None)
    if settings is None:
        return None
    values = _values(root, settings, frozenset())
    hosts, server = values.get("ALLOWED_HOSTS"), values.get("WSGI_APPLICATION")
    module, _, name = server.rpartition(".") if isinstance(server, str) else ("", "", "")
    return DjangoProject(
        settings=settings,
        path=_file(root, settings),
        wsgi_application=f"{module}:{name}" if module else None,
        allowed_hosts=tuple(map(str, hosts)) if isinstance(hosts, list | tuple) else None,
    )


def settings_named_in(path: Path) -> str | None:
    """Find what a file sets DJANGO_SETTINGS_MODULE to, by `os.environ.setdefault` or by an assignment."""
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Call) and [_constant(one) for one in node.args[:1]] == [VARIABLE]:
            value = _constant(node.args[1]) if len(node.args) > 1 else None
        elif isinstance(node, ast.Assign) and _constant(getattr(node.targets[0], "slice", None)) == VARIABLE:
            value = _constant(node.value)
        else:
            continue
        if isinstance(value, str):
            return value
    return None


def _constant(node: ast.AST | None) -> Any:
    return node.value if isinstance(node, ast.Constant) else None


def _values(root: Path, module: str, seen: frozenset[str]) -> dict[str, Any]:
    """Read what is assigned and written out in settings, and in those that they import by a star."""
    path = _file(root, module)
    if path is None or module in seen:
        return {}
    values: dict[str, Any] = {}
    for node in _parsed(path).body:
        for other in _starred(node, module, is_package=path.name == "__init__.py"):
            values |= _values(root, other, seen | {module})
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            values[node.targets[0].id] = _literal(node.value)
    return values


def _starred(node: ast.stmt, module: str, *, is_package: bool) -> Iterator[str]:
    """Name the module of `from module import *`."""
    if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
        parts = module.split(".")
        above = parts[: len(parts) - node.level + is_package] if node.level else []
        yield ".".join([*above, *([node.module] if node.module else [])])


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return None


def _file(root: Path, module: str) -> Path | None:
    inner = module.replace(".", "/")
    places = [
        folder / name for folder in (root, root / "src") for name in (f"{inner}.py", f"{inner}/__init__.py")
    ]
    return next((path for path in places if path.is_file()), None)


def _parsed(path: Path) -> ast.Module:
    try:
        return parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module(body=[], type_ignores=[])
