"""uv.lock: a graph of packages for all platforms, walked for one.

https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile; the format is described by uv alone,
in crates/uv-resolver/src/lock. What of uv's conflicts stands in markers is spelled as extras there:
extra-4-shop-pdf is the extra pdf of the package shop, whose name has 4 letters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from microlambda.bundle.errors import RequirementsUnreadable
from microlambda.bundle.inputs.conditions import applicable, fits_python, holds
from microlambda.bundle.inputs.fitting import check_fit
from microlambda.bundle.inputs.indexes import as_folder
from microlambda.bundle.inputs.local_sources import (
    file_source,
    folder_source,
    git_source,
    url_source,
)
from microlambda.bundle.inputs.lock_graph import packages_of, walk
from microlambda.bundle.inputs.locked import Pin, checkable, hash_of, lock_requirements
from microlambda.bundle.inputs.manifest import manifest_beside
from microlambda.bundle.inputs.names import bracketed
from microlambda.bundle.inputs.selecting import selected
from microlambda.bundle.inputs.tables import Table, read_toml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from microlambda.bundle.inputs.manifest import Manifest
    from microlambda.bundle.inputs.required import Choice, Requirements, SourceRequirement

_FOLDERS = ("editable", "directory", "virtual")


@dataclass(frozen=True)
class _Need:
    """An entry of a list of dependencies, with what it says of the package that is meant."""

    name: str
    extras: tuple[str, ...]
    table: Table


@dataclass(frozen=True)
class _UvLock:
    """A uv.lock, for a target; `active` are the extras and groups that conflicts may ask about."""

    path: Path
    table: Table
    choice: Choice
    active: set[str] = field(default_factory=set)

    @property
    def label(self) -> str:
        return self.path.name

    @cached_property
    def packages(self) -> dict[str, list[Table]]:
        return packages_of(self.table)

    @cached_property
    def project(self) -> Table | None:
        """Find the package that is the project itself."""
        root = self.choice.root.resolve()
        for packages in self.packages.values():
            for package in packages:
                if self.folder(package) == root:
                    return package
        return None

    def folder(self, package: Table) -> Path | None:
        source = package.table("source")
        kind = next((one for one in _FOLDERS if one in source), None)
        return (self.path.parent / source.text(kind)).resolve() if kind is not None else None

    def holds(self, table: Table) -> bool:
        return holds(table.text_or_none("marker"), self.choice.target, where=table.place, extras=self.active)

    def find(self, need: _Need, asking: Table | None) -> Table:
        found = [one for one in self.packages.get(need.name, ()) if _is_meant(one, need.table)]
        if len(found) > 1:
            found = [one for one in found if self._is_for_target(one)] or found
        if not found:
            by = asking.text("name") if asking is not None else "the project"
            raise RequirementsUnreadable(
                f"{self.label} lacks {need.name}, which {by} needs: it is damaged. Run `uv lock`."
            )
        return found[0]

    def _is_for_target(self, package: Table) -> bool:
        markers = package.texts("resolution-markers")
        return not markers or any(
            holds(one, self.choice.target, where=package.place, extras=self.active) for one in markers
        )

    def needs(self, package: Table, extra: str) -> Iterator[_Need]:
        if extra:
            self.active.add(_conflict_name("extra", package, extra))
            yield from self.listed(package.table("optional-dependencies"), extra)
        elif package is not self.project:
            yield from self.entries(package.tables("dependencies"))

    def listed(self, table: Table, name: str) -> Iterator[_Need]:
        """Give what a table of lists has under a name, in whichever spelling."""
        for key in table:
            if canonicalize_name(key) == name:
                yield from self.entries(table.tables(key))

    def entries(self, tables: Iterable[Table]) -> Iterator[_Need]:
        for table in tables:
            if self.holds(table):
                key = "extra" if "extra" in table else "extras"
                extras = tuple(map(canonicalize_name, table.texts(key)))
                yield _Need(canonicalize_name(table.text("name")), extras, table)


def _is_meant(package: Table, need: Table) -> bool:
    if "version" in need and need.get("version") != package.get("version"):
        return False
    return "source" not in need or need.get("source") == package.get("source")


def _conflict_name(kind: str, package: Table, name: str) -> str:
    owner = package.text("name")
    return canonicalize_name(f"{kind}-{len(owner)}-{owner}-{name}")


def read_uv_lock(path: Path, choice: Choice) -> Requirements:
    """Read a uv.lock for the project in the choice's root, a member of its workspace or the whole of it."""
    lock = _UvLock(path, read_toml(path), choice)
    _check_version(lock)
    manifest = manifest_beside(choice.root)
    extras, groups = _selected(lock, manifest)
    _refuse_conflict(lock, extras, groups)
    roots, reached = _walked(lock, extras, groups)
    if manifest is not None:
        _check_fit(lock, manifest, extras, groups, roots)
    pins = [pin for package in reached if (pin := _pin(package, lock)) is not None]
    asked = [_requirement(need, lock) for need in roots]
    return lock_requirements(lock.label, pins, choice, where=lock.label, roots=asked)


