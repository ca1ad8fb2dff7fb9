"""Which modules of the runtime ship: all but what an app needs by a name that no file of the project has.

A name counts where it stands behind a dot, a quote, or in an import from microlambda, in a comment too:
`@app.on_sqs_message`, `"SQSEvent"`, `from microlambda import Rate`. Text that ends with `_`, as in
f"on_{kind}", counts for all decorators that begin so. Everything ships where nothing can be told: with
`from microlambda import *`, with compiled modules that use microlambda, and with dependencies that do. What
no file names is missing on Lambda, and the error there says so (`runtime/missing.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from microlambda.bundle.inputs.requirement_lines import OURS
from microlambda.bundle.runtime_graph import BARE, graph_of, module_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from microlambda.bundle.archive import Entry
    from microlambda.bundle.code.sources import Source
    from microlambda.bundle.runtime_graph import Graph

#: Not behind a dot and a blank: so begin sentences ("At noon"), and no formatter leaves code like that.
_NAMED = re.compile(rb"""(?:\.(?:[ \t]*\\?\r?\n\s*)?|["'])([A-Za-z_]\w*)""")
_IMPORT = re.compile(
    rb"\bfrom[\s\\]+microlambda((?:\.\w+)*)[\s\\]+import[\s\\]*"
    rb"(\((?:[^)#]|#[^\n]*\n)*\)|(?:[^\n\\]|\\\r?\n|\\)*)"
)
_PATH = re.compile(rb"\bmicrolambda\.runtime(?:\.\w+)+")
_IMPORTED = re.compile(rb"\w+|\*")

_COMPILED = (".so", ".pyd", ".pyc")


@dataclass
class Names:
    """What files of a project name; `paths` begin with microlambda. With `is_all`, that can be anything."""

    names: set[str] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    is_all: bool = False


def left_out(
    runtime: tuple[Entry, ...], sources: Iterable[Source], *, may_be_bare: bool = False
) -> frozenset[str]:
    """Name the entries of the runtime that nothing in these files leads to.

    With `may_be_bare` what a web application needs that stands in the place of an App is kept.
    """
    found = names_in(sources)
    if found.is_all:
        return frozenset()
    if may_be_bare:
        found.paths.add(f"microlambda.runtime.{BARE}")
    graph = graph_of(runtime)
    unneeded = set(graph.optional) - needed(graph, found)
    return frozenset(entry.name for entry in runtime if module_of(entry.name) in unneeded)


def needed(graph: Graph, found: Names) -> set[str]:
    """Find the optional modules that these names lead to."""
    reached = set(graph.always)
    starts = tuple(name for name in found.names if name.endswith("_"))
    for name, modules in graph.names.items():
        if name in found.names or name.startswith(starts):
            reached.update(modules)
    for module, modules in graph.modules.items():
        if any(f"{path}.".startswith(f"microlambda.runtime.{module}.") for path in found.paths):
            reached.update(modules)
    return reached


def names_in(sources: Iterable[Source]) -> Names:
    """Read what files name, by their text."""
    found = Names()
    for source in sources:
        if source.name.endswith(".py"):
            _read(source.path.read_bytes(), found)
        elif source.name.endswith(_COMPILED):
            found.is_all = found.is_all or OURS.encode() in source.path.read_bytes()
    return found


def _read(content: bytes, found: Names) -> None:
    found.names.update(map(_text, _NAMED.findall(content)))
    if OURS.encode() not in content:
        return
    for path, imported in _IMPORT.findall(content):
        names = set(map(_text, _IMPORTED.findall(imported)))
        found.names |= names
        found.is_all = found.is_all or ("*" in names and not path)
        found.paths |= {f"microlambda{_text(path)}.{name}" for name in names}
    found.paths.update(map(_text, _PATH.findall(content)))


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")
