"""What ships because the app imports it, though it would stay behind by its name: tests, builds, tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.bundle.code.leftout import (
    is_left_out_by_default,
    is_test_module,
    is_virtual_environment,
    never_shipped_as,
)
from microlambda.bundle.errors import ModulesMissing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from microlambda.bundle.code.follow import Import, Imports
    from microlambda.bundle.code.walk import Source, Walk


def imported(walk: Walk, imports: Imports, shipped: Mapping[str, Source]) -> Iterator[Source]:
    """Give the files of what the app imports and `shipped` lacks; refuse what must not ship.

    With a module comes the folder that was left out, with all but its test modules, as a package's data files
    do.
    """
    lacking = {
        reached.path: reached.because
        for reached in imports.modules
        if walk.source(reached.path).name not in shipped
    }
    if any(not because.place for because in lacking.values()):
        return  # the app's own module stays behind: `file_of_module` will say so
    for path, because in lacking.items():
        if (fault := _fault(path, walk)) is None:
            yield walk.source(path)
        elif not because.is_optional and not because.instead_of:
            raise ModulesMissing(f"{because.place} imports {_shown(because)}, {fault}")
    for top, because in _tops(walk, lacking).items():
        found = [one for one in walk.files(top) if one.path in lacking or not is_test_module(one.path.name)]
        yield from found
        more = f" ({len(found)} files; `exclude` keeps out what it does not need)" if top.is_dir() else ""
        walk.note(
            f"{walk.relative(top)}{'/' * top.is_dir()} is in the bundle{more}, "
            f"for {because.place} imports {_shown(because)}."
        )


def _tops(walk: Walk, lacking: Mapping[Path, Import]) -> dict[Path, Import]:
    """Find the files and folders that stay behind by their names and hold what the app imports.

    The first import counts.
    """
    found: dict[Path, Import] = {}
    for path, because in lacking.items():
        if _fault(path, walk) is None:
            found.setdefault(_left_behind(path, walk), because)
    return found


def _left_behind(path: Path, walk: Walk) -> Path:
    """Find the outermost folder of a path, or the file itself, that has such a name."""
    parts = path.relative_to(walk.import_root).parts
    named = (end for end, name in enumerate(parts, 1) if is_left_out_by_default(name, is_top=end == 1))
    return walk.import_root.joinpath(*parts[: next(named, 1)])


def _fault(path: Path, walk: Walk) -> str | None:
    """Say why a file must not ship; None for one that may."""
    parts = path.relative_to(walk.import_root).parts
    places = [walk.import_root.joinpath(*parts[:end]) for end in range(1, len(parts) + 1)]
    for place in places:
        if fault := _fault_of_one(place, walk):
            return fault
    if why := walk.exclude.why(walk.relative(path)):
        return f"and {walk.relative(path)} is left out by {why}. Let it in, or do without it where {_CAUGHT}."
    return None


#: How an import tells that it can be done without.
_CAUGHT = "it is imported (try, and except ImportError)"


def _fault_of_one(place: Path, walk: Walk) -> str | None:
    shown = walk.relative(place)
    if pattern := never_shipped_as(place.name):
        return (
            f"and {shown} never ships: names like {pattern} are those of secrets, caches and version "
            "control. Rename it, without what is secret in it."
        )
    if walk.is_output(place):
        return f"and {shown} is the folder that archives are written to. Write them to another: --out."
    if place.is_symlink() and (fault := walk.fault(place)):
        return f"and {shown} is a link {fault}. Copy what it leads to into the project."
    if place.is_dir() and is_virtual_environment(place):
        return f"which lies in the virtual environment {shown}. Name it in the project's requirements."
    return None


def _shown(one: Import) -> str:
    return f"{one.module}.{one.name}" if one.name else one.module
