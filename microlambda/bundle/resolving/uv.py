"""Resolving with uv."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from microlambda.bundle.distributions import distributions_in
from microlambda.bundle.resolving.building import (
    FOR_THIS_MACHINE,
    NEEDS_COMPILER,
    TOO_SLOW,
    pack,
    run_build,
    wants_compiler,
)
from microlambda.bundle.resolving.failures import why_unreached
from microlambda.bundle.resolving.names import uv_program
from microlambda.bundle.resolving.request import Answer, BuildFailed, Request, Unfit
from microlambda.bundle.resolving.running import run, tail
from microlambda.bundle.resolving.uv_answers import NETWORK, NO_WHEEL, read_answer
from microlambda.bundle.resolving.written import write_apart, write_inputs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from packaging.specifiers import SpecifierSet

_QUIET = {"UV_NO_PROGRESS": "1"}

#: How uv says that it would have to ask an index, and may not.
_NOT_CACHED = re.compile(r"network (?:was|is|connectivity is) disabled", re.IGNORECASE)

#: A note is not worth a longer wait.
_NOTE_TIMEOUT = 20  # s


def find_uv() -> Uv | None:
    """Find uv beside the interpreter that runs us, or on PATH."""
    program = uv_program()
    if program is None:
        return None
    with ThreadPoolExecutor(1) as pool:
        pool.submit(_help, program)  # asked for next, by every installation
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

    def install(
        self, request: Request, work: Path, into: Path, wheels: Path, *, afresh: bool = False
    ) -> Answer:
        """Install with `uv pip install --target`, which never looks at what the active environment holds."""
        command = [*self._install(into), *self._for(request), *_options(request)]
        if not request.target.host:
            command += ["--only-binary", ":all:"]
        if request.requirements.is_hashed:
            command.append("--require-hashes")
        if afresh:
            command.append("--refresh")
        command += write_inputs(request, work, wheels)
        said = run(command, cwd=request.root, work=work, environ=_QUIET)
        return Answer() if said.returncode == 0 else read_answer(said.stdout, request)

    def unpacked(self, request: Request) -> Path | None:
        """Find the part of uv's cache where it unpacks wheels; another version may have it elsewhere."""
        said = run([self.program, "cache", "dir"], cwd=request.root, apart=True)
        return Path(said.stdout.strip(), "archive-v0") if said.returncode == 0 else None

    def _install(self, into: Path) -> list[str]:
        return [self.program, "pip", "install", "--target", str(into), "--python", sys.executable]

    def _compile(self) -> list[str]:
        command = [self.program, "pip", "compile", "--python", sys.executable]
        return [*command, "--no-header", "--no-annotate"]

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

    def build(
        self, line: str, request: Request, work: Path, wheels: Path, *, name: str | None = None
    ) -> BuildFailed | None:
        """Let uv build and install the one package, and pack what it installed into a wheel again.

        uv has no command that builds a wheel of a package from an index. Its own cache is left out: a wheel
        built without a compiler is not to be found by others.
        """
        unpacked = Path(tempfile.mkdtemp(prefix="built-", dir=work))
        command = [*self._install(unpacked), *self._for(request), "--no-deps", "--no-cache"]
        if name is None:  # a source's [tool.uv.sources] may point out of the copy that is built
            command.append("--no-sources")
        command += write_apart([line], request, work)
        try:
            failed = run_build(command, request, work, _QUIET)
        except subprocess.TimeoutExpired:
            return TOO_SLOW
        if failed is not None:
            return _build_problem(failed)
        for distribution in distributions_in(unpacked):
            pack(distribution, wheels)
        return None

    def pin(self, unfit: Unfit, request: Request, work: Path) -> str:
        """Ask for the version that fits the other requirements: a resolution in which sources are allowed."""
        command = [*self._compile(), *self._for(request), *_options(request)]
        environ = {**_QUIET, "CC": "false", "CXX": "false"}
        said = run(
            [*command, *_as_arguments(write_inputs(request, work))],
            cwd=request.root,
            work=work,
            environ=environ,
        )
        version = _pins(said.stdout).get(unfit.name)
        return f"{unfit.name}=={version}" if version else request.requirement_of(unfit.name)

    def passed_over(
        self, request: Request, work: Path, taken: Mapping[str, str], allowed: Mapping[str, SpecifierSet]
    ) -> dict[str, list[str]]:
        """Ask what the newest C library that uv knows would get, and whether that has a wheel here."""
        platform = _newest_platform(self.program, request.target.machine)
        wanted = [f"{name}{allowed[name]}" for name in taken]
        target = ["--python-version", request.target.python, "--python-platform", platform]
        said = self._asked_apart(wanted, target, request, work)
        pins = _pins(said.stdout) if said is not None else {}
        other = {name: pins[name] for name, version in taken.items() if pins.get(name, version) != version}
        return {
            name: [version]
            for name, version in other.items()
            if not self._has_wheel(name, version, request, work)
        }

    def _has_wheel(self, name: str, version: str, request: Request, work: Path) -> bool:
        """Tell whether a version has a wheel for the target; what it needs in turn may be what has none."""
        said = self._asked_apart([f"{name}=={version}"], self._for(request), request, work)
        return said is None or said.returncode == 0

    def _asked_apart(
        self, wanted: Sequence[str], target: Sequence[str], request: Request, work: Path
    ) -> subprocess.CompletedProcess[str] | None:
        """Choose versions without a look at what they need; from uv's cache where it has enough.

        The installation has just asked the index for the same. None where there is no answer in time.
        """
        command = [*self._compile(), *target, "--no-deps", "--only-binary", ":all:"]
        command += _as_arguments(write_apart(wanted, request, work))
        ask = partial(run, cwd=request.root, work=work, environ=_QUIET, timeout=_NOTE_TIMEOUT)
        try:
            said = ask([*command, "--offline"])
            is_answered = said.returncode == 0 or not _NOT_CACHED.search(said.stdout)
            return said if is_answered else ask(command)
        except subprocess.TimeoutExpired:
            return None


