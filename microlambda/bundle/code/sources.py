"""Which of the project's files ship: what the app can import, with the data files of its packages.

The archive's root is the folder that the app's modules are imported from. What lies there and cannot be
imported stays behind and is named in a note; `include` brings it in. Tests and builds stay behind unless the
app imports them. Secrets, version control and virtual environments never ship, whatever the settings say.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from microlambda.bundle.code.imported import imported
from microlambda.bundle.code.leftout import Patterns, is_boring, is_left_out_by_default
from microlambda.bundle.code.walk import Source, Walk, children, top_level
from microlambda.bundle.errors import SourcesUnusable
from microlambda.project.web import is_app_alone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from microlambda.bundle.code.follow import Imports
    from microlambda.project.settings import Settings

__all__ = ["Source", "Sources", "file_of_module", "find_sources", "top_level"]

_CODE = (".py", ".so", ".pyd")


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The files that ship, in order of their names, and what the user should know of those that do not.

    `may_be_bare` where a web application may stand in the place of an App.
    """

    files: tuple[Source, ...]
    notes: tuple[str, ...] = ()
    may_be_bare: bool = False

    @property
    def regular(self) -> frozenset[str]:
        """Name the modules and regular packages at the root: Python looks no further for these."""
        return frozenset(
            file.top
            for file in self.files
            if file.name.endswith((f"{file.top}/__init__.py", f"{file.top}.py")) and file.name.count("/") <= 1
        )


def find_sources(
    settings: Settings,
    import_root: Path,
    *,
    out: Path | None = None,
    imports: Imports | None = None,
    projects: Iterable[Path] = (),
) -> Sources:
    """Find the files that ship; `out` is where archives are written, and never part of one.

    `projects` are folders that the requirements name: what they hold is installed.

    `imports` is what the app's module leads to (`follow`). Modules of it that would stay behind ship too; one
    that must not is an error, `ModulesMissing`.
    """
    walk = Walk(
        root=settings.root.resolve(),
        import_root=import_root.resolve(),
        out=out.resolve() if out is not None else None,
        projects=frozenset(path.resolve() for path in projects) - {settings.root.resolve()},
        include=Patterns.of(("include", line) for line in settings.include),
        exclude=Patterns.of([*_ignored(settings.root), *(("exclude", line) for line in settings.exclude)]),
    )
    files = {source.name: source for source in _importable(walk)}
    if walk.include:
        included = list(_included(walk))
        files |= {source.name: source for source in included if source.name not in files}
        walk.notes += _idle(settings, walk, [walk.relative(source.path) for source in included])
    if imports is not None:
        files |= {source.name: source for source in imported(walk, imports, files)}
    _refuse_shadowed_runtime(files, walk.import_root)
    return Sources(
        files=tuple(files[name] for name in sorted(files)),
        notes=tuple(_notes(walk, files)),
        may_be_bare=imports is not None and _may_be_bare(imports),
    )


def _may_be_bare(imports: Imports) -> bool:
    """Tell whether the app's own module may have something else in the place of an App."""
    own = [one for one in imports.modules if not one.because.place]  # the module, and the packages around it
    return not own or not is_app_alone(max(own, key=lambda one: len(one.module)).path)


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


def _importable(walk: Walk) -> Iterator[Source]:
    """Give the modules at the root and the folders that hold any, with all of their files."""
    for child in children(walk.import_root):
        if walk.is_skipped(child, is_top=True) or is_left_out_by_default(child.name, is_top=True):
            continue
        found = list(walk.files(child))
        if any(_is_module(source.name) for source in found):
            yield from found
        elif found:
            walk.not_imported.append(child.name + "/" * child.is_dir())


def _is_module(name: str) -> bool:
    *folders, file = PurePosixPath(name).parts
    stem, dot, _ = file.partition(".")
    return file.endswith(_CODE) and bool(dot) and all(part.isidentifier() for part in (*folders, stem))


def _included(walk: Walk) -> Iterator[Source]:
    """Give what the settings' `include` names; what lies beside the src of a src layout keeps its path."""
    roots = [walk.import_root] if walk.import_root == walk.root else [walk.import_root, walk.root]
    for root in roots:
        for path in walk.everything(root):
            relative = walk.relative(path)
            if walk.include.match(relative) and not walk.exclude.match(relative):
                yield walk.source(path)


def _idle(settings: Settings, walk: Walk, included: Sequence[str]) -> Iterator[str]:
    """Name the patterns of `include` that bring in nothing."""
    for line in settings.include:
        pattern = line.strip()
        matching = Patterns.of([("include", line)])
        if not pattern or not matching or pattern[0] in "#!" or any(map(matching.match, included)):
            continue
        if pattern.startswith(("./", "../")):
            yield f"include ({pattern}) brings in nothing: write it from the project's folder, without './'."
        elif (walk.root / pattern.strip("/")).exists():
            yield f"include ({pattern}) brings in nothing: what never ships, or is excluded, stays out."
        else:
            yield f"include ({pattern}) brings in nothing: no file that may ship matches it."


def _notes(walk: Walk, files: dict[str, Source]) -> list[str]:
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