def _selected(lock: _UvLock, manifest: Manifest | None) -> tuple[list[str], list[str]]:
    """Check the chosen extras and groups; what pyproject.toml alone has is a lock that is too old."""
    project = lock.project or Table({}, lock.label)
    metadata = project.table("metadata")
    extras = [*project.table("optional-dependencies"), *metadata.texts("provides-extras")]
    groups = [*project.table("dev-dependencies"), *metadata.table("requires-dev")]
    groups += lock.table.table("manifest", "dependency-groups")
    if manifest is not None:
        extras += manifest.extras
        groups += manifest.groups
    return (
        selected("extra", lock.choice.extras, extras, lock.label),
        selected("group", lock.choice.groups, groups, lock.label),
    )


def _refuse_conflict(lock: _UvLock, extras: list[str], groups: list[str]) -> None:
    """Refuse what the project says that nobody can install together."""
    if lock.project is None:
        return
    project = canonicalize_name(lock.project.text("name"))
    chosen = {("extra", one) for one in extras} | {("group", one) for one in groups}
    for conflict in lock.table.table_lists("conflicts"):
        ours = [
            (kind, canonicalize_name(one.text(kind)))
            for one in conflict
            for kind in ("extra", "group")
            if kind in one and canonicalize_name(one.text("package")) == project
        ]
        together = [f"the {kind} {name!r}" for kind, name in ours if (kind, name) in chosen]
        if len(together) > 1:
            raise RequirementsUnreadable(
                f"{' and '.join(together)} are chosen together, and {lock.label} says that they conflict. "
                "Choose one of them; a function can have the other: [functions.NAME]."
            )


def _walked(lock: _UvLock, extras: list[str], groups: list[str]) -> tuple[list[_Need], list[Table]]:
    """Walk until no more extras come up that a conflict may ask about."""
    if (project := lock.project) is not None:
        lock.active.add(canonicalize_name(f"project-{len(project.text('name'))}-{project.text('name')}"))
        lock.active.update(_conflict_name("extra", project, one) for one in extras)
        lock.active.update(_conflict_name("group", project, one) for one in groups)
    while True:
        before = len(lock.active)
        roots = list(_roots(lock, extras, groups))
        reached = walk(roots, lock)
        if len(lock.active) == before:
            return roots, reached


def _roots(lock: _UvLock, extras: list[str], groups: list[str]) -> Iterator[_Need]:
    if (project := lock.project) is None:  # a pyproject.toml without [project]
        for group in groups:
            yield from lock.listed(lock.table.table("manifest", "dependency-groups"), group)
        return
    yield from lock.entries(project.tables("dependencies"))
    for extra in extras:
        yield from lock.listed(project.table("optional-dependencies"), extra)
    for group in groups:
        yield from lock.listed(project.table("dev-dependencies"), group)


def _check_version(lock: _UvLock) -> None:
    version = lock.table.get("version")
    if version != 1:
        raise RequirementsUnreadable(
            f"{lock.label} is of version {version!r}, and this version of microlambda reads version 1. "
            "Update microlambda, or export it: uv export -o pylock.toml"
        )
    python = lock.table.text_or_none("requires-python")
    if not fits_python(python, lock.choice.target, where=lock.label):
        raise RequirementsUnreadable(
            f"{lock.label} is for Python {python}, and the target is python{lock.choice.target.python}. "
            "Change python in the settings, or requires-python and run `uv lock`."
        )


