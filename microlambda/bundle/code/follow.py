"""Following imports from the app's module through the project, without running anything.

What a file imports is kept in the cache by the file's content, one document for each project.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microlambda.bundle.cache import cache_folder, replace_file
from microlambda.bundle.code import conditions, imports
from microlambda.bundle.code.conditions import facts_of
from microlambda.bundle.code.imports import Found, read_imports
from microlambda.bundle.code.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microlambda.bundle.code.imports import When
    from microlambda.bundle.target import Target

Names = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Import:
    """An import that the app leads to, by an absolute name; `name` is what `from module import name` asks.

    `place` is file:line. `when` and `is_optional` count the whole way from the app's module. It runs only
    where of each group of `instead_of` a module is missing.
    """

    module: str
    place: str
    name: str | None = None
    when: When = "import"
    is_optional: bool = False
    instead_of: tuple[Names, ...] = ()

    @property
    def is_certain(self) -> bool:
        """Tell whether it runs whenever the app's module is imported."""
        return self.when == "import" and not self.is_optional

    @property
    def _rank(self) -> tuple[int, int]:
        """Order ways to one module: the one that asks most of it comes first."""
        return (2 if self.is_optional else int(self.when != "import"), len(self.instead_of))


@dataclass(frozen=True, kw_only=True)
class Reached:
    """A module of the project that the app imports, its file, and the import that asks most of it."""

    module: str
    path: Path
    because: Import


@dataclass(frozen=True, kw_only=True)
class Imports:
    """What importing the app's module leads to: modules of the project, and `others`, which are not there."""

    root: Path
    import_root: Path
    modules: tuple[Reached, ...]
    others: tuple[Import, ...]
    notes: tuple[str, ...] = ()


@dataclass
class _Walk:
    root: Path
    import_root: Path
    tree: Tree
    readings: _Readings
    reached: dict[str, Reached] = field(default_factory=dict)
    pending: list[tuple[tuple[int, int], int, str, str, Import]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)
    others: list[Import] = field(default_factory=list)
    seen: dict[tuple[object, ...], set[tuple[object, ...]]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)


def follow(root: Path, import_root: Path, module: str, target: Target) -> Imports:
    """Follow the imports from `module`, in `import_root`, as they run on the target."""
    root, import_root = root.resolve(), import_root.resolve()
    walk = _Walk(
        root=root,
        import_root=import_root,
        tree=Tree(import_root),
        readings=_Readings.load(root, target),
    )
    _enter(walk, Import(module=module, place=""))
    while walk.pending:
        _rank, _number, name, path, because = heapq.heappop(walk.pending)
        if name not in walk.reached:
            reached = walk.reached[name] = Reached(module=name, path=Path(path), because=because)
            _read(walk, reached)
    walk.readings.save()
    return Imports(
        root=root,
        import_root=import_root,
        modules=tuple(walk.reached.values()),
        others=tuple(walk.others),
        notes=tuple(walk.unread),
    )


def _enter(walk: _Walk, one: Import) -> None:
    """Reach the modules of the project that an import leads to; note one that leads elsewhere."""
    resolution = walk.tree.find(one.module)
    files = list(resolution.files)
    if one.name is not None and resolution.is_package:
        files += walk.tree.find(f"{one.module}.{one.name}").files[len(files) :]
    if resolution.missing or not files:
        walk.others.append(one)
    for name, path in files:
        if name not in walk.reached:
            heapq.heappush(walk.pending, (one._rank, next(walk.numbers), name, path, one))


def _read(walk: _Walk, reached: Reached) -> None:
    if reached.path.suffix != ".py":
        return
    shown = _shown(reached.path, walk)
    found = walk.readings.of(reached.path)
    if found is None:
        walk.unread.append(f"{shown} cannot be read by the Python that runs here: its imports are unknown.")
        return
    is_package = reached.path.name == "__init__.py"
    package = reached.module if is_package else reached.module.rpartition(".")[0]
    because = reached.because
    seen = walk.seen.setdefault((because.when, because.is_optional, because.instead_of), set())
    for one in found:
        # Of equal imports, whose ways ask the same of the module, the first stands for all.
        key = (package if one.level else "", *one[:5])
        if one.instead_of or key not in seen:
            seen.add(key)
            groups = [[_absolute(found[i], package) for i in group] for group in one.instead_of]
            if module := _absolute(one, package):
                _enter(walk, _import(one, module, f"{shown}:{one.line}", groups, because))


def _import(one: Found, module: str, place: str, groups: list[list[str]], because: Import) -> Import:
    alternatives = (tuple(filter(None, group)) for group in groups)
    return Import(
        module=module,
        name=one.name,
        place=place,
        when=one.when if because.when == "import" else because.when,
        is_optional=one.is_optional or because.is_optional,
        instead_of=tuple(dict.fromkeys((*because.instead_of, *alternatives))),
    )


def _shown(path: Path, walk: _Walk) -> str:
    return path.relative_to(walk.root if path.is_relative_to(walk.root) else walk.import_root).as_posix()


def _absolute(one: Found, package: str) -> str:
    """Resolve a relative import; empty where it leads above the outermost package, which Python refuses."""
    if not one.level:
        return one.module
    parts = package.split(".") if package else []
    if one.level > len(parts):
        return ""
    return ".".join([*parts[: len(parts) - one.level + 1], *([one.module] if one.module else [])])


@dataclass
class _Readings:
    """What the files of a project import, by hashes of their contents."""

    place: Path
    target: Target
    known: dict[str, Any]
    used: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, root: Path, target: Target) -> _Readings:
        markers = target.markers
        key = "\0".join((str(root), _reader_digest(), target.python, markers["sys_platform"]))
        place = cache_folder() / "imports" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
        try:
            known = json.loads(place.read_bytes())
        except (OSError, ValueError):
            known = {}
        return cls(place=place, target=target, known=known if isinstance(known, dict) else {})

    def of(self, path: Path) -> tuple[Found, ...] | None:
        """Give what a file imports; None where it cannot be read."""
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        try:
            found = _thawed(self.known[digest])
        except (KeyError, ValueError, TypeError):  # new, or not what was written
            found = read_imports(content, facts_of(self.target))
            self.used[digest] = None if found is None else list(found)
        else:
            self.used[digest] = self.known[digest]
        return found

    def save(self) -> None:
        """Keep what was used, where that is news."""
        if self.used != self.known:
            replace_file(self.place, json.dumps(self.used).encode())


def _thawed(rows: list[Any] | None) -> tuple[Found, ...] | None:
    return None if rows is None else tuple(map(Found._make, rows))


@cache
def _reader_digest() -> str:
    """Hash what decides how imports are read, so that another version of ours reads anew."""
    files = (Path(conditions.__file__), Path(imports.__file__))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
