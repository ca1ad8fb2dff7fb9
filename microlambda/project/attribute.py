"""Whether a module has the attribute that is said to be its App, as far as its source tells."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from microlambda.project.errors import AppNotFound, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microlambda.project.layout import ModulePlace

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def check_attribute(place: ModulePlace) -> None:
    """Raise `AppNotFound` where no line of the module can make the attribute; nothing is imported."""
    if place.attribute is None:
        return
    try:
        tree = ast.parse(place.file.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return  # for whoever compiles it to tell
    names = set(_bound(tree.body))
    if place.attribute.partition(".")[0] not in names and not _is_open(tree, names):
        raise AppNotFound(
            f"{place.module!r} has no attribute {place.attribute!r}.{nearest(place.attribute, names)}"
        )


def _is_open(tree: ast.Module, names: set[str]) -> bool:
    """Tell whether the module may have names that do not stand in it."""
    called = {
        one.func.id for one in ast.walk(tree) if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)
    }
    return bool({"*", "__getattr__"} & names or {"globals", "exec", "vars", "setattr"} & called)


def _bound(statements: list[ast.stmt]) -> Iterator[str]:
    """Give the names that statements bind where they stand, in blocks too, but not in functions."""
    for statement in statements:
        if isinstance(statement, _DEFINITIONS):
            yield statement.name
            continue
        for node in _outside_functions(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            elif isinstance(node, ast.alias):
                yield node.asname or node.name.partition(".")[0]
            elif isinstance(node, _DEFINITIONS):
                yield node.name


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if not isinstance(node, (*_DEFINITIONS, ast.Lambda)):
        for child in ast.iter_child_nodes(node):
            yield from _outside_functions(child)
