"""Whether a module has the attribute that is said to be its App, and can be one, as far as its text tells."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from microlambda.project.errors import AppNotFound, nearest
from microlambda.project.syntax import parse
from microlambda.runtime.bare import other_function, says_so

if TYPE_CHECKING:
    from microlambda.project.layout import ModulePlace

_WORD = re.compile(r"[^\W\d]\w*")

#: What may make names that do not stand in a module.
_OPEN = re.compile(
    r"import\s*\(?\s*\*|\b(?:__getattr__|__dict__|globals|locals|vars|setattr|exec|eval|modules)\b"
)


def check_attribute(place: ModulePlace) -> None:
    """Raise `AppNotFound` where the attribute's name stands nowhere in the module, or is another function's.

    Nothing is imported.
    """
    if place.attribute is None:
        return
    try:
        text = place.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return  # for whoever compiles it to tell
    words = set(_WORD.findall(text))
    if place.attribute.partition(".")[0] not in words and not _OPEN.search(text):
        raise AppNotFound(
            f"{place.module!r} has no attribute {place.attribute!r}.{nearest(place.attribute, sorted(words))}"
        )
    if (fault := _fault(text, place.attribute)) is not None:
        raise AppNotFound(f"{place.module}:{place.attribute} {fault}")


def _fault(text: str, name: str) -> str | None:
    """Tell why the function of this name is no application; None where it may be one, or there is none."""
    try:
        tree = parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # for whoever compiles it to tell
    if any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree)):
        return None  # it may be given another value
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            given = (*node.args.posonlyargs, *node.args.args)
            names = None if node.args.vararg else tuple(one.arg for one in given)
            # What decorators make of it is not known.
            return None if node.decorator_list or says_so(names or ()) else other_function(name, names)
    return None
