"""The files that resolvers read their requirements from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from microlambda.bundle.resolving.request import Request


def write_inputs(request: Request, work: Path, wheels: Path | None = None) -> list[str]:
    """Write the requirements down for a resolver; gives the arguments that name the files.

    Wheels that were built stand among the requirements: as an argument they would replace what the
    user's environment says of find-links.
    """
    built = [f"--find-links {wheels.as_uri()}"] if wheels is not None and any(wheels.iterdir()) else []
    arguments = ["-r", _write(work / "requirements.txt", (*built, *request.requirements.lines))]
    if request.requirements.constraints:
        arguments += ["-c", _write(work / "constraints.txt", request.requirements.constraints)]
    return arguments


def write_apart(wanted: Iterable[str], request: Request, work: Path) -> list[str]:
    """Write some requirements down, with the options (indexes, ...) of the project's requirement files."""
    options = [line for line in request.requirements.lines if line.startswith("-")]
    return ["-r", _write(work / "apart.txt", (*options, *wanted))]


def _write(path: Path, lines: Iterable[str]) -> str:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)
