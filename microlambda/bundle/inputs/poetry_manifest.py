"""The dependencies that Poetry's tables of a pyproject.toml name, or Poetry's reading of the standard ones.

https://python-poetry.org/docs/pyproject/#dependencies-and-dependency-groups
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from microlambda.bundle.errors import RequirementsUnreadable
from microlambda.bundle.inputs.conditions import requirement
from microlambda.bundle.inputs.local_sources import git_of_table, url_source
from microlambda.bundle.inputs.names import bracketed
from microlambda.bundle.inputs.poetry_notation import all_of, python_marker, specifier
from microlambda.bundle.inputs.requirement_lines import Line
from microlambda.bundle.inputs.selecting import selected
from microlambda.bundle.inputs.tables import Table
from microlambda.bundle.inputs.uv_sources import at_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from packaging.requirements import Requirement

    from microlambda.bundle.inputs.manifest import Manifest
    from microlambda.bundle.inputs.required import Choice


@dataclass(frozen=True, kw_only=True)
class PoetryDependency:
    """A dependency in Poetry's notation; `table` is the whole of it, with git, path, url or source."""

    name: str
    table: Table
    constraint: str = "*"
    extras: tuple[str, ...] = ()
    marker: str = ""
    is_optional: bool = False


def read_dependency(name: str, value: Any, place: str) -> list[PoetryDependency]:
    """Read a dependency as Poetry writes it: a constraint, a table, or a list of them, one for each case."""
    if isinstance(value, list):
        return [one for entry in value for one in read_dependency(name, entry, place)]
    if not isinstance(value, str | dict):
        raise RequirementsUnreadable(f"{place} is not a dependency: a version or a table.")
    table = Table({"version": value} if isinstance(value, str) else value, place)
    return [
        PoetryDependency(
            name=canonicalize_name(name),
            table=table,
            constraint=table.text_or_none("version") or "*",
            extras=tuple(sorted(map(canonicalize_name, table.texts("extras")))),
            marker=_marker(table),
            is_optional=table.flag("optional"),
        )
    ]


def _marker(table: Table) -> str:
    python, platform = table.text_or_none("python"), table.text_or_none("platform")
    return all_of(
        (
            table.text_or_none("markers") or "",
            python_marker(python, where=table.place) if python else "",
            f"sys_platform == '{platform}'" if platform else "",
        )
    )


def dependencies_of(table: Table) -> Iterator[PoetryDependency]:
    """Read a whole table of dependencies; `python` is none."""
    for name in table:
        if name != "python":
            yield from read_dependency(name, table.get(name), table.at(name))


def poetry_roots(manifest: Manifest, choice: Choice, label: str) -> list[PoetryDependency]:
    """List what the project asks for: its own dependencies, and those of the chosen groups and extras."""
    extras = selected("extra", choice.extras, known_extras(manifest), label)
    groups = selected("group", choice.groups, known_groups(manifest), label)
    main = list(dependencies_of(manifest.poetry.table("dependencies")))
    asked = _in_extras(manifest, extras)
    found = [one for one in main if not one.is_optional or one.name in asked]
    if "dependencies" in manifest.project or extras:
        found = _with_project(manifest, extras, found)
    for group in groups:
        found += _group(manifest, group)
    return found


def known_extras(manifest: Manifest) -> list[str]:
    """Name the extras, of [project] and of Poetry."""
    return [*manifest.project.table("optional-dependencies"), *manifest.poetry.table("extras")]


def known_groups(manifest: Manifest) -> list[str]:
    """Name the groups, of [dependency-groups] and of Poetry."""
    old = ["dev"] if "dev-dependencies" in manifest.poetry else []
    return [*manifest.table.table("dependency-groups"), *manifest.poetry.table("group"), *old]


def _in_extras(manifest: Manifest, extras: Iterable[str]) -> set[str]:
    table = manifest.poetry.table("extras")
    return {
        canonicalize_name(name)
        for key in table
        if canonicalize_name(key) in set(extras)
        for name in table.texts(key)
    }


def _with_project(
    manifest: Manifest, extras: Iterable[str], main: list[PoetryDependency]
) -> list[PoetryDependency]:
    """Take the requirements of [project]; Poetry's table beside adds where they come from."""
    own = {one.name: one for one in dependencies_of(manifest.poetry.table("dependencies"))}
    found = [
        _as_poetry(asked.requirement, own.get(canonicalize_name(asked.requirement.name)), manifest)
        for asked in manifest.asked(extras=extras)
    ]
    return found if "dependencies" in manifest.project else [*main, *found]


def _as_poetry(
    requirement: Requirement, own: PoetryDependency | None, manifest: Manifest
) -> PoetryDependency:
    place = f"{manifest.path.name}: {requirement.name}"
    return PoetryDependency(
        name=canonicalize_name(requirement.name),
        table=own.table if own is not None else _table_of(requirement, place),
        constraint=str(requirement.specifier) or "*",
        extras=tuple(sorted(map(canonicalize_name, requirement.extras))),
        marker=all_of((str(requirement.marker or ""), own.marker if own is not None else "")),
    )


def _table_of(requirement: Requirement, place: str) -> Table:
    url = requirement.url or ""
    if url.startswith("git+"):
        return Table({"git": url.removeprefix("git+")}, place)
    return Table({"url": url} if url else {}, place)


def _group(manifest: Manifest, group: str) -> Iterator[PoetryDependency]:
    for one in manifest.group(group):
        yield _as_poetry(one, None, manifest)
    groups = manifest.poetry.table("group")
    for key in groups:
        if canonicalize_name(key) == group:
            yield from _own_group(manifest, groups.table(key))
    if group == "dev":
        yield from dependencies_of(manifest.poetry.table("dev-dependencies"))


def _own_group(manifest: Manifest, table: Table) -> Iterator[PoetryDependency]:
    yield from dependencies_of(table.table("dependencies"))
    for included in table.texts("include-groups"):
        yield from _group(manifest, canonicalize_name(included))


def as_line(dependency: PoetryDependency, manifest: Manifest, choice: Choice) -> Line:
    """Make a line of a dependency that no lock fixes."""
    table, where = dependency.table, dependency.table.place
    name, extras, marker = dependency.name, dependency.extras, dependency.marker
    if "git" in table:
        source = git_of_table(table, where=where, name=name, extras=extras)
        return Line(text="", where=where, source=source, marker=marker)
    if "path" in table or "file" in table:
        path = manifest.folder / table.text("path" if "path" in table else "file")
        return at_path(path, choice, where, name, extras, marker)
    if "url" in table and not table.text("url").endswith(".whl"):
        source = url_source(table.text("url"), where=where, name=name, extras=extras)
        return Line(text="", where=where, source=source, marker=marker)
    if "source" in table:
        raise RequirementsUnreadable(
            f"{where} takes {name} from the index {table.get('source')!r}, which counts for it alone; "
            "resolvers would ask all indexes. Run `poetry lock`: a lock fixes the files, and is read first."
        )
    asked = as_requirement(dependency)
    return Line(text=str(asked), where=where, requirement=asked)


def as_requirement(dependency: PoetryDependency) -> Requirement:
    """Spell a dependency as the standard does."""
    where = dependency.table.place
    extras = bracketed(dependency.extras)
    if url := dependency.table.text_or_none("url"):
        text = f"{dependency.name}{extras} @ {url}"
    else:
        text = f"{dependency.name}{extras}{specifier(dependency.constraint, where=where)}"
    return requirement(text, marker=dependency.marker, where=where)
