"""Which of the installed distributions the function needs.

Lambda's Python has boto3 already. It is left to the runtime unless the project pins it, or a package that
ships asks for a narrow range of it. What only boto3 needs (urllib3, jmespath, ...) goes with it; what another
package needs as well stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from microlambda.bundle.inputs.requirement_lines import OURS
from microlambda.bundle.slim.sdk import SDK, asked_for, is_narrow, is_pinned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.metadata import Distribution

    from microlambda.bundle.inputs.requirements import Requirements
    from microlambda.bundle.slim.installation import Graph
    from microlambda.bundle.target import Target


@dataclass(frozen=True, kw_only=True)
class Needed:
    """Distributions by their normal names; `provided` are those that Lambda has, or that only these need."""

    kept: frozenset[str]
    provided: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def find_needed(
    graph: Graph, requirements: Requirements, target: Target, sdk: str | tuple[str, ...] = "runtime"
) -> Needed:
    """Find what the project's requirements come to, with the SDK or without it."""
    roots = [
        *_roots(graph, requirements, target.markers),
        *([] if sdk == "runtime" else [Requirement("boto3")]),
    ]
    with_sdk = _reachable(roots, graph, target.markers, provided={OURS})
    if sdk != "runtime" or not with_sdk & set(SDK) or is_pinned(requirements):
        return Needed(kept=frozenset(with_sdk))
    without_sdk = _reachable(roots, graph, target.markers, provided={OURS, *SDK})
    if asking := _asks_narrowly(without_sdk, graph, target.markers):
        note = f"boto3 ships with the bundle, for {asking} needs a certain version of it."
        return Needed(kept=frozenset(with_sdk), notes=(note,))
    name = "boto3" if "boto3" in graph else "botocore"
    note = f"{name} is left to the copy that Lambda has. To ship it, pin it: {name}=={graph[name].version}."
    return Needed(kept=frozenset(without_sdk), provided=frozenset(with_sdk - without_sdk), notes=(note,))


def _roots(graph: Graph, requirements: Requirements, markers: Mapping[str, str]) -> list[Requirement]:
    asked = [one for one in asked_for(requirements) if one.marker is None or one.marker.evaluate(markers)]
    for source in requirements.sources:
        if source.name is None:
            # What it was built to has told its name since: it is one of those that nobody else asks for.
            return [*asked, *map(Requirement, _unasked(graph))]
        asked.append(Requirement(f"{source.name}[{','.join(source.extras)}]"))
    return asked


def _unasked(graph: Graph) -> list[str]:
    needed = {
        canonicalize_name(Requirement(text).name) for one in graph.values() for text in one.requires or ()
    }
    return sorted(graph.keys() - needed)


def _reachable(
    roots: list[Requirement], graph: Graph, markers: Mapping[str, str], *, provided: set[str]
) -> set[str]:
    """Follow requirements from the roots; a provided package is left out, and followed for its extras."""
    reached: set[str] = set()
    seen: set[tuple[str, str]] = set()
    pending = [(canonicalize_name(root.name), extra) for root in roots for extra in ("", *root.extras)]
    while pending:
        name, extra = pending.pop()
        if (name, extra) in seen or name not in graph:
            continue
        seen.add((name, extra))
        if name not in provided:
            reached.add(name)
        elif not extra:
            continue
        for needed in _needs(graph[name], extra, markers):
            pending += [(canonicalize_name(needed.name), one) for one in ("", *needed.extras)]
    return reached


def _needs(distribution: Distribution, extra: str, markers: Mapping[str, str]) -> Iterator[Requirement]:
    """Give what a distribution requires for one of its extras alone, or for none ("")."""
    for text in distribution.requires or ():
        requirement = Requirement(text)
        plain = requirement.marker is None or requirement.marker.evaluate({**markers, "extra": ""})
        if plain != bool(extra) and (plain or _is_for(extra, requirement, markers)):
            yield requirement


def _is_for(extra: str, requirement: Requirement, markers: Mapping[str, str]) -> bool:
    return requirement.marker is not None and requirement.marker.evaluate({**markers, "extra": extra})


def _asks_narrowly(names: set[str], graph: Graph, markers: Mapping[str, str]) -> str | None:
    """Find a package that would not accept just any later version of the SDK with the same major."""
    for name in sorted(names):
        for requirement in _needs(graph[name], "", markers):
            sdk = canonicalize_name(requirement.name)
            if (
                sdk in SDK
                and sdk in graph
                and is_narrow(requirement.specifier, Version(graph[sdk].version).major)
            ):
                return name
    return None
