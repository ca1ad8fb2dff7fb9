"""The libraries that travel with the runtime, which imports them when first used.

They are copied from the environment that microlambda is installed in, where they are dependencies of ours, so
that a bundle needs no package index for them. A project that has one among its own requirements, or as a
module of its own, gets that one.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from microlambda.bundle.archive import Entry
from microlambda.bundle.code.sources import top_level
from microlambda.bundle.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from packaging.requirements import Requirement

#: Names on the package index, which are those of the modules too, and what of the runtime needs them.
LIBRARIES = {
    "multipart": "microlambda/runtime/http/forms.py",
    "itsdangerous": "microlambda/runtime/sessions.py",
}

#: What the runtime does by them.
_USES = {"multipart": "reads forms", "itsdangerous": "signs sessions"}

#: What ships of a distribution's metadata: its version, and the licence that its terms ask for.
_METADATA = ("METADATA", "LICENSE", "LICENSE.txt", "LICENSE.md")


@cache
def library_entries() -> tuple[Entry, ...]:
    """Read the files of the libraries, in order of their names in the archive."""
    found = [entry for name in LIBRARIES for entry in _entries(name)]
    return tuple(sorted(found, key=lambda entry: entry.name))


def required_libraries(present: Iterable[str]) -> set[str]:
    """Tell which libraries are among the dependencies, by the names of these in their archive."""
    folders = {name.partition("/")[0] for name in present if ".dist-info/" in name}
    return {name for name in LIBRARIES if any(folder.startswith(f"{name}-") for folder in folders)}


def named_libraries(requirements: Iterable[Requirement]) -> set[str]:
    """Tell which libraries the requirements name; those of a lock are all that it holds."""
    named = {canonicalize_name(one.name) for one in requirements}
    return {library for library in LIBRARIES if library in named}


def unneeded_libraries(left_out: Collection[str]) -> set[str]:
    """Tell which libraries nothing needs that ships, by the names of the runtime's files that do not."""
    return {name for name, user in LIBRARIES.items() if user in left_out}


def hiding_note(name: str) -> str:
    """Say what a module of the project that has a library's name keeps from us."""
    return f"{name} of the project hides the library of the same name, by which the runtime {_USES[name]}."


def is_of(entry: Entry, libraries: Collection[str]) -> bool:
    """Tell whether an entry, metadata included, belongs to one of these libraries."""
    return any(top_level(entry.name) == name or entry.name.startswith(f"{name}-") for name in libraries)


def _entries(name: str) -> list[Entry]:
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        files = []
    entries = [
        Entry(name=file.as_posix(), content=_shipped(file, Path(str(file.locate())).read_bytes()))
        for file in files
        if _ships(file, name)
    ]
    if not any(top_level(entry.name) == name for entry in entries):
        raise BundleError(
            f"{name}, which the runtime needs and microlambda depends on, is not installed beside it. "
            f"Install it: pip install {name}"
        )
    return entries


def _shipped(file: PurePosixPath, content: bytes) -> bytes:
    """Leave out of the metadata the description, which is a page for readers."""
    return content.partition(b"\n\n")[0] + b"\n" if file.name == "METADATA" else content


def _ships(file: PurePosixPath, name: str) -> bool:
    if file.parts[0].endswith(".dist-info"):
        return file.name in _METADATA
    return top_level(file.as_posix()) == name and file.suffix == ".py"
