"""Resolving requirements for a target, with whichever resolver there is.

Only wheels are taken. A dependency that publishes no wheel that fits is built from its source where that is
possible: a wheel that comes out as `none-any` runs anywhere; anything else was made for this machine and is
refused. Sources are built with the compilers switched off, for what needs one cannot become such a wheel.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from microlambda.bundle.errors import (
    DependencyConflict,
    IndexUnreachable,
    NoFittingWheel,
    PackageNotFound,
    ResolutionFailed,
    WheelUnreachable,
)
from microlambda.bundle.inputs.requirement_lines import mask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microlambda.bundle.inputs.requirements import Requirements
    from microlambda.bundle.target import Target

#: Lines of the resolver's output that an error repeats where it is not understood.
_TAIL = 12

#: A build without a compiler that takes longer than this is not a pure package.
BUILD_TIMEOUT = 300  # s

#: What ends a build at its first C, Fortran or Rust file: `false` does nothing and fails.
NO_COMPILERS = dict.fromkeys(("CC", "CXX", "FC", "F77", "F90", "RUSTC", "LD"), "false")

#: What a build says that wanted one.
NEEDS_COMPILER = re.compile(r"\bfalse\b.*(?:non-zero|failed|exit)|\bcompiler", re.IGNORECASE)

#: Why an address gave nothing, in the words of pip and of uv: an HTTP status, or what the system says.
_STATUS = re.compile(r"HTTP (?:error|status \w+ error) \(?([45]\d\d)")
_REASON = re.compile(r"\[Errno -?\d+\] ([^'\")\n]+)|([A-Z][a-z ]+) \(os error \d+\)")

FOR_THIS_MACHINE = "Its source builds only for the machine that it is built on."


@dataclass(frozen=True, kw_only=True)
class Request:
    """Requirements and what they are resolved for; in `root` resolvers look for the user's configuration."""

    requirements: Requirements
    target: Target
    root: Path


@dataclass(frozen=True, kw_only=True)
class Unfit:
    """A package without a wheel for the target: how it was asked for, and what is known of its wheels."""

    name: str
    requirement: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How a resolver's run ended: `unfit` where wheels are lacking, `error` where anything else is wrong."""

    unfit: tuple[Unfit, ...] = ()
    error: ResolutionFailed | None = None


@dataclass(frozen=True, kw_only=True)
class BuildFailed:
    """Why no wheel came of a source, in one sentence; `log` is what the build said, where that tells more."""

    why: str
    log: str = ""


class Resolver(Protocol):
    """A program that resolves and installs."""

    @property
    def name(self) -> str:
        """Name the program."""

    @property
    def version(self) -> str:
        """Name its version."""

    def install(self, request: Request, work: Path, into: Path, wheels: Path) -> Answer:
        """Install the request into a folder, taking wheels alone; `wheels` holds those built meanwhile."""

    def build(self, unfit: Unfit, request: Request, work: Path, wheels: Path) -> BuildFailed | None:
        """Build the source of a package into a wheel under `wheels`; answer what went wrong, or None."""


def resolve(request: Request, resolver: Resolver, into: Path) -> None:
    """Install the requirements for the target into an empty folder, or say which of them cannot be had."""
    with tempfile.TemporaryDirectory(prefix="microlambda-resolve-", ignore_cleanup_errors=True) as name:
        work = Path(name)
        wheels = work / "wheels"
        wheels.mkdir()
        tried: set[str] = set()
        while True:
            answer = resolver.install(request, work, into, wheels)
            if answer.error is not None:
                raise answer.error
            if not answer.unfit:
                return
            _build_all(answer.unfit, request, resolver, work, wheels, tried)


def _build_all(
    unfit: Sequence[Unfit], request: Request, resolver: Resolver, work: Path, wheels: Path, tried: set[str]
) -> None:
    for one in unfit:
        if one.name in tried:
            raise no_fitting_wheel(one, request)
        if request.requirements.is_hashed:
            why = "Hashes are given, so nothing is built from source."
            raise no_fitting_wheel(one, request, BuildFailed(why=why))
        tried.add(one.name)
        problem = resolver.build(one, request, work, wheels)
        if problem is None and (impure := _impure(one.name, wheels)):
            problem = BuildFailed(why=impure)
        if problem is not None:
            raise no_fitting_wheel(one, request, problem)


def _impure(name: str, wheels: Path) -> str | None:
    """Look at the wheel that was built; remove it and say why if it runs on this machine alone."""
    for wheel in wheels.glob("*.whl"):
        try:
            built, _version, _build, tags = parse_wheel_filename(wheel.name)
        except InvalidWheelFilename:
            return "Its source builds a wheel without a proper name."
        if built == canonicalize_name(name):
            if all(tag.platform == "any" and tag.abi == "none" for tag in tags):
                return None
            wheel.unlink()
            return FOR_THIS_MACHINE
    return "Its source builds no wheel of that name."


