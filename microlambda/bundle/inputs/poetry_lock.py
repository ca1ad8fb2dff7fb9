"""poetry.lock, of Poetry 1 and 2: what each package needs, walked from what pyproject.toml asks for.

The groups and markers of Poetry 2's packages are what the same walk gives, but for the extras of the project;
they decide only between several versions of a package.
https://python-poetry.org/docs/basic-usage/#installing-with-poetrylock
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from microlambda.bundle.errors import RequirementsUnreadable
from microlambda.bundle.inputs.conditions import holds
from microlambda.bundle.inputs.fitting import missing, unmet
from microlambda.bundle.inputs.local_sources import (
    file_source,
    folder_source,
    git_source,
    url_source,
)
from microlambda.bundle.inputs.lock_graph import packages_of, walk
from microlambda.bundle.inputs.locked import Pin, checkable, hash_of, lock_requirements
from microlambda.bundle.inputs.manifest import manifest_beside
from microlambda.bundle.inputs.names import OURS, bracketed
from microlambda.bundle.inputs.poetry_manifest import poetry_roots, read_dependency
from microlambda.bundle.inputs.poetry_notation import admits
from microlambda.bundle.inputs.tables import Table, read_toml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from microlambda.bundle.inputs.poetry_manifest import PoetryDependency
    from microlambda.bundle.inputs.required import Choice, Requirements, SourceRequirement

_COMMAND = "poetry lock"


@dataclass(frozen=True)
class _PoetryLock:
    """A poetry.lock, for a target."""

    path: Path
    table: Table
    choice: Choice

    @property
    def label(self) -> str:
        return self.path.name

    @cached_property
    def packages(self) -> dict[str, list[Table]]:
        return packages_of(self.table)

    def find(self, need: PoetryDependency, asking: Table | None) -> Table:
        found = self.packages.get(need.name, [])
        if not found:
            if asking is None:
                raise missing(need.name, self.label, _COMMAND)
            raise RequirementsUnreadable(
                f"{self.label} lacks {need.name}, which {asking.text('name')} needs: it is damaged, or not "
                f"for this target. Run `{_COMMAND}`."
            )
        fitting = [one for one in found if self._admits(need, one)]
        if not fitting and asking is None:
            raise unmet(need.name, found[0].text("version"), f" {need.constraint}", self.label, _COMMAND)
        fitting = [one for one in fitting or found if self._is_for_target(one)] or fitting or found
        return max(fitting, key=_version)

    def _admits(self, need: PoetryDependency, package: Table) -> bool:
        """Compare with what is asked for; of a source the version is what it is."""
        if any(kind in need.table for kind in ("git", "path", "file", "url")):
            return True
        return admits(need.constraint, package.text("version"), where=need.table.place)

    def _is_for_target(self, package: Table) -> bool:
        where = package.place
        python = package.text_or_none("python-versions") or "*"
        if not _admits_python(python, self.choice, where):
            return False
        markers = package.get("markers")
        each = markers.values() if isinstance(markers, dict) else [markers] if markers else []
        extras = {canonicalize_name(one) for one in self.choice.extras}
        return not each or any(
            holds(str(one), self.choice.target, where=where, extras=extras) for one in each
        )

    def needs(self, package: Table, extra: str) -> Iterator[PoetryDependency]:
        """Give what a package needs; what is optional is needed for an extra that names it."""
        named = _of_extra(package, extra) if extra else set()
        dependencies = package.table("dependencies")
        for name in dependencies:
            for one in read_dependency(name, dependencies.get(name), dependencies.at(name)):
                is_meant = (
                    one.name in named and self._is_own_extra(one, extra) if extra else not one.is_optional
                )
                if is_meant and self.holds(one, extra):
                    yield one

    def holds(self, need: PoetryDependency, extra: str = "") -> bool:
        extras = {extra} if extra else {canonicalize_name(one) for one in self.choice.extras}
        return holds(need.marker, self.choice.target, where=need.table.place, extras=extras)

    def _is_own_extra(self, need: PoetryDependency, extra: str) -> bool:
        return bool(extra) and (need.is_optional or "extra" in need.marker)


def _version(package: Table) -> Version:
    try:
        return Version(package.text("version"))
    except InvalidVersion as exc:
        raise RequirementsUnreadable(f"{package.place}: {exc}.") from exc


def _of_extra(package: Table, extra: str) -> set[str]:
    """Name what an extra of a package holds: "brotli (>=1.0)", and markers behind it."""
    table = package.table("extras")
    texts = [text for key in table if canonicalize_name(key) == extra for text in table.texts(key)]
    names: set[str] = set()
    for text in texts:
        try:
            names.add(canonicalize_name(Requirement(text.replace(" (*)", "")).name))
        except InvalidRequirement:
            names.add(canonicalize_name(text.split()[0]))
    return names


def _admits_python(constraint: str, choice: Choice, where: str) -> bool:
    """Judge for the oldest patch release, or a later one of the same minor version."""
    full = choice.target.markers["python_full_version"]
    return any(admits(constraint, one, where=where) for one in (full, f"{choice.target.python}.99"))


def read_poetry_lock(path: Path, choice: Choice) -> Requirements:
    """Read a poetry.lock; the pyproject.toml beside it says what the project asks for."""
    lock = _PoetryLock(path, read_toml(path), choice)
    _check_version(lock)
    manifest = manifest_beside(path.parent)
    if manifest is None:
        raise RequirementsUnreadable(
            f"{path.name} does not say what the project asks for, and there is no pyproject.toml beside it."
        )
    roots = [
        one
        for one in poetry_roots(manifest, choice, path.name)
        if one.name not in {OURS, manifest.name} and lock.holds(one)
    ]
    reached = [one for one in walk(roots, lock) if not _is_project(one, lock)]
    pins = [_pin(package, lock) for package in reached]
    asked = [_requirement(one, lock) for one in roots]
    return lock_requirements(lock.label, pins, choice, where=lock.label, roots=asked)


def _check_version(lock: _PoetryLock) -> None:
    metadata = lock.table.table("metadata")
    version = metadata.text_or_none("lock-version") or "1.0"
    if version.partition(".")[0] not in {"1", "2"}:
        raise RequirementsUnreadable(
            f"{lock.label} is of lock-version {version}, and this version of microlambda reads 1 and 2. "
            "Update microlambda, or export it: poetry export -o requirements.txt"
        )
    python = metadata.text_or_none("python-versions") or "*"
    if not _admits_python(python, lock.choice, metadata.place):
        raise RequirementsUnreadable(
            f"{lock.label} is for Python {python}, and the target is python{lock.choice.target.python}. "
            f"Change python in the settings, or in pyproject.toml and run `{_COMMAND}`."
        )


def _requirement(need: PoetryDependency, lock: _PoetryLock) -> Requirement:
    """Spell what the project asks for, pinned only where it pins."""
    extras = bracketed(need.extras)
    constraint = need.constraint.strip()
    pinned = constraint[:1].isdigit() or constraint.startswith("==")
    if not pinned or "*" in constraint or any(sign in constraint for sign in " ,|"):
        return Requirement(f"{need.name}{extras}")
    return Requirement(f"{need.name}{extras}=={lock.find(need, None).text('version')}")


def _is_project(package: Table, lock: _PoetryLock) -> bool:
    source = package.table("source")
    if source.get("type") != "directory":
        return False
    return (lock.path.parent / source.text("url")).resolve() == lock.choice.root.resolve()


def _pin(package: Table, lock: _PoetryLock) -> Pin:
    name, version = canonicalize_name(package.text("name")), package.text("version")
    source = package.table("source")
    kind = source.text_or_none("type")
    hashes = _hashes(package, lock)
    if kind in {None, "legacy"}:
        return Pin(
            name=name, version=version, hashes=hashes, index=source.text("url") if kind is not None else None
        )
    url = source.text("url")
    if kind == "url" and url.endswith(".whl"):
        return Pin(name=name, version=version, url=url, hashes=hashes)
    if kind == "file":
        return _from_file(name, version, lock.path.parent / url, hashes, lock)
    return Pin(name=name, version=version, source=_source(kind or "", source, name, hashes, lock))


def _from_file(name: str, version: str, file: Path, hashes: tuple[str, ...], lock: _PoetryLock) -> Pin:
    if file.name.endswith(".whl"):
        if not file.is_file():
            raise RequirementsUnreadable(f"{lock.label} names the wheel {file.name!r}, which is not there.")
        return Pin(name=name, version=version, file=file, hashes=hashes or (hash_of(file),))
    made = file_source(file, root=lock.choice.root, where=lock.label, name=name, hashes=hashes)
    return Pin(name=name, version=version, file=file, source=made)


def _source(
    kind: str, source: Table, name: str, hashes: tuple[str, ...], lock: _PoetryLock
) -> SourceRequirement:
    url, label = source.text("url"), lock.label
    subdirectory = source.text_or_none("subdirectory")
    if kind == "directory":
        return folder_source(lock.path.parent / url, root=lock.choice.root, where=label, name=name)
    if kind == "git":
        revision = source.text_or_none("resolved_reference") or source.text_or_none("reference")
        return git_source(url, where=label, revision=revision, subdirectory=subdirectory, name=name)
    if kind == "url":
        at = f"{url}#subdirectory={subdirectory}" if subdirectory else url
        return url_source(at, where=label, name=name, hashes=hashes)
    raise RequirementsUnreadable(
        f"{source.place}: sources of the kind {kind!r} are not read. Publish {name}, or name a wheel of it."
    )


def _hashes(package: Table, lock: _PoetryLock) -> tuple[str, ...]:
    """Give the hashes of a package's files; before lock-version 2 they stand in one table for all."""
    files = package.tables("files")
    if not files:
        old = lock.table.table("metadata", "files")
        key = next(
            (one for one in old if canonicalize_name(one) == canonicalize_name(package.text("name"))), ""
        )
        files = [one for one in old.tables(key) if _is_of(one, package)] if key else []
    return checkable(one.text("hash") for one in files)


def _is_of(file: Table, package: Table) -> bool:
    """Tell whether a file is of a package's version: others of the name may stand in the same list."""
    return f"-{package.text('version')}" in file.text("file")
