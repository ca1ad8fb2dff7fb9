"""Which of the project's files ship: what the app can import, with the data files of its packages.

The archive's root is the folder that the app's modules are imported from. What lies there and cannot be
imported stays behind and is named in a note; `include` brings it in. Secrets, version control and virtual
environments never ship, whatever the settings say.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from microlambda.bundle.archive import is_executable
from microlambda.bundle.code.leftout import (
    Patterns,
    is_boring,
    is_left_out_by_default,
    is_never_shipped,
    is_secret,
    is_virtual_environment,
)
from microlambda.bundle.errors import SourcesUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microlambda.project.settings import Settings

_CODE = (".py", ".so", ".pyd")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file of the project and its name in the archive."""

    name: str
    path: Path
    is_executable: bool

    @property
    def top(self) -> str:
        """Name the module or the package at the archive's root that this file belongs to."""
        return top_level(self.name)


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The files that ship, in order of their names, and what the user should know of those that do not."""

    files: tuple[Source, ...]
    notes: tuple[str, ...] = ()

    @property
    def regular(self) -> frozenset[str]:
        """Name the modules and regular packages at the root: Python looks no further for these."""
        return frozenset(
            file.top
            for file in self.files
            if file.name.endswith((f"{file.top}/__init__.py", f"{file.top}.py")) and file.name.count("/") <= 1
        )


def top_level(name: str) -> str:
    """Name what an entry of the archive is imported as, at its root: a/b.py is a, x.cpython-313.so is x."""
    first, slash, _ = name.partition("/")
    return first if slash else first.partition(".")[0]


@dataclass
class _Walk:
    """A walk through the project: where it is rooted, what it was told, what it noticed."""

    settings: Settings
    import_root: Path
    out: Path | None
    include: Patterns
    exclude: Patterns
    notes: list[str] = field(default_factory=list)
    not_imported: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.settings.root.resolve()


def find_sources(settings: Settings, import_root: Path, *, out: Path | None = None) -> Sources:
    """Find the files that ship; `out` is where archives are written, and never part of one."""
    walk = _Walk(
        settings=settings,
        import_root=import_root.resolve(),
        out=out.resolve() if out is not None else None,
        include=Patterns.of(("include", line) for line in settings.include),
        exclude=Patterns.of([*_ignored(settings.root), *(("exclude", line) for line in settings.exclude)]),
    )
    files = {source.name: source for source in _importable(walk)}
    if walk.include:
        files |= {source.name: source for source in _included(walk) if source.name not in files}
    _refuse_shadowed_runtime(files, walk.import_root)
    return Sources(files=tuple(files[name] for name in sorted(files)), notes=tuple(_notes(walk, files)))


def _ignored(root: Path) -> list[tuple[str, str]]:
    """Read the lines of .lambdaignore, each with its place."""
    path = root / ".lambdaignore"
    if not path.is_file():
        return []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as exc:
        raise SourcesUnusable(f"{path.name} is not UTF-8 text: byte {exc.start}. Save it as UTF-8.") from exc
    return [(f"{path.name}:{number}", line) for number, line in enumerate(text.splitlines(), start=1)]


def _importable(walk: _Walk) -> Iterator[Source]:
    """Give the modules at the root and the folders that hold any, with all of their files."""
    for child in _children(walk.import_root):
        if _is_skipped(child, walk, is_top=True) or is_left_out_by_default(child.name, is_top=True):
            continue
        found = list(_files(child, walk))
        if any(_is_module(source.name) for source in found):
            yield from found
        elif found:
            walk.not_imported.append(child.name + "/" * child.is_dir())


def _is_module(name: str) -> bool:
    *folders, file = PurePosixPath(name).parts
    stem, dot, _ = file.partition(".")
    return file.endswith(_CODE) and bool(dot) and all(part.isidentifier() for part in (*folders, stem))


def _files(path: Path, walk: _Walk, above: tuple[Path, ...] = ()) -> Iterator[Source]:
    """Give the files at and under a path, those excluded left out."""
    if path.is_dir():
        real = path.resolve()
        if real in above:  # two links that lead to each other's folders
            return
        for child in _children(path):
            if not _is_skipped(child, walk) and not is_left_out_by_default(child.name):
                yield from _files(child, walk, (*above, real))
    elif path.is_file() and not walk.exclude.match(_relative(path, walk)):
        yield _source(path, walk)


def _included(walk: _Walk) -> Iterator[Source]:
    """Give what the settings' `include` names; what lies beside the src of a src layout keeps its path."""
    roots = [walk.import_root] if walk.import_root == walk.root else [walk.import_root, walk.root]
    for root in roots:
        for path in _everything(root, walk, ()):
            relative = _relative(path, walk)
            if walk.include.match(relative) and not walk.exclude.match(relative):
                yield _source(path, walk)


