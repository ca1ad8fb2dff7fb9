"""Resolving requirements for a target, with whichever resolver there is.

Only wheels are taken. Folders and repositories are built into wheels first. A dependency that publishes no
wheel that fits is built from its source where that is possible.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from microlambda.bundle.errors import DownloadDamaged
from microlambda.bundle.inputs.names import bracketed
from microlambda.bundle.interruption import beside
from microlambda.bundle.resolving.building import check_built, wheel_line, wheel_name, wheel_of
from microlambda.bundle.resolving.failures import failure, no_fitting_wheel
from microlambda.bundle.resolving.installed import find_damaged
from microlambda.bundle.resolving.newest import passed_over_notes
from microlambda.bundle.resolving.request import Request, Resolver
from microlambda.bundle.resolving.sources import with_built

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from microlambda.bundle.resolving.request import Unfit

__all__ = ["Request", "Resolver", "resolved"]


@contextmanager
def resolved(
    request: Request, resolver: Resolver, into: Path, *, begin: Callable[[], None] = lambda: None
) -> Iterator[Future[tuple[str, ...]]]:
    """Install the requirements for the target into an empty folder, or say which of them cannot be had.

    Notes are found meanwhile: which newer versions were passed over, for they have no wheel that fits.
    `begin` is called when something is installed, before it is looked at, and again if that was damaged.
    """
    # Beside what is installed: what a killed run leaves is swept with that.
    folder = into.parent
    with tempfile.TemporaryDirectory(prefix="resolving-", dir=folder, ignore_cleanup_errors=True) as name:
        work = Path(name)
        request = with_built(request, resolver, work)
        wheels = work / "wheels"
        wheels.mkdir()
        request = _install(request, resolver, work, into, wheels)
        begin()
        if find_damaged(into):
            # A cache keeps what it once took for whole.
            _empty(into)
            request = _install(request, resolver, work, into, wheels, afresh=True)
            begin()
            _refuse_damaged(into, resolver)
        with beside(passed_over_notes(request, resolver, work, into)) as notes:
            yield notes


def _install(
    request: Request, resolver: Resolver, work: Path, into: Path, wheels: Path, *, afresh: bool = False
) -> Request:
    """Install, building what has no wheel; gives the request that could be installed at last."""
    tried: set[str] = set()
    while True:
        answer = resolver.install(request, work, into, wheels, afresh=afresh)
        if answer.error is not None:
            raise answer.error
        if not answer.unfit:
            return request
        for one in answer.unfit:
            if one.name in tried:
                raise no_fitting_wheel(one, request)
            tried.add(one.name)
            request = _build(one, request, resolver, work, wheels)


def _build(unfit: Unfit, request: Request, resolver: Resolver, work: Path, wheels: Path) -> Request:
    """Build a package of the index; where hashes are given, its wheel takes the place of its line."""
    line = _hashed_line(unfit.name, request)
    pinned = line or resolver.pin(unfit, request, work)
    problem = resolver.build(pinned, request, work, wheels, name=unfit.name)
    problem = problem or check_built(unfit.name, wheels)
    if problem is not None:
        raise no_fitting_wheel(unfit, request, problem)
    return _with_wheel(line, unfit.name, request, wheels) if line else request


def _hashed_line(name: str, request: Request) -> str | None:
    """Find the line that names a package with the hashes of its files, that of its source among them."""
    for line in request.requirements.lines:
        requirement, dashes, _hashes = line.partition(" --hash=")
        if dashes and _name(requirement) == name:
            return line
    return None


def _name(text: str) -> str | None:
    try:
        return canonicalize_name(Requirement(text).name)
    except InvalidRequirement:
        return None


def _with_wheel(line: str, name: str, request: Request, wheels: Path) -> Request:
    asked = Requirement(line.partition(" --hash=")[0])
    extras = bracketed(sorted(asked.extras))
    built = wheel_line(wheel_of(name, wheels), extras=extras, marker=str(asked.marker or ""), is_hashed=True)
    lines = tuple(built if one == line else one for one in request.requirements.lines)
    return replace(request, requirements=replace(request.requirements, lines=lines))


def _empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def _refuse_damaged(into: Path, resolver: Resolver) -> None:
    for distribution, file in find_damaged(into):
        fact = f"{wheel_name(distribution)} is damaged: {file} in it is not what its RECORD says."
        raise failure(DownloadDamaged, resolver.name, "", fact)
