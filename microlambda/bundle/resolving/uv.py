"""Resolving with uv."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from microlambda.bundle.errors import (
    DependencyConflict,
    PackageNotFound,
    ResolutionFailed,
)
from microlambda.bundle.resolving.resolver import (
    BUILD_TIMEOUT,
    FOR_THIS_MACHINE,
    NEEDS_COMPILER,
    NO_COMPILERS,
    Answer,
    BuildFailed,
    Request,
    Unfit,
    failure,
    requirement_of,
    run,
    tail,
    unreached,
    write_inputs,
    write_one_input,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_QUIET = {"UV_NO_PROGRESS": "1"}

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
#: How uv says that a package has files, but none that may be used here. A version may follow the name.
_NO_WHEEL = re.compile(rf"\b({_NAME})(?:\[[^\]]*\])?(?:[<>=!~]\S*)? (?:has|have) no (?:usable )?wheels\b")
_NO_WHEEL_HINT = re.compile(rf"Wheels are required for `({_NAME})`")
_UNKNOWN = re.compile(
    rf"\b({_NAME}) was not found in the (?:package registry|provided package locations)"
    rf"|there (?:is|are) no versions? of ({_NAME}(?:\[[^\]]*\])?(?:[<>=!~]\S*)?)"
)
_NETWORK = re.compile(
    r"Failed to fetch|error sending request|Request failed after|dns error|Network connectivity is disabled"
    r"|tcp connect error|operation timed out|HTTP status (?:client|server) error",
    re.IGNORECASE,
)
_URL = re.compile(r"[Ff]ailed to fetch:? `?([^\s`]+)")
_CONFLICT = re.compile(r"requirements are unsatisfiable|Requirements contain conflicting")


def find_uv() -> Uv | None:
    """Find uv beside the interpreter that runs us, or on PATH."""
    beside = shutil.which("uv", path=str(Path(sys.executable).parent))
    program = beside or shutil.which("uv")
    if program is None:
        return None
    try:
        said = run([program, "--version"], cwd=Path.cwd())
    except OSError:
        return None
    version = said.stdout.split()
    return (
        Uv(program=program, version=version[1] if len(version) > 1 else "") if said.returncode == 0 else None
    )


@dataclass(frozen=True, kw_only=True)
class Uv:
    """uv, as it is installed."""

    program: str
    version: str
    name: str = "uv"

    def install(self, request: Request, work: Path, into: Path, wheels: Path) -> Answer:
        """Install with `uv pip install --target`, which never looks at what the active environment holds."""
        command = [self.program, "pip", "install", "--target", str(into), "--python", sys.executable]
        command += self._for(request)
        if not request.target.host:
            command += ["--only-binary", ":all:"]
        if request.requirements.is_hashed:
            command.append("--require-hashes")
        command += write_inputs(request, work, wheels)
        said = run(command, cwd=request.root, work=work, environ=_QUIET)
        return Answer() if said.returncode == 0 else self._answer(said.stdout, request)

    def _for(self, request: Request) -> list[str]:
        target = request.target
        if target.host:
            return []
        return ["--python-version", target.python, "--python-platform", self._platform(request)]

    def _platform(self, request: Request) -> str:
        """Choose the newest of uv's platforms that the target can load: not every uv knows all of them."""
        known = _help(self.program)
        target = request.target
        wanted = [f"{target.machine}-{tag.removesuffix('_' + target.machine)}" for tag in target.platforms]
        return next((name for name in wanted if re.search(rf"\b{name}\b", known)), wanted[-1])

    def _answer(self, output: str, request: Request) -> Answer:
        flat = " ".join(output.split())  # uv wraps its sentences
        if _NETWORK.search(flat):
            url = _URL.search(flat)
            return Answer(error=unreached("uv", url[1] if url else "", output, request))
        names = dict.fromkeys([*_matches(_NO_WHEEL, flat), *_matches(_NO_WHEEL_HINT, flat)])
        if names:
            return Answer(unfit=tuple(_unfit(name, request, output) for name in names))
        return Answer(error=_error(flat, output))

    def build(self, unfit: Unfit, request: Request, work: Path, wheels: Path) -> BuildFailed | None:
        """Let uv build and install the one package, and pack what it installed into a wheel again.

        uv has no command that builds a wheel of a package from an index. Its own cache is left out: a wheel
        built without a compiler is not to be found by others.
        """
        pinned = self._pin(unfit, request, work)
        unpacked = work / f"built-{unfit.name}"
        command = [self.program, "pip", "install", "--target", str(unpacked), "--python", sys.executable]
        command += [*self._for(request), "--no-deps", "--no-cache"]
        command += write_one_input(pinned, request, work)
        try:
            environ = {**_QUIET, **NO_COMPILERS}
            said = run(command, cwd=request.root, work=work, environ=environ, timeout=BUILD_TIMEOUT)
        except subprocess.TimeoutExpired:
            return BuildFailed(why=f"Building its source took more than {BUILD_TIMEOUT} s.")
        if said.returncode != 0:
            return _build_problem(said.stdout)
        for distribution in distributions(path=[str(unpacked)]):
            _pack(distribution, wheels)
        return None

    def _pin(self, unfit: Unfit, request: Request, work: Path) -> str:
        """Ask for the version that fits the other requirements: a resolution in which sources are allowed."""
        command = [self.program, "pip", "compile", "--python", sys.executable, *self._for(request)]
        listed, *limits = write_inputs(request, work)[1::2]
        command += ["--no-header", "--no-annotate", listed]
        for path in limits:
            command += ["-c", path]
        said = run(command, cwd=request.root, work=work, environ={**_QUIET, **NO_COMPILERS})
        for line in said.stdout.splitlines():
            name, equals, version = line.partition("==")
            if equals and canonicalize_name(name.partition("[")[0]) == canonicalize_name(unfit.name):
                return f"{unfit.name}=={version.split()[0].rstrip(chr(92)).strip()}"
        return requirement_of(unfit.name, request)


