"""Lines made into requirements: `microlambda` left out, markers of sources judged, duplicates dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from microlambda.bundle.inputs.conditions import holds
from microlambda.bundle.inputs.local_sources import unfixed_note
from microlambda.bundle.inputs.names import OURS, bracketed
from microlambda.bundle.inputs.required import Requirements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from microlambda.bundle.inputs.required import Choice, SourceRequirement
    from microlambda.bundle.inputs.requirement_lines import Line


def collect(
    label: str,
    lines: Iterable[Line],
    choice: Choice,
    *,
    roots: tuple[Requirement, ...] | None = None,
    notes: tuple[str, ...] = (),
) -> Requirements:
    """Gather lines into requirements that a resolver has still to resolve."""
    kept = [line for line in lines if line.name != OURS and _counts(line, choice)]
    asked = [line for line in kept if not line.is_constraint and line.source is None]
    limits = [line for line in kept if line.is_constraint]
    sources = tuple(dict.fromkeys(line.source for line in kept if line.source is not None))
    return Requirements(
        label=label,
        lines=tuple(dict.fromkeys(line.text for line in asked)),
        constraints=tuple(dict.fromkeys(line.text for line in limits)),
        portable=tuple(_portable(line) for line in kept),
        direct=(
            *(line.requirement for line in asked if line.requirement is not None),
            *as_requirements(sources),
        ),
        roots=roots,
        sources=sources,
        constrained=tuple(line.requirement for line in limits if line.requirement is not None),
        local_files=tuple(line.local_file for line in kept if line.local_file is not None),
        notes=(*notes, *unfixed_notes(sources)),
    )


def _counts(line: Line, choice: Choice) -> bool:
    return line.source is None or holds(line.marker, choice.target, where=line.where)


def _portable(line: Line) -> str:
    if line.source is not None:
        return portable_source(line.source)
    return f"{'-c ' * line.is_constraint}{line.portable or line.text}"


def portable_source(source: SourceRequirement) -> str:
    """Write a source down without the paths of this machine."""
    extras = bracketed(source.extras)
    hashes = "".join(f" --hash={one}" for one in source.hashes)
    return f"{source.name or ''}{extras} @ {source.portable or source.location}{hashes}"


def as_requirements(sources: Iterable[SourceRequirement]) -> tuple[Requirement, ...]:
    """Give the sources whose names are known as requirements."""
    return tuple(
        Requirement(f"{one.name}{_extras(one)} @ {one.location}") for one in sources if one.name is not None
    )


def unfixed_notes(sources: Iterable[SourceRequirement]) -> tuple[str, ...]:
    """Tell which repositories are not fixed at a revision."""
    return tuple(note for note in map(unfixed_note, sources) if note is not None)


def _extras(source: SourceRequirement) -> str:
    return bracketed(source.extras)


def tools_note(label: str, remedy: str) -> str:
    """Say that nothing tells what a list of everything holds for our tools alone."""
    return (
        f"{label} does not say what the project asks for itself, so what only microlambda's tools need ships "
        f"too. {remedy}"
    )
