"""Which attribute of its module is the App, told from the source: an image names it and imports nothing."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from microlambda.project.errors import AppNotFound
from microlambda.project.syntax import parse
from microlambda.project.web import made_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from microlambda.project.layout import ModulePlace

#: The name that is taken where it is there, as the commands that import the module do.
_CONVENTIONAL = "app"
#: The name that servers look for, where there is no App.
_OF_SERVERS = "application"


def app_path(place: ModulePlace) -> str:
    """Write the App as `module:attribute`; `AppNotFound` where the source does not show which one it is."""
    return f"{place.module}:{place.attribute or _attribute(place)}"


def _attribute(place: ModulePlace) -> str:
    path = _source(place)
    body = parse(path.read_bytes()).body
    if _CONVENTIONAL in _bound(body):
        return _CONVENTIONAL
    made = list(dict.fromkeys(_made(body)))
    if not made:  # a web application in the place of an App
        made = [one.name for one in made_in(path, place.module).apps]
        if _OF_SERVERS in (*made, *_bound(body), *_functions(body)):
            return _OF_SERVERS
    if len(made) == 1:
        return made[0]
    found = f"several Apps: {', '.join(made)}" if made else "no App that its source shows"
    example = f"{place.module}:{made[0] if made else 'NAME'}"
    raise AppNotFound(
        f"{place.module!r} has {found}. Name it as the command's last word, {example}, "
        f"or in the settings: app = '{example}'"
    )


def _source(place: ModulePlace) -> Path:
    inner = place.import_root.joinpath(*place.module.split("."))
    module = inner.with_suffix(".py")
    return module if module.is_file() else inner / "__init__.py"


def _bound(body: list[ast.stmt]) -> Iterator[str]:
    """Name what the module's top level assigns or imports."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        yield from _assigned(node)


def _made(body: list[ast.stmt]) -> Iterator[str]:
    """Name what is assigned the call of something that is named App."""
    for node in body:
        value = getattr(node, "value", None)
        if isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] == "App":
            yield from _assigned(node)


def _functions(body: list[ast.stmt]) -> Iterator[str]:
    yield from (node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _assigned(node: ast.stmt) -> Iterator[str]:
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        targets = [node.target]
    yield from (target.id for target in targets if isinstance(target, ast.Name))
