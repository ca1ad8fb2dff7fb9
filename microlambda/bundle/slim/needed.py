"""What a resolver installed, cut down to what the function needs.

Lambda's Python has boto3 already. It is left to the runtime unless the project pins it, or a package that
ships asks for a narrow range of it. What only boto3 needs (urllib3, jmespath, ...) goes with it; what another
package needs as well stays.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from microlambda.bundle.inputs.requirement_lines import OURS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from packaging.specifiers import SpecifierSet

    from microlambda.bundle.inputs.requirements import Requirements
    from microlambda.bundle.target import Target

#: What Lambda's Python runtimes bring and what belongs together.
#: https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html#python-sdk-included
SDK = ("boto3", "botocore", "s3transfer")

#: Files of an installation that tell how and from where it was made; direct_url.json may hold a path of this
#: machine.
_INSTALLER_FILES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")


@dataclass(frozen=True, kw_only=True)
class Package:
    """A distribution in the bundle; `size` is what its files unpack to, in bytes, without bytecode."""

    name: str
    version: str
    size: int


Graph = dict[str, Distribution]


def reduce_to_needed(
    site: Path, requirements: Requirements, target: Target
) -> tuple[tuple[Package, ...], tuple[str, ...]]:
    """Remove from an installation what does not ship; gives the packages that stay, and notes."""
    graph: Graph = {canonicalize_name(one.name): one for one in distributions(path=[str(site)])}
    kept, notes = _kept(graph, requirements, target)
    files = {name: [Path(str(file.locate())) for file in one.files or ()] for name, one in graph.items()}
    for name, paths in files.items():
        if name not in kept:
            _remove(paths, site)
    notes += _strip(site)
    packages = tuple(
        Package(name=graph[name].name, version=graph[name].version, size=_size(files[name]))
        for name in sorted(kept)
    )
    return packages, tuple(notes)


def _kept(graph: Graph, requirements: Requirements, target: Target) -> tuple[set[str], list[str]]:
    roots = [one for one in requirements.direct if one.marker is None or one.marker.evaluate(target.markers)]
    with_sdk = _reachable(roots, graph, target.markers, provided={OURS})
    if not with_sdk & set(SDK) or _is_pinned(requirements):
        return with_sdk, []
    without_sdk = _reachable(roots, graph, target.markers, provided={OURS, *SDK})
    if asking := _asks_narrowly(without_sdk, graph, target.markers):
        return with_sdk, [f"boto3 ships with the bundle, for {asking} needs a certain version of it."]
    version = graph["boto3" if "boto3" in graph else "botocore"].version
    name = "boto3" if "boto3" in graph else "botocore"
    return without_sdk, [
        f"{name} is left to the copy that Lambda has. To ship it, pin it: {name}=={version}."
    ]


def _is_pinned(requirements: Requirements) -> bool:
    asked = (*requirements.direct, *requirements.constrained)
    return any(
        canonicalize_name(one.name) in SDK
        and (one.url is not None or any(clause.operator in {"==", "==="} for clause in one.specifier))
        for one in asked
    )


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
            if sdk in SDK and sdk in graph and _is_narrow(requirement.specifier, graph[sdk].version):
                return name
    return None


def _is_narrow(specifier: SpecifierSet, installed: str) -> bool:
    return not specifier.contains(f"{Version(installed).major}.99999", prereleases=True)


def _remove(paths: list[Path], site: Path) -> None:
    for path in paths:
        if path.is_file() and path.resolve().is_relative_to(site.resolve()):
            path.unlink()


def _strip(site: Path) -> list[str]:
    """Remove what no function needs: console scripts, installer's records, foreign bytecode, .pth files."""
    notes = []
    if (site / "bin").is_dir() and not (site / "bin" / "__init__.py").exists():
        shutil.rmtree(site / "bin")
    (site / ".lock").unlink(missing_ok=True)
    for folder in list(site.rglob("__pycache__")):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in site.glob("*.dist-info"):
        for name in _INSTALLER_FILES:
            (folder / name).unlink(missing_ok=True)
    for path in sorted(site.glob("*.pth")):
        notes.append(f"{path.name} is left out: Lambda does not read .pth files beside the code.")
        path.unlink()
    _remove_empty(site)
    return notes


def _remove_empty(folder: Path) -> None:
    for child in folder.iterdir():
        if child.is_dir() and not child.is_symlink():
            _remove_empty(child)
            if not any(child.iterdir()):
                child.rmdir()


def _size(paths: list[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.is_file())