@cache
def _help(program: str) -> str:
    return run([program, "pip", "install", "--help"], cwd=Path.cwd()).stdout


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    for match in pattern.finditer(text):
        yield str(canonicalize_name(match[1]))


def _unfit(name: str, request: Request, output: str) -> Unfit:
    hints = [
        " ".join(paragraph.removeprefix("hint:").split())
        for paragraph in re.split(r"\n\s*\n", output)
        if paragraph.startswith("hint:")
        and f"`{name}`" in paragraph
        and "Wheels are required" not in paragraph
    ]
    return Unfit(
        name=name, requirement=requirement_of(name, request), hint=_sentence(hints[0] if hints else "")
    )


def _sentence(text: str) -> str:
    return text.replace("`", "") + "." if text and not text.endswith(".") else text.replace("`", "")


def _error(flat: str, output: str) -> ResolutionFailed:
    if unknown := _UNKNOWN.search(flat):
        name = unknown[1] or unknown[2]
        return failure(PackageNotFound, "uv", output, f"the package index has no {name}.")
    if _CONFLICT.search(flat):
        because = flat.partition("Because ")[2].partition(", we can conclude that your requirements")[0]
        because = because.partition(" hint:")[0]
        return failure(DependencyConflict, "uv", output, f"the dependencies exclude each other: {because}.")
    return failure(ResolutionFailed, "uv", output)


def _build_problem(output: str) -> BuildFailed:
    flat = " ".join(output.split())
    if _NETWORK.search(flat):
        return BuildFailed(why="What its source needs to be built could not be fetched.")
    if "The built wheel" in flat and "not compatible" in flat:
        return BuildFailed(why=FOR_THIS_MACHINE)
    if _NO_WHEEL.search(flat):
        return BuildFailed(why="It has no source that could be built either.")
    if NEEDS_COMPILER.search(flat):
        return BuildFailed(why="Its source needs a compiler.")
    return BuildFailed(why="Its source does not build.", log=tail(output))


def _pack(distribution: Distribution, wheels: Path) -> None:
    """Write a wheel of an installed distribution: its files, under the name that its tags give."""
    tags = [
        line.partition(":")[2].strip()
        for line in (distribution.read_text("WHEEL") or "").splitlines()
        if line.startswith("Tag:")
    ]
    name = canonicalize_name(distribution.name).replace("-", "_")
    wheel = wheels / f"{name}-{distribution.version}-{_compressed(tags)}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in distribution.files or ():
            path = Path(str(file.locate()))
            if path.is_file() and file.parts[0] not in {"..", "bin"} and file.name != "RECORD":
                archive.write(path, file.as_posix())
        # Not every uv lists the RECORD in itself.
        archive.writestr(
            f"{name}-{distribution.version}.dist-info/RECORD", distribution.read_text("RECORD") or ""
        )


def _compressed(tags: Iterable[str]) -> str:
    """Join tags as wheel names do: py2-none-any and py3-none-any are py2.py3-none-any."""
    columns = zip(*(tag.split("-") for tag in tags), strict=True)
    return "-".join(".".join(dict.fromkeys(column)) for column in columns)