def _check_fit(
    lock: _UvLock, manifest: Manifest, extras: list[str], groups: list[str], roots: list[_Need]
) -> None:
    """Compare the lock with what the project asks for, unless that is known only after a build."""
    if manifest.is_dynamic or not manifest.declares:
        return
    overrides = {
        canonicalize_name(one.text("name")) for one in lock.table.table("manifest").tables("overrides")
    }
    locked = {need.name: lock.find(need, None).text_or_none("version") for need in roots}
    asked = applicable(
        (one.requirement for one in manifest.asked(extras=extras, groups=groups)),
        lock.choice.target,
        where=manifest.path.name,
    )
    check_fit(asked, locked, lock=lock.label, command="uv lock", unbound=overrides)


def _requirement(need: _Need, lock: _UvLock) -> Requirement:
    """Spell what the project asks for; whether it pins a version, its own list says."""
    extras = bracketed(need.extras)
    return Requirement(f"{need.name}{extras}{_specifier(need.name, lock)}")


def _specifier(name: str, lock: _UvLock) -> str:
    metadata = lock.project.table("metadata") if lock.project is not None else Table({}, lock.label)
    groups = metadata.table("requires-dev")
    listed = [*metadata.tables("requires-dist"), *(one for group in groups for one in groups.tables(group))]
    found = [one.text_or_none("specifier") for one in listed if canonicalize_name(one.text("name")) == name]
    return ",".join(dict.fromkeys(one for one in found if one)) if len(set(found)) == 1 else ""


def _pin(package: Table, lock: _UvLock) -> Pin | None:
    """Make the pin of a package; the project itself and members that are no packages have none."""
    name, source = canonicalize_name(package.text("name")), package.table("source")
    version = package.text_or_none("version") or ""
    if package is lock.project or "virtual" in source:
        return None
    if "registry" in source:
        return _release(package, name, lock)
    if "url" in source and urlsplit(source.text("url")).path.endswith(".whl"):
        return Pin(name=name, version=version, url=source.text("url"), hashes=_hashes(package))
    if "path" in source:
        path = lock.path.parent / source.text("path")
        if path.name.endswith(".whl"):
            return Pin(name=name, version=version, file=path, hashes=_hashes(package) or (hash_of(path),))
        made = file_source(path, root=lock.choice.root, where=lock.label, name=name, hashes=_hashes(package))
        return Pin(name=name, version=version, file=path, source=made)
    return Pin(name=name, version=version, source=_source(source, name, package, lock))


def _source(source: Table, name: str, package: Table, lock: _UvLock) -> SourceRequirement:
    if (folder := lock.folder(package)) is not None:
        return folder_source(folder, root=lock.choice.root, where=lock.label, name=name)
    if "git" in source:
        return _repository(source.text("git"), name, lock.label)
    url = source.text("url")
    if subdirectory := source.text_or_none("subdirectory"):
        url += f"#subdirectory={subdirectory}"
    return url_source(url, where=lock.label, name=name, hashes=_hashes(package))


def _repository(url: str, name: str, label: str) -> SourceRequirement:
    """Read https://host/name?rev=main&subdirectory=lib#COMMIT."""
    parts = urlsplit(url)
    options = parse_qs(parts.query)
    plain = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    subdirectory = options.get("subdirectory", [None])[0]
    return git_source(
        plain, where=label, revision=parts.fragment or None, subdirectory=subdirectory, name=name
    )


def _release(package: Table, name: str, lock: _UvLock) -> Pin:
    registry = package.table("source").text("registry")
    folder = as_folder(registry, lock.path.parent)
    files = _files(package)
    hashes = _hashes(package)
    if folder is not None and len(hashes) < len(files):
        local = (lock.path.parent / unquote(one.text("path")) for one in files if "path" in one)
        hashes = (*hashes, *(hash_of(path) for path in local if path.is_file()))
    return Pin(
        name=name,
        version=package.text("version"),
        hashes=hashes,
        index=registry if folder is None else None,
        find_links=folder,
    )


def _files(package: Table) -> list[Table]:
    return [*([package.table("sdist")] if "sdist" in package else []), *package.tables("wheels")]


def _hashes(package: Table) -> tuple[str, ...]:
    return checkable(one.text("hash") for one in _files(package) if "hash" in one)