def _options(request: Request) -> list[str]:
    return ["--no-deps"] if request.requirements.is_locked else []


def _as_arguments(inputs: list[str]) -> list[str]:
    """Name the files of an installation as `uv pip compile` takes them."""
    return [argument for argument in inputs if argument != "-r"]


def _pins(output: str) -> dict[str, str]:
    """Read the versions out of what `uv pip compile` writes: name[extra]==1.0 ; marker."""
    pins = {}
    for line in output.splitlines():
        name, equals, version = line.partition("==")
        if equals and re.fullmatch(r"[A-Za-z0-9._-]+(\[[^\]]*\])?", name):
            pins[str(canonicalize_name(name.partition("[")[0]))] = version.split()[0]
    return pins


@cache
def _help(program: str) -> str:
    return run([program, "pip", "install", "--help"], cwd=Path.cwd()).stdout


def _newest_platform(program: str, machine: str) -> str:
    minors = re.findall(rf"\b{machine}-manylinux_2_(\d+)\b", _help(program))
    return f"{machine}-manylinux_2_{max(map(int, minors), default=17)}"


def _build_problem(output: str) -> BuildFailed:
    flat = " ".join(output.split())
    if NETWORK.search(flat):
        why = f"It, or what its build needs, could not be fetched{why_unreached(output)}."
        return BuildFailed(why=why)
    if "The built wheel" in flat and "not compatible" in flat:
        return FOR_THIS_MACHINE
    if NO_WHEEL.search(flat):
        return BuildFailed(why="It has no source that could be built either.")
    if wants_compiler(flat):
        return NEEDS_COMPILER
    return BuildFailed(why="Its source does not build.", log=tail(output))