def no_fitting_wheel(unfit: Unfit, request: Request, problem: BuildFailed | None = None) -> NoFittingWheel:
    """Name the dependency, what it lacks and what to do; a build's log comes last."""
    details = " ".join(part for part in (unfit.hint, problem.why if problem else "") if part)
    log = f"\nThe build said:\n{problem.log}" if problem and problem.log else ""
    return NoFittingWheel(
        f"{unfit.requirement} has no wheel for {request.target}{f': {mask(details)}' if details else '.'} "
        "Pin a version that has one, change python or architecture in the settings, "
        f"put it into a Lambda layer, or ship a container image.{mask(log)}"
    )


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    work: Path | None = None,
    environ: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a resolver and keep what it says, both streams in one; its questions find no terminal.

    What it makes for the time being, it makes in `work`. Whatever ends the wait ends it with all that it
    started, builds among them, so that nothing writes there any longer.
    """
    with subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", **_temporary(work), **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=timeout)
        except BaseException:  # Ctrl-C, SIGTERM, and the time that is over
            _kill(process)
            raise
    return subprocess.CompletedProcess(command, process.returncode, said)


def _temporary(work: Path | None) -> dict[str, str]:
    """Point a program to a folder of ours for its temporary files; empty where there is none."""
    if work is None:
        return {}
    folder = work / "tmp"
    folder.mkdir(exist_ok=True)
    return dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))


def _kill(process: subprocess.Popen[str]) -> None:
    """Kill a process and its descendants, which are a group of their own where the system has groups."""
    if sys.platform == "win32":
        process.kill()
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def write_inputs(request: Request, work: Path, wheels: Path | None = None) -> list[str]:
    """Write the requirements down for a resolver; gives the arguments that name the files.

    Wheels that were built stand among the requirements: as an argument they would replace what the
    user's environment says of find-links.
    """
    built = [f"--find-links {wheels.as_uri()}"] if wheels is not None and any(wheels.iterdir()) else []
    listed = work / "requirements.txt"
    lines = (*built, *request.requirements.lines)
    listed.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    arguments = ["-r", str(listed)]
    if request.requirements.constraints:
        limits = work / "constraints.txt"
        limits.write_text("".join(f"{line}\n" for line in request.requirements.constraints), encoding="utf-8")
        arguments += ["-c", str(limits)]
    return arguments


def write_one_input(requirement: str, request: Request, work: Path) -> list[str]:
    """Write one requirement down, with the options (indexes, ...) of the project's requirement files."""
    options = [line for line in request.requirements.lines if line.startswith("-")]
    listed = work / "one-requirement.txt"
    listed.write_text("".join(f"{line}\n" for line in (*options, requirement)), encoding="utf-8")
    return ["-r", str(listed)]


def failure(kind: type[ResolutionFailed], resolver: str, output: str, fact: str = "") -> ResolutionFailed:
    """Make the error of a failed run: the fact, or the tail of what the resolver said; no credentials."""
    remedies = {
        PackageNotFound: "Check its spelling and the index that it is published on.",
        DependencyConflict: "Loosen or pin one of them.",
        IndexUnreachable: "Check the connection, the proxy and the index's address, then run it again.",
        WheelUnreachable: "Check the address, the connection and the proxy, then run it again.",
    }
    text = fact or f"{resolver} could not resolve the dependencies. It says:\n{tail(output)}"
    remedy = remedies.get(kind, "")
    return kind(mask(f"{text}{' ' + remedy if remedy and fact else ''}"))


def unreached(resolver: str, url: str, output: str, request: Request) -> ResolutionFailed:
    """Make the error of an address that gave nothing: that of a wheel which is named, or the index's."""
    asked = (*request.requirements.direct, *request.requirements.constrained)
    named = next((one for one in asked if one.url and _place(one.url) == _place(url)), None)
    if named is None:
        fact = f"{resolver} could not reach the package index{f': {url}' if url else ''}."
        return failure(IndexUnreachable, resolver, output, fact)
    fact = f"the wheel of {named.name} could not be had from {named.url}{_why(output)}."
    return failure(WheelUnreachable, resolver, output, fact)


def _place(url: str) -> tuple[str | None, str]:
    parts = urlsplit(url)
    return parts.hostname, parts.path


def _why(output: str) -> str:
    if status := _STATUS.search(output):
        return f": it answered {status[1]}"
    reasons = [first or second for first, second in _REASON.findall(output)]
    return f": {reasons[-1].strip()}" if reasons else ""


def tail(output: str) -> str:
    """Keep the last lines of an output, indented."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    return "\n".join(f"    {line}" for line in lines[-_TAIL:])


def requirement_of(name: str, request: Request) -> str:
    """Give what the project asks for of this package, or its name where only another package needs it."""
    for requirement in request.requirements.direct:
        if canonicalize_name(requirement.name) == canonicalize_name(name):
            return f"{requirement.name}{requirement.specifier}"
    return name
