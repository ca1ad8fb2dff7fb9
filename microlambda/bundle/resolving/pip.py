"""Resolving with pip, where there is no uv.

pip takes one `--platform` for each tag and then wheels alone. It judges markers for the interpreter that runs
it, not for the target, so it is started through `pip_child.py`, which mends that. Its console output is
terse; why a wheel was passed over stands in its log.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from microlambda.bundle.resolving.building import NEEDS_COMPILER, TOO_SLOW, run_build, wants_compiler
from microlambda.bundle.resolving.failures import why_unreached
from microlambda.bundle.resolving.pip_answers import read_answer, unreached_address
from microlambda.bundle.resolving.pip_log import skipped_versions
from microlambda.bundle.resolving.request import Answer, BuildFailed, Request, Unfit
from microlambda.bundle.resolving.running import run, tail
from microlambda.bundle.resolving.written import write_apart, write_inputs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packaging.specifiers import SpecifierSet

    from microlambda.bundle.target import Target

_CHILD = Path(__file__).with_name("pip_child.py")

#: What a user's configuration may hold and that contradicts an installation into a folder.
_QUIET = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "PIP_REQUIRE_VIRTUALENV": "0",
    "PIP_USER": "0",
}

#: Tags below those of the target, as uv takes them too; pip derives manylinux2010 and manylinux1 from
#: manylinux2014 by itself. On arm64 the oldest glibc that a tag may name is 2.17 (PEP 599).
_OLDER = {"x86_64": ("manylinux2014", "manylinux_2_12", "manylinux_2_5", "linux")}
_OLDER_ELSEWHERE = ("manylinux2014", "linux")


def find_pip() -> Pip | None:
    """Find the pip of the interpreter that runs us."""
    if find_spec("pip") is None:
        return None
    from importlib.metadata import PackageNotFoundError, version

    try:
        return Pip(version=version("pip"))
    except PackageNotFoundError:
        return None


@dataclass(frozen=True, kw_only=True)
class Pip:
    """pip, as it is installed beside us."""

    version: str
    name: str = "pip"

    def install(
        self, request: Request, work: Path, into: Path, wheels: Path, *, afresh: bool = False
    ) -> Answer:
        """Install with `pip install --target`, which never looks at what the active environment holds."""
        log = _log(work)
        log.unlink(missing_ok=True)
        command = _pip(request.target, work, "install", "--target", str(into), "--no-compile")
        command += [*_platforms(request.target), "--log", str(log)]
        if request.requirements.is_locked:
            command.append("--no-deps")
        if afresh:
            command.append("--no-cache-dir")
        said = run(
            [*command, *write_inputs(request, work, wheels)], cwd=request.root, work=work, environ=_QUIET
        )
        return Answer() if said.returncode == 0 else read_answer(said.stdout, _read(log), request)

    def unpacked(self, request: Request) -> None:
        """None: pip unpacks the wheels when it has all of them."""

    def build(
        self, line: str, request: Request, work: Path, wheels: Path, *, name: str | None = None
    ) -> BuildFailed | None:
        """Build with `pip wheel`, from the source and not from a wheel made for this machine.

        The Python that it asks for is the target's, and judged when it is installed.
        """
        command = [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--no-deps",
            "--no-cache-dir",
            "--wheel-dir",
            str(wheels),
        ]
        command += ["--no-binary", name] if name is not None else ["--ignore-requires-python"]
        command += write_apart([line], request, work)
        try:
            failed = run_build(command, request, work, _QUIET)
        except subprocess.TimeoutExpired:
            return TOO_SLOW
        return None if failed is None else _build_problem(failed)

    def pin(self, unfit: Unfit, request: Request, work: Path) -> str:  # noqa: ARG002  # of the protocol
        """Give what it was asked for as: pip looks for the version once more."""
        return unfit.requirement

    def passed_over(
        self,
        request: Request,
        work: Path,
        taken: Mapping[str, str],
        allowed: Mapping[str, SpecifierSet],  # noqa: ARG002  # of the protocol
    ) -> dict[str, list[str]]:
        """Read in the log of the installation which versions have wheels, and none that fits."""
        return skipped_versions(_read(_log(work)), taken, request.target)


def _pip(target: Target, work: Path, *arguments: str) -> list[str]:
    markers = work / "markers.json"
    markers.write_text(json.dumps({} if target.host else target.markers), encoding="utf-8")
    # -P: what lies beside the child, this module too, is not what it means by pip.
    return [sys.executable, "-P", str(_CHILD), str(markers), *arguments]


def _platforms(target: Target) -> list[str]:
    if target.host:
        return []
    older = _OLDER.get(target.machine, _OLDER_ELSEWHERE)
    tags = [*target.platforms, *(f"{tag}_{target.machine}" for tag in older)]
    platforms = [argument for tag in tags for argument in ("--platform", tag)]
    return [*platforms, "--python-version", target.python, "--implementation", "cp", "--only-binary", ":all:"]


def _log(work: Path) -> Path:
    return work / "pip.log"


def _read(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""


def _build_problem(output: str) -> BuildFailed:
    if unreached_address(output, ""):
        why = f"It, or what its build needs, could not be fetched{why_unreached(output)}."
        return BuildFailed(why=why)
    if "No matching distribution found" in output:
        return BuildFailed(why="It has no source that could be built either.")
    if wants_compiler(output):
        return NEEDS_COMPILER
    return BuildFailed(why="Its source does not build.", log=tail(output))
