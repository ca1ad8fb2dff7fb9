"""What a pyproject.toml says of a project: its dependencies, extras and groups, standard and Poetry's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from microlambda.bundle.errors import RequirementsUnreadable
from microlambda.bundle.inputs.conditions import requirement
from microlambda.bundle.inputs.tables import Table, read_toml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from packaging.requirements import Requirement


@dataclass(frozen=True)
class Asked:
    """A requirement of the project, and the extra or the group in which it stands."""

    requirement: Requirement
    extra: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Manifest:
    """A pyproject.toml. Names of extras and groups are normalised."""

    path: Path
    table: Table

    @cached_property
    def project(self) -> Table:
        """Give [project]."""
        return self.table.table("project")

    @cached_property
    def poetry(self) -> Table:
        """Give [tool.poetry]."""
        return self.table.table("tool", "poetry")

    @property
    def folder(self) -> Path:
        """Give the folder that relative paths start from."""
        return self.path.parent

    @property
    def name(self) -> str | None:
        """Name the project in its normal spelling, where it has a name."""
        name = self.project.text_or_none("name") or self.poetry.text_or_none("name")
        return canonicalize_name(name) if name else None

    @property
    def is_poetry(self) -> bool:
        """Tell whether Poetry's own tables say what the project depends on."""
        return "dependencies" in self.poetry and "dependencies" not in self.project

    @property
    def is_dynamic(self) -> bool:
        """Tell whether the dependencies are known only after a build."""
        return "dependencies" in self.project.texts("dynamic") and not self.is_poetry

    @property
    def declares(self) -> bool:
        """Tell whether it says anything of dependencies, so that a lock beside it can be compared."""
        return "dependencies" in self.project or self.is_poetry or "dependency-groups" in self.table

    @cached_property
    def extras(self) -> dict[str, str]:
        """Give the extras of [project], as they are written, by their normal names."""
        return _by_name(self.project.table("optional-dependencies"))

    @cached_property
    def groups(self) -> dict[str, str]:
        """Give the groups of [dependency-groups], as they are written, by their normal names."""
        return _by_name(self.table.table("dependency-groups"))

    def asked(self, *, extras: Iterable[str] = (), groups: Iterable[str] = ()) -> list[Asked]:
        """List what [project] and [dependency-groups] ask for; a project's extras may name each other."""
        found = list(self._own(extras))
        for group in groups:
            found += [Asked(one, group=group) for one in self.group(group)]
        return [one for asked in found for one in self._resolved(asked, set())]

    def _own(self, extras: Iterable[str]) -> Iterator[Asked]:
        for text in self.project.texts("dependencies"):
            yield Asked(self._parsed(text))
        for extra in extras:
            yield from self._extra(extra)

    def _extra(self, extra: str) -> Iterator[Asked]:
        if extra not in self.extras:
            return
        for text in self.project.table("optional-dependencies").texts(self.extras[extra]):
            yield Asked(self._parsed(text), extra=extra)

    def _resolved(self, asked: Asked, seen: set[str]) -> Iterator[Asked]:
        """Put what an extra holds where the project asks for itself: all = ["shop[pdf,png]"]."""
        if self.name is None or canonicalize_name(asked.requirement.name) != self.name:
            yield asked
            return
        for extra in sorted(map(canonicalize_name, asked.requirement.extras)):
            if extra not in seen:
                seen.add(extra)
                for one in self._extra(extra):
                    yield from self._resolved(one, seen)

    def group(self, name: str, including: tuple[str, ...] = ()) -> Iterator[Requirement]:
        """Give the requirements of a group, those of included groups too (PEP 735)."""
        if name in including:
            raise RequirementsUnreadable(f"{self.path.name}: the group {name!r} includes itself.")
        groups = self.table.table("dependency-groups")
        if name not in self.groups:
            return
        entries = groups.get(self.groups[name])
        if not isinstance(entries, list):
            raise groups.wrong(self.groups[name], "a list of requirements")
        for entry in entries:
            yield from self._entry(entry, name, including)

    def _entry(self, entry: Any, group: str, including: tuple[str, ...]) -> Iterator[Requirement]:
        if isinstance(entry, str):
            yield self._parsed(entry)
            return
        included = entry.get("include-group") if isinstance(entry, dict) else None
        if not isinstance(included, str) or canonicalize_name(included) not in self.groups:
            raise RequirementsUnreadable(
                f"{self.path.name}: the group {group!r} holds {entry!r}, "
                "which is no requirement and no group."
            )
        yield from self.group(canonicalize_name(included), (*including, group))

    def _parsed(self, text: str) -> Requirement:
        return requirement(text, where=self.path.name)


def _by_name(table: Table) -> dict[str, str]:
    return {canonicalize_name(name): name for name in table}


def read_manifest(path: Path) -> Manifest:
    """Read a pyproject.toml."""
    return Manifest(path, read_toml(path))


def manifest_beside(folder: Path) -> Manifest | None:
    """Read the pyproject.toml of a folder, where there is one."""
    path = folder / "pyproject.toml"
    return read_manifest(path) if path.is_file() else None
