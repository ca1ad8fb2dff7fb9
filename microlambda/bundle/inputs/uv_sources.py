"""Where uv takes a dependency from: [tool.uv.sources] of a pyproject.toml.

https://docs.astral.sh/uv/concepts/projects/dependencies/#dependency-sources
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from microlambda.bundle.errors import RequirementsUnreadable
from microlambda.bundle.inputs.conditions import holds
from microlambda.bundle.inputs.local_sources import (
    file_source,
    folder_source,
    git_of_table,
    is_archive,
    project_name,
    url_source,
)
from microlambda.bundle.inputs.names import bracketed
from microlambda.bundle.inputs.requirement_lines import Line, local_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from microlambda.bundle.inputs.manifest import Asked, Manifest
    from microlambda.bundle.inputs.required import Choice
    from microlambda.bundle.inputs.tables import Table


def source_for(asked: Asked, manifest: Manifest, choice: Choice) -> tuple[Table, Manifest] | None:
    """Find the source that counts for a requirement, and the file that says so; None for the index."""
    name = canonicalize_name(asked.requirement.name)
    for owner in _owners(manifest):
        sources = owner.table.table("tool", "uv", "sources")
        for key in sources:
            if canonicalize_name(key) == name:
                many = isinstance(sources.get(key), list)
                listed = sources.tables(key) if many else [sources.table(key)]
                return next(((one, owner) for one in listed if _counts(one, asked, choice)), None)
    return None


def _owners(manifest: Manifest) -> Iterator[Manifest]:
    """Give the project, then the workspace that it is a member of, whose sources count for members too."""
    yield manifest
    workspace = workspace_of(manifest)
    if workspace is not None and workspace.path != manifest.path:
        yield workspace


def workspace_of(manifest: Manifest) -> Manifest | None:
    """Find the pyproject.toml that has the workspace of a project: its own, or one above it."""
    from microlambda.bundle.inputs.manifest import read_manifest

    folder = manifest.folder.resolve()
    for above in (folder, *folder.parents):
        path = above / "pyproject.toml"
        if path.is_file():
            found = manifest if above == folder else read_manifest(path)
            if "workspace" in found.table.table("tool", "uv"):
                return found if above == folder or folder in set(_members(found)) else None
    return None


def _members(workspace: Manifest) -> Iterator[Path]:
    table = workspace.table.table("tool", "uv", "workspace")
    folder = workspace.folder.resolve()
    excluded = {path for pattern in table.texts("exclude") for path in folder.glob(pattern)}
    for pattern in table.texts("members"):
        yield from (path for path in folder.glob(pattern) if path.is_dir() and path not in excluded)


def _counts(source: Table, asked: Asked, choice: Choice) -> bool:
    extra, group = source.text_or_none("extra"), source.text_or_none("group")
    if extra is not None and canonicalize_name(extra) != asked.extra:
        return False
    if group is not None and canonicalize_name(group) != asked.group:
        return False
    return holds(source.text_or_none("marker"), choice.target, where=source.place)


def redirected(asked: Asked, source: Table, owner: Manifest, choice: Choice) -> Line:
    """Make the line of a requirement that comes from a source."""
    requirement = asked.requirement
    name, extras = canonicalize_name(requirement.name), tuple(sorted(requirement.extras))
    marker = str(requirement.marker or "")
    where = source.place
    if "git" in source:
        made = git_of_table(source, where=where, name=name, extras=extras)
        return Line(text="", where=where, source=made, marker=marker)
    if "url" in source:
        return _at_url(source, requirement, name, extras)
    if "path" in source:
        return at_path(owner.folder / source.text("path"), choice, where, name, extras, marker)
    if source.flag("workspace"):
        return at_path(_member(name, owner, where), choice, where, name, extras, marker)
    raise RequirementsUnreadable(
        f"{where} takes {name} from the index {source.get('index')!r}, which counts for it alone; resolvers "
        "would ask all indexes. Run `uv lock`: a lock fixes the files, and is read first."
    )


def _member(name: str, manifest: Manifest, where: str) -> Path:
    workspace = workspace_of(manifest)
    for folder in _members(workspace) if workspace is not None else ():
        if canonicalize_name(project_name(folder) or "") == name:
            return folder
    raise RequirementsUnreadable(
        f"{where} takes {name} from the workspace, which has no member of that name."
    )


def _at_url(source: Table, requirement: Requirement, name: str, extras: tuple[str, ...]) -> Line:
    url, marker = source.text("url"), str(requirement.marker or "")
    if url.partition("#")[0].endswith(".whl"):
        chosen = bracketed(extras)
        at = Requirement(f"{name}{chosen} @ {url}" + (f" ; {marker}" if marker else ""))
        return Line(text=str(at), where=source.place, requirement=at)
    if subdirectory := source.text_or_none("subdirectory"):
        url += f"#subdirectory={subdirectory}"
    made = url_source(url, where=source.place, name=name, extras=extras)
    return Line(text="", where=source.place, source=made, marker=marker)


def at_path(path: Path, choice: Choice, where: str, name: str, extras: tuple[str, ...], marker: str) -> Line:
    """Make the line of a dependency on this machine: a wheel, a source archive or a folder."""
    if path.name.endswith(".whl"):
        return local_wheel(path, choice.root, marker, "", where, extras=extras)
    if is_archive(path.name) and not path.is_dir():
        made = file_source(path, root=choice.root, where=where, name=name, extras=extras)
        return Line(text="", where=where, source=made, marker=marker, local_file=path.resolve())
    made = folder_source(path, root=choice.root, where=where, name=name, extras=extras)
    return Line(text="", where=where, source=made, marker=marker)
