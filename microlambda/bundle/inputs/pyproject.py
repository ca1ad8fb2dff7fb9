"""pyproject.toml without a lock: dependencies, chosen extras and groups, to be resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from microlambda.bundle.errors import RequirementsUnreadable
from microlambda.bundle.inputs.collecting import collect
from microlambda.bundle.inputs.conditions import fits_python, holds
from microlambda.bundle.inputs.manifest import manifest_beside, read_manifest
from microlambda.bundle.inputs.names import OURS
from microlambda.bundle.inputs.poetry_manifest import as_line, known_extras, known_groups, poetry_roots
from microlambda.bundle.inputs.requirement_lines import declared_line
from microlambda.bundle.inputs.selecting import selected
from microlambda.bundle.inputs.uv_sources import redirected, source_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from microlambda.bundle.inputs.manifest import Asked, Manifest
    from microlambda.bundle.inputs.required import Choice, Requirements
    from microlambda.bundle.inputs.requirement_lines import Line


def read_pyproject(path: Path, choice: Choice) -> Requirements:
    """Read the dependencies of a pyproject.toml."""
    manifest = read_manifest(path)
    _check_python(manifest, choice)
    kind = "[tool.poetry]" if manifest.is_poetry else "[project]"
    label = f"{path.name} {kind} dependencies{choice.suffix}"
    return collect(label, own_lines(manifest, choice), choice)


def _check_python(manifest: Manifest, choice: Choice) -> None:
    wanted = manifest.project.text_or_none("requires-python")
    if not fits_python(wanted, choice.target, where=manifest.path.name):
        raise RequirementsUnreadable(
            f"{manifest.path.name} says requires-python = {wanted!r}, and the target is "
            f"python{choice.target.python}. Change python in the settings, or requires-python."
        )


def own_lines(manifest: Manifest, choice: Choice, inside: frozenset[Path] = frozenset()) -> list[Line]:
    """List what the project asks for, with the chosen groups and extras."""
    if manifest.is_dynamic:
        raise RequirementsUnreadable(
            f"{manifest.path.name} says that its dependencies are dynamic: they are known only after a "
            "build. Write them to a requirements.txt, which is read first."
        )
    inside |= {manifest.folder.resolve()}
    return [one for line in _declared(manifest, choice) for one in _followed(line, choice, inside)]


def _declared(manifest: Manifest, choice: Choice) -> list[Line]:
    if manifest.is_poetry or "group" in manifest.poetry:
        roots = poetry_roots(manifest, choice, manifest.path.name)
        return [as_line(one, manifest, choice) for one in roots if one.name != OURS]
    extras = selected("extra", choice.extras, known_extras(manifest), manifest.path.name)
    groups = selected("group", choice.groups, known_groups(manifest), manifest.path.name)
    asked = manifest.asked(extras=extras, groups=groups)
    return [_line(one, manifest, choice) for one in asked if canonicalize_name(one.requirement.name) != OURS]


def _line(asked: Asked, manifest: Manifest, choice: Choice) -> Line:
    found = source_for(asked, manifest, choice)
    if found is not None:
        return redirected(asked, *found, choice)
    return declared_line(asked.requirement, manifest.folder, choice.root, manifest.path.name)


def _followed(line: Line, choice: Choice, inside: frozenset[Path]) -> Iterator[Line]:
    """Give a line, or in the place of a folder that is no package what it depends on."""
    folder = line.source.folder if line.source is not None else None
    manifest = manifest_beside(folder) if folder is not None else None
    if manifest is None or manifest.table.table("tool", "uv").get("package") is not False:
        yield line
    elif folder not in inside and holds(line.marker, choice.target, where=line.where):
        extras = line.source.extras if line.source is not None else ()
        yield from own_lines(manifest, choice.with_extras(extras), inside)
