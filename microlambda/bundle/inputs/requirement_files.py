"""Requirement files, as pip reads them, and what comments in them tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.bundle.errors import RequirementsUnreadable
from microlambda.bundle.inputs.annotations import asked_directly, not_only_ours, read_origins
from microlambda.bundle.inputs.collecting import collect, tools_note
from microlambda.bundle.inputs.conditions import holds
from microlambda.bundle.inputs.manifest import manifest_beside
from microlambda.bundle.inputs.names import OURS
from microlambda.bundle.inputs.requirement_lines import read_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from packaging.requirements import Requirement

    from microlambda.bundle.inputs.annotations import Origins
    from microlambda.bundle.inputs.required import Choice, Requirements
    from microlambda.bundle.inputs.requirement_lines import Line


def read_requirement_files(label: str, paths: Sequence[Path], choice: Choice) -> Requirements:
    """Read requirement files one after another; they have no groups and no extras to choose from."""
    _refuse_groups(label, choice)
    lines = [line for path in paths for line in read_lines(path, choice.root)]
    pinned = {line.name for line in lines if line.name is not None and not line.is_constraint}
    lines = [one for line in lines for one in _expanded(line, pinned, choice)]
    _refuse_unhashed([line for line in lines if _is_asked(line, choice)])
    origins = _origins(paths)
    if not origins:
        return collect(label, lines, choice, notes=_tools_notes(label, lines))
    names = [line.name for line in lines if line.name is not None and not line.is_constraint]
    kept = not_only_ours(names, origins) if OURS in {*names, *_asking(origins)} else set(names)
    lines = [line for line in lines if line.name is None or line.name in kept or line.is_constraint]
    return collect(label, lines, choice, roots=_roots(lines, origins, names))


def _tools_notes(label: str, lines: Sequence[Line]) -> tuple[str, ...]:
    """Say of a list that pins everything, microlambda's tools too, that nothing tells which are these."""
    named = [line for line in lines if line.requirement is not None and not line.is_constraint]
    is_compiled = len(named) > _FEW and all(_is_pin(line) for line in named)
    if not is_compiled or OURS not in {line.name for line in named}:
        return ()
    return (tools_note(label, "The comments of pip-compile and `uv pip compile` say it: keep them."),)


def _is_pin(line: Line) -> bool:
    return line.requirement is not None and any(
        one.operator in {"==", "==="} for one in line.requirement.specifier
    )


#: Shorter lists of pins are written by hand.
_FEW = 5


def _refuse_groups(label: str, choice: Choice) -> None:
    for kind, names in (("groups", choice.groups), ("extras", choice.extras)):
        if names:
            raise RequirementsUnreadable(
                f"the settings ask for the {kind} {', '.join(names)}, and {label} is read, which has none. "
                "Name files instead: requirements = ['requirements.txt', 'requirements-extra.txt'], "
                "or what has them: requirements = ['pyproject.toml'], a lock."
            )


def _is_asked(line: Line, choice: Choice) -> bool:
    """Tell whether a line asks for a package of an index, on the target."""
    if line.requirement is None or line.is_constraint or line.local_file is not None or line.name == OURS:
        return False
    marker = line.requirement.marker
    return marker is None or holds(str(marker), choice.target, where=line.where)


def _refuse_unhashed(asked: Sequence[Line]) -> None:
    """Refuse a list of which some are fixed by hashes and others are not: hashes are for all or for none."""
    hashed = {line.name for line in asked if _is_hashed(line)}
    for line in asked if hashed else ():
        if lacks := _lacks(line, hashed):
            raise RequirementsUnreadable(
                f"{line.where}: {line.name} has {lacks}, and other lines have hashes: with hashes, every "
                "line needs a version, by ==, and its hashes. `uv pip compile --generate-hashes` and "
                "`pip-compile --generate-hashes` write such a list."
            )


def _lacks(line: Line, hashed: Collection[str | None]) -> str:
    """Say what a line has not that a hashed one needs; another line may have it for the same package."""
    if line.requirement is not None and line.requirement.url is not None:
        return ""  # fixed by itself, its hash in its fragment perhaps: for the resolver to judge
    if line.name not in hashed:
        return "no hash"
    return "no exact version" if _is_hashed(line) and not _is_pin(line) else ""


def _is_hashed(line: Line) -> bool:
    return "--hash" in line.text


def _expanded(line: Line, pinned: set[str], choice: Choice) -> Iterator[Line]:
    """Put the project's own dependencies where the file names the project; what it pins beside stays so."""
    if not line.is_project:
        yield line
    elif holds(line.marker, choice.target, where=line.where):
        for own in _own(line, choice):
            if own.name not in pinned:
                yield own


def _own(line: Line, choice: Choice) -> list[Line]:
    manifest = manifest_beside(choice.root)
    if manifest is None:
        raise RequirementsUnreadable(
            f"{line.where} names the project itself, which has no pyproject.toml: what it depends on is "
            "known only after a build. Write its dependencies to a requirements.txt."
        )
    from microlambda.bundle.inputs.pyproject import own_lines

    return own_lines(manifest, choice.with_extras(line.extras))


def _origins(paths: Sequence[Path]) -> Origins:
    origins: Origins = {}
    for path in paths:
        for name, asking in read_origins(path.read_text(encoding="utf-8-sig")).items():
            origins.setdefault(name, set()).update(asking)
    return origins


def _asking(origins: Origins) -> set[str]:
    return {one.partition("[")[0] for asking in origins.values() for one in asking}


def _roots(lines: Sequence[Line], origins: Origins, names: Sequence[str]) -> tuple[Requirement, ...] | None:
    """Give what the project itself asks for; None where a pin does not say who asks for it."""
    if any(name not in origins for name in names if name != OURS):
        return None
    direct = asked_directly(names, origins)
    return tuple(
        line.requirement
        for line in lines
        if line.requirement is not None and not line.is_constraint and line.name in direct - {OURS}
    )
