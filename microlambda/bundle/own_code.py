"""The code that is ours to compile: of the project, of the runtime, and of the runtime's libraries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import microlambda
from microlambda.bundle.archive import Entry
from microlambda.bundle.bytecode import bytecode_name, compile_sources, sourceless_name
from microlambda.bundle.cache import cache_folder
from microlambda.bundle.errors import SourcesUnusable
from microlambda.bundle.interpreter import missing_note
from microlambda.bundle.libraries import (
    LIBRARIES,
    hiding_note,
    is_of,
    library_entries,
    unneeded_libraries,
)
from microlambda.bundle.runtime_files import left_out

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from microlambda.bundle.bytecode import Problem
    from microlambda.bundle.code.sources import Source, Sources
    from microlambda.bundle.target import Target

Say = Callable[[str], None]

#: Of ours, the one module that ships with its source: under another Python than the target it says so.
_FACE = "microlambda/__init__.py"


@dataclass(frozen=True, kw_only=True)
class OwnCode:
    """Entries with their bytecode; `problems` are by names of entries."""

    entries: tuple[Entry, ...]
    problems: Mapping[str, Problem] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __add__(self, other: OwnCode) -> OwnCode:
        """Join two of different entries."""
        return OwnCode(
            entries=tuple(sorted((*self.entries, *other.entries), key=lambda entry: entry.name)),
            problems={**self.problems, **other.problems},
            notes=(*self.notes, *other.notes),
        )

    def without(self, libraries: Collection[str]) -> list[Entry]:
        """Give what ships where the dependencies have these libraries."""
        return [entry for entry in self.entries if not is_of(entry, libraries)]


@cache
def runtime() -> tuple[Entry, ...]:
    """Read what of ours may ship: the package's face and the runtime."""
    package = Path(microlambda.__file__).parent
    paths = [package / "__init__.py", *sorted((package / "runtime").rglob("*.py"))]
    return tuple(
        Entry(name=path.relative_to(package.parent).as_posix(), content=path.read_bytes()) for path in paths
    )


def compile_project(sources: Sources, target: Target, say: Say) -> OwnCode:
    """Compile the project's files, but for what the cache has."""
    entries = [
        Entry(name=file.name, content=file.path.read_bytes(), is_executable=file.is_executable)
        for file in sources.files
    ]
    code = _compiled(entries, target, say)
    return replace(code, notes=(*code.notes, *_broken(code.problems, target)))


def compile_runtime(sources: Sources, target: Target, say: Say, *, whole: bool) -> OwnCode:
    """Compile what of the runtime the project can need, or all, and its libraries."""
    own = sources.regular & set(LIBRARIES)
    unneeded = frozenset() if whole else left_out(runtime(), sources.files, may_be_bare=sources.may_be_bare)
    entries = [entry for entry in runtime() if entry.name not in unneeded]
    unused = own | unneeded_libraries(unneeded)
    entries += [entry for entry in library_entries() if not is_of(entry, unused)]
    code = _compiled(entries, target, say, is_slim=True)
    return replace(code, notes=(*code.notes, *_hidden_libraries(own)))


def _compiled(entries: list[Entry], target: Target, say: Say, *, is_slim: bool = False) -> OwnCode:
    modules = {entry.name: entry.content for entry in entries if entry.name.endswith(".py")}
    slim = modules.keys() if is_slim else ()
    result = compile_sources(modules, target, cache_folder() / "bytecode", slim=slim, say=say)
    if result is None:
        return OwnCode(entries=tuple(entries), notes=(missing_note(target),))
    bytecode, problems = result
    return OwnCode(entries=tuple(_with_bytecode(entries, bytecode, slim, target)), problems=problems)


def refuse_broken_app(own: Source, code: OwnCode, root: Path, target: Target) -> None:
    """Refuse an app whose own module does not compile; any other may be one that nothing imports."""
    problem = code.problems.get(own.name)
    if problem is None:
        return
    root = root.resolve()
    where = own.path.relative_to(root).as_posix() if own.path.is_relative_to(root) else own.name
    where += f":{problem.line}" if problem.line else ""
    raise SourcesUnusable(
        f"{where} is no Python {target.python}: {problem.message}. "
        "It is the app's own module, so no function could start. Mend it, or change python in the settings."
    )


def _with_bytecode(
    entries: list[Entry], bytecode: Mapping[str, bytes], slim: Collection[str], target: Target
) -> list[Entry]:
    """Put bytecode beside the sources, and of ours into their place."""
    sourceless = set(slim) & bytecode.keys() - {_FACE}
    kept = [entry for entry in entries if entry.name not in sourceless]
    for name, content in bytecode.items():
        place = sourceless_name(name) if name in sourceless else bytecode_name(name, target)
        kept.append(Entry(name=place, content=content))
    return kept


def _broken(problems: Mapping[str, Problem], target: Target) -> list[str]:
    return [
        f"{name} is no Python {target.python}: {problem}. Its import will fail on Lambda."
        for name, problem in problems.items()
    ]


def _hidden_libraries(own: Collection[str]) -> list[str]:
    return [hiding_note(name) for name in sorted(own)]