def _everything(folder: Path, walk: _Walk, above: tuple[Path, ...]) -> Iterator[Path]:
    real = folder.resolve()
    if real in above:
        return
    for child in _children(folder):
        if _is_skipped(child, walk):
            continue
        if child.is_dir():
            yield from _everything(child, walk, (*above, real))
        elif child.is_file():
            yield child


def _children(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        return [Path(entry.path) for entry in sorted(entries, key=lambda entry: entry.name)]


def _is_skipped(path: Path, walk: _Walk, *, is_top: bool = False) -> bool:
    """Tell whether a path never ships; what a user would miss is noted."""
    if is_never_shipped(path.name) or (walk.out is not None and _real(path) == walk.out):
        return True
    if is_secret(path.name):
        if not is_top and not path.name.startswith(".") and not walk.exclude.match(_relative(path, walk)):
            _note(walk, f"{_relative(path, walk)} is left out: files of this name hold secrets.")
        return True
    if path.is_symlink() and (fault := _fault(path, walk)):
        if not is_left_out_by_default(path.name, is_top=is_top) and not walk.exclude.match(
            _relative(path, walk)
        ):
            _note(walk, f"{_relative(path, walk)} is left out: it is a link {fault}.")
        return True
    return path.is_dir() and is_virtual_environment(path)


def _fault(link: Path, walk: _Walk) -> str:
    """Say why a link is not followed; empty for one that is."""
    if not link.exists():
        return f"to {link.readlink()}, which is not there"
    real = _real(link)
    if not real.is_relative_to(walk.root):
        return "that leads out of the project"
    if _real(link.parent).is_relative_to(real):
        return "to a folder that it lies in"
    return ""


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # unlike Path.resolve, takes a link to itself


def _note(walk: _Walk, text: str) -> None:
    if text not in walk.notes:
        walk.notes.append(text)


def _relative(path: Path, walk: _Walk) -> str:
    return path.relative_to(walk.root).as_posix()


def _source(path: Path, walk: _Walk) -> Source:
    inside = path.is_relative_to(walk.import_root)
    name = path.relative_to(walk.import_root if inside else walk.root).as_posix()
    return Source(name=name, path=path, is_executable=is_executable(path))


def _notes(walk: _Walk, files: dict[str, Source]) -> list[str]:
    shipped = {name.partition("/")[0] for name in files}
    missing = [name for name in walk.not_imported if not is_boring(name) and name.rstrip("/") not in shipped]
    if missing:
        shown = ", ".join(missing[:6]) + (f" and {len(missing) - 6} more" if len(missing) > 6 else "")
        walk.notes.append(
            f"not in the bundle, for nothing can be imported from there: {shown}. "
            "If the app reads it, name it in the settings: include = [...]."
        )
    return walk.notes


def _refuse_shadowed_runtime(files: dict[str, Source], import_root: Path) -> None:
    for source in files.values():
        if source.top == "microlambda":
            shown = source.name.partition("/")[0]
            raise SourcesUnusable(
                f"{import_root.name}/{shown} has the name of microlambda itself, which would not be found. "
                "Rename it, or leave it out: exclude = ['microlambda*']."
            )


def file_of_module(sources: Sources, module: str) -> Source:
    """Find the file of the app's own module; refuse to go on where it is not among what ships."""
    path = module.replace(".", "/")
    files = {source.name: source for source in sources.files}
    found = files.get(f"{path}/__init__.py") or files.get(f"{path}.py")  # Python looks in this order
    if found is None:
        raise SourcesUnusable(
            f"the app's module {module!r} would not be in the bundle: {path}.py is not among what ships. "
            "Tests, caches, folders with a dot and what `exclude` or .lambdaignore name stay out."
        )
    return found
