"""What of the runtime leads to what, read from its code: imports, decorators and public names.

The runtime has a core, which every app needs, and modules that an app needs by a name: the sources of events,
blueprints. A `Graph` says which of these a name leads to, with all that they import. Modules go by their
names below `microlambda.runtime`: `events.sqs`.
"""

from __future__ import annotations

import ast
import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from microlambda.bundle.cache import cache_folder, replace_file
from microlambda.project.syntax import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from microlambda.bundle.archive import Entry

    #: A module that is imported, and the classes and functions around the import, outermost first.
    Import = tuple[tuple[str, ...], str]

_FACE = "microlambda/__init__.py"
_RUNTIME = "microlambda/runtime/"

#: What an app needs by a name in its code alone: modules, and packages with all that is in them. What the
#: core imports of it ships always. Not `wsgi`: it may be named in the command of a server.
_BY_NAME = (
    *("events", "triggers", "tasks", "websocket", "ingress.websocket", "blueprint"),
    *("sessions", "session_json", "secret_values", "auth", "mounts"),
    "bare",
)
#: What the entry point makes an App with, of an application that is none.
BARE = "bare"
#: What decides about callers: reached from the core, and only where a route was given what has a name there.
_GUARDS = ("auth",)
#: What registers and runs handlers: reached from the core, and only where a decorator was used.
_HANDLERS = ("event_decorators", "dispatch.handler", "dispatch.records")

#: Whose public members a user reaches by their names.
_DECORATORS = "EventDecorators"
_OWNERS = ("App", "Blueprint", "Registration")


@dataclass(frozen=True, kw_only=True)
class Graph:
    """`optional` are the modules that not every app needs, `always` those of them that the core leads to.

    `names` has the decorators, public names and members of App that lead to others, `modules` what each
    module leads to. All are complete: what is imported on the way is in them.
    """

    optional: tuple[str, ...]
    always: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]
    modules: Mapping[str, tuple[str, ...]]


def module_of(name: str) -> str | None:
    """Name the module that an entry of the archive is; None where it is none of the runtime's."""
    if not name.startswith(_RUNTIME) or not name.endswith(".py"):
        return None
    path = name.removeprefix(_RUNTIME).removesuffix(".py").removesuffix("__init__").rstrip("/")
    return path.replace("/", ".")


