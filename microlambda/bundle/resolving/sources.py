"""Folders, repositories and source archives: each becomes a wheel before anything is resolved."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from microlambda.bundle.code.build_input import left_behind
from microlambda.bundle.distributions import distributions_in
from microlambda.bundle.errors import NoFittingWheel, ResolutionFailed, SourceUnbuildable
from microlambda.bundle.inputs.masking import mask
from microlambda.bundle.inputs.names import bracketed
from microlambda.bundle.resolving.building import FOR_THIS_MACHINE, is_pure, wheel_line
from microlambda.bundle.resolving.failures import said_by
from microlambda.bundle.resolving.repository import Repository, fetch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microlambda.bundle.inputs.required import Requirements, SourceRequirement
    from microlambda.bundle.resolving.request import BuildFailed, Request, Resolver

#: Each source is built in a folder of its own, whose name ends in the source's place among the others.
_PREFIX = "microlambda-source-"


def with_built(request: Request, resolver: Resolver, work: Path) -> Request:
    """Build a wheel of every source; gives a request that has the wheels in their place."""
    sources = request.requirements.sources
    if not sources:
        return request
    lines = [_built(number, request, resolver, work) for number in range(len(sources))]
    asked = [Requirement(line.partition(" --hash=")[0]) for line in lines]
    requirements = replace(
        request.requirements,
        lines=(*request.requirements.lines, *lines),
        direct=(*request.requirements.direct, *asked),
        sources=(),
    )
    return replace(request, requirements=requirements)


def with_names(requirements: Requirements, site: Path) -> Requirements:
    """Count the sources among what is asked for directly, by the names that they were installed under.

    A source may have no name until it is built.
    """
    if not requirements.sources:
        return requirements
    direct = (*requirements.direct, *_installed(requirements, site))
    return replace(requirements, direct=direct)


def _installed(requirements: Requirements, site: Path) -> Iterator[Requirement]:
    for distribution in distributions_in(site):
        text = distribution.read_text("direct_url.json")
        url = json.loads(text).get("url", "") if text else ""
        folder = unquote(urlsplit(url).path).rpartition("/")[0].rpartition("/")[2]
        if folder.startswith(_PREFIX):
            source = requirements.sources[int(folder.removeprefix(_PREFIX))]
            yield Requirement(f"{distribution.name}{_extras(source)}")


def _built(number: int, request: Request, resolver: Resolver, work: Path) -> str:
    """Build a source; gives the line that asks for its wheel."""
    source = request.requirements.sources[number]
    wheels = work / f"{_PREFIX}{number}"
    wheels.mkdir()
    line = _local(source, work / f"fetched-{number}")
    line += "".join(f" --hash={one}" for one in source.hashes)
    problem = resolver.build(line, request, work, wheels)
    if problem is not None:
        raise _no_wheel(source, request, problem)
    wheel = _only_wheel(source, request, wheels)
    return wheel_line(wheel, extras=_extras(source), is_hashed=request.requirements.is_hashed)


def _local(source: SourceRequirement, into: Path) -> str:
    """Have a folder and a repository as a copy, in which a build may leave what it likes."""
    if source.location.lower().startswith("git+"):
        return fetch(Repository.of(source.location), into, asked=source.where).as_uri()
    if source.folder is None:
        return source.location
    if not any((source.folder / name).is_file() for name in ("pyproject.toml", "setup.py")):
        raise SourceUnbuildable(
            f"{_shown(source)} is a folder without a project: it has neither pyproject.toml nor setup.py."
        )
    copy_folder(source.folder, into)
    return into.as_uri()


def copy_folder(folder: Path, into: Path) -> None:
    """Copy what a build may read of a folder: no caches, secrets, virtual environments and builds of before.

    Version control stays where it is and is pointed to, for some build backends read the version there.
    """
    for root, folders, files in os.walk(folder):
        here, there = Path(root), into / Path(root).relative_to(folder)
        there.mkdir()
        behind = left_behind(root, [*folders, *files])
        folders[:] = [name for name in folders if name not in behind]
        for name in [name for name in folders if (here / name).is_symlink()]:
            (there / name).symlink_to((here / name).resolve())
        for name in files:
            if (here / name).is_file() and name not in behind:
                shutil.copy2(here / name, there / name)
    if (folder / ".git").is_dir():
        (into / ".git").write_text(f"gitdir: {(folder / '.git').resolve()}\n", encoding="utf-8")


def _only_wheel(source: SourceRequirement, request: Request, wheels: Path) -> Path:
    """Take the wheel that was built, if it is the one that was asked for and runs on the target."""
    found = list(wheels.glob("*.whl"))
    if len(found) != 1:
        raise SourceUnbuildable(f"{_shown(source)} builds no wheel.")
    try:
        name = parse_wheel_filename(found[0].name)[0]
    except InvalidWheelFilename as exc:
        raise SourceUnbuildable(f"{_shown(source)} builds a wheel without a proper name: {exc}.") from exc
    if source.name is not None and name != canonicalize_name(source.name):
        raise SourceUnbuildable(f"{_shown(source)} is {name}, not {source.name}. Correct the name.")
    if not request.target.host and not is_pure(found[0]):
        raise _no_wheel(source, request, FOR_THIS_MACHINE)
    return found[0]


def _no_wheel(source: SourceRequirement, request: Request, problem: BuildFailed) -> ResolutionFailed:
    if problem.is_native:
        return NoFittingWheel(
            f"{_shown(source)} gives no wheel for {request.target}: {problem.why} "
            "Build a wheel of it on such a machine and name that file instead, "
            f"put it into a Lambda layer, or ship a container image.{said_by(problem)}"
        )
    return SourceUnbuildable(f"{_shown(source)} gives no wheel: {problem.why}{said_by(problem)}")


def _shown(source: SourceRequirement) -> str:
    place = mask(source.portable or source.location)
    return f"{source.where}: {source.name} ({place})" if source.name else f"{source.where}: {place}"


def _extras(source: SourceRequirement) -> str:
    return bracketed(source.extras)