@cache
def graph_of(runtime: tuple[Entry, ...]) -> Graph:
    """Read the graph of a runtime with its face. It is kept in the cache, for parsing takes half a second."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for entry in runtime:
        digest.update(f"{entry.name}\0{len(entry.content)}\0".encode() + entry.content)
    kept = cache_folder() / "runtime" / f"{digest.hexdigest()}.json"
    try:
        return _from_json(kept.read_bytes())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        graph = read_graph(runtime)
        replace_file(kept, json.dumps(asdict(graph)).encode())
        return graph


def _from_json(content: bytes) -> Graph:
    known = json.loads(content)
    return Graph(
        optional=tuple(known["optional"]),
        always=tuple(known["always"]),
        names={name: tuple(modules) for name, modules in known["names"].items()},
        modules={name: tuple(modules) for name, modules in known["modules"].items()},
    )


def read_graph(runtime: Iterable[Entry]) -> Graph:
    """Parse a runtime and its face."""
    files = {module: entry for entry in runtime if (module := module_of(entry.name)) is not None}
    face = next(entry for entry in runtime if entry.name == _FACE)
    trees = {module: parse(entry.content, entry.name) for module, entry in files.items()}
    imports = {
        module: list(_imports(tree, module, files, is_package=files[module].name.endswith("/__init__.py")))
        for module, tree in trees.items()
    }
    optional = {module for module in files if is_optional(module)}
    reader = _Reader(optional=optional, imports=imports)
    named: dict[str, set[str]] = {}
    for found in (reader.members(), reader.decorators(trees), _public(face, optional)):
        for name, modules in found.items():
            named.setdefault(name, set()).update(modules)
    return Graph(
        optional=tuple(sorted(optional)),
        always=reader.closure(reader.from_core()),
        names={name: reader.closure(modules) for name, modules in sorted(named.items())},
        modules={module: reader.closure({module}) for module in sorted(optional)},
    )


def is_optional(module: str) -> bool:
    """Tell whether a module is one that not every app needs."""
    return any(f"{module}.".startswith(f"{one}.") for one in (*_BY_NAME, *_HANDLERS))


@dataclass(frozen=True)
class _Reader:
    """The imports of each module, and which modules are optional."""

    optional: set[str]
    imports: Mapping[str, list[Import]]

    def of(self, module: str) -> Iterator[Import]:
        """Give what a module imports of the optional ones."""
        return ((around, imported) for around, imported in self.imports[module] if imported in self.optional)

    def from_core(self) -> set[str]:
        """Find what the core imports, except by a name that the user writes, for handlers and for no App."""
        return {
            imported
            for module in self.imports.keys() - self.optional
            for around, imported in self.of(module)
            if imported not in (*_HANDLERS, *_GUARDS, BARE) and not _is_member(around, _OWNERS)
        }

    def members(self) -> dict[str, set[str]]:
        """Find the members of App and Blueprint, such as `app.websocket`, that import what they give."""
        found: dict[str, set[str]] = {}
        for module in self.imports.keys() - self.optional:
            for around, imported in self.of(module):
                if _is_member(around, _OWNERS) and imported not in _HANDLERS:
                    found.setdefault(around[1], set()).add(imported)
        return found

    def decorators(self, trees: Mapping[str, ast.Module]) -> dict[str, set[str]]:
        """Find what each decorator imports; with any of them goes what registers and runs handlers."""
        tree = trees.get("event_decorators")
        if tree is None:
            return {}
        found: dict[str, set[str]] = {
            name: set(_HANDLERS) & self.optional for name in _members_of(tree, _DECORATORS)
        }
        for around, imported in self.of("event_decorators"):
            if _is_member(around, (_DECORATORS,)):
                found[around[1]].add(imported)
        return found | {alias: found[name] for alias, name in _aliases_in(tree, _DECORATORS) if name in found}

    def closure(self, modules: Iterable[str]) -> tuple[str, ...]:
        """Follow imports, also those in functions, among the optional; packages of modules come with them."""
        reached: set[str] = set()
        pending = list(modules)
        while pending:
            module = pending.pop()
            if module in reached or module not in self.optional:
                continue
            reached.add(module)
            pending.append(module.rpartition(".")[0])
            pending += [
                imported for around, imported in self.of(module) if not _is_member(around, (_DECORATORS,))
            ]
        return tuple(sorted(reached))


def _is_member(around: tuple[str, ...], owners: tuple[str, ...]) -> bool:
    """Tell whether an import stands in a public member of one of these classes."""
    return len(around) > 1 and around[0] in owners and not around[1].startswith("_")


def _imports(
    tree: ast.AST, module: str, files: Mapping[str, object], *, is_package: bool
) -> Iterator[Import]:
    """Give the modules of the runtime that a module imports when it runs."""
    package = module if is_package else module.rpartition(".")[0]
    for around, node in _statements(tree, ()):
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names if alias.name.startswith("microlambda.runtime.")]
            candidates = [name.removeprefix("microlambda.runtime.") for name in named]
        elif isinstance(node, ast.ImportFrom) and (base := _base(node, package)) is not None:
            candidates = [base, *(f"{base}.{alias.name}".lstrip(".") for alias in node.names)]
        else:
            continue
        yield from ((around, candidate) for candidate in candidates if candidate in files)


def _base(node: ast.ImportFrom, package: str) -> str | None:
    """Name what is imported from, below the runtime; None where it is not of the runtime."""
    name = node.module or ""
    if not node.level:
        below = name.removeprefix("microlambda.runtime")
        return below.lstrip(".") if below != name and below[:1] in ("", ".") else None
    parents = package.split(".") if package else []
    if node.level > len(parents) + 1:
        return None
    return ".".join([*parents[: len(parents) + 1 - node.level], *name.split(".")]).strip(".")


def _statements(node: ast.AST, around: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], ast.stmt]]:
    """Give every statement that runs, `if TYPE_CHECKING:` excepted, with the names of what it stands in."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            continue  # most of a tree, and no statement is in it
        if isinstance(child, ast.stmt):
            yield around, child
        if (
            isinstance(child, ast.If)
            and isinstance(child.test, ast.Name)
            and child.test.id == "TYPE_CHECKING"
        ):
            for other in child.orelse:
                yield around, other
                yield from _statements(other, _inside(other, around))
        else:
            yield from _statements(child, _inside(child, around))


def _inside(node: ast.AST, around: tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return (*around, node.name)
    return around


def _members_of(tree: ast.Module, owner: str) -> Iterator[str]:
    """Name the public functions of a class."""
    for around, node in _statements(tree, ()):
        if around == (owner,) and isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name


def _aliases_in(tree: ast.Module, owner: str) -> Iterator[tuple[str, str]]:
    """Give what a class assigns to a name of its own, `on_cw_event = on_event`."""
    for around, node in _statements(tree, ()):
        if around == (owner,) and isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value.id


def _public(face: Entry, optional: set[str]) -> dict[str, set[str]]:
    """Read from the face which module each public name is in."""
    for node in parse(face.content, face.name).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOME":
            homes: dict[str, str] = ast.literal_eval(node.value)
            return {name: {home} for name, home in homes.items() if home in optional}
    return {}
