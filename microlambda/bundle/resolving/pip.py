"""Resolving with pip, where there is no uv.

pip takes one `--platform` for each tag and then wheels alone. It judges markers for the interpreter that runs
it, not for the target, so it is started through `pip_child.py`, which mends that. Its console output is
terse; why a wheel was passed over stands in its log.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from microlambda.bundle.errors import (
    DependencyConflict,
    PackageNotFound,
    ResolutionFailed,
)
from microlambda.bundle.resolving.resolver import (
    BUILD_TIMEOUT,
    NEEDS_COMPILER,
    NO_COMPILERS,
    Answer,
    BuildFailed,
    Request,
    Unfit,
    failure,
    run,
    tail,
    unreached,
    write_inputs,
    write_one_input,
)

if TYPE_CHECKING:
    from microlambda.bundle.target import Target

_CHILD = Path(__file__).with_name("pip_child.py")

#: What a user's configuration may hold and that contradicts an installation into a folder.
_QUIET = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "PIP_REQUIRE_VIRTUALENV": "0",
    "PIP_USER": "0",
}

#: Tags older than those named after a glibc; pip derives manylinux2010 and manylinux1 from manylinux2014 by
#: itself.
_OLDER = ("manylinux2014", "manylinux_2_12", "manylinux_2_5")

_NOT_FOUND = re.compile(r"No matching distribution found for (.+?)(?: \(from [^)]*\))?$", re.MULTILINE)
_VERSIONS = re.compile(
    r"satisfies the requirement (.+?)(?: \(from (?!versions)[^)]*\))? \(from versions: (.*)\)"
)
_UNREACHED = re.compile(r"Could not fetch URL (\S+): connection error")
#: How it says that a file could not be had; before pip 26 with the parts of its address, if no answer came.
_NO_FILE = re.compile(
    r"(?:HTTP error \d+ while getting|Failed to connect to .{1,300}? while fetching|Unable to fetch) (\S+)"
)
_NO_ANSWER = re.compile(
    r"(?:an OSError|ReadTimeoutError): (HTTPS?)ConnectionPool\(host='([^']+)', port=(\d+)\):"
    r"(?: Max retries exceeded with url: (\S+))?"
)
_CONFLICT = re.compile(
    r"because these package versions have conflicting dependencies|ResolutionImpossible: for help"
)
_BECAUSE = re.compile(r"The conflict is caused by:\n((?:\s{4}\S.*\n?)+)")


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

    def install(self, request: Request, work: Path, into: Path, wheels: Path) -> Answer:
        """Install with `pip install --target`, which never looks at what the active environment holds."""
        log = work / "pip.log"
        log.unlink(missing_ok=True)
        command = _pip(request.target, work, "install", "--target", str(into), "--no-compile")
        command += [*_platforms(request.target), "--log", str(log)]
        said = run(
            [*command, *write_inputs(request, work, wheels)], cwd=request.root, work=work, environ=_QUIET
        )
        if said.returncode == 0:
            return Answer()
        logged = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
        return _answer(said.stdout, logged, request)

    def build(self, unfit: Unfit, request: Request, work: Path, wheels: Path) -> BuildFailed | None:
        """Build with `pip wheel`, from the source and not from a wheel made for this machine."""
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-cache-dir"]
        command += ["--no-binary", unfit.name, "--wheel-dir", str(wheels)]
        command += write_one_input(unfit.requirement, request, work)
        try:
            environ = {**_QUIET, **NO_COMPILERS}
            said = run(command, cwd=request.root, work=work, environ=environ, timeout=BUILD_TIMEOUT)
        except subprocess.TimeoutExpired:
            return BuildFailed(why=f"Building its source took more than {BUILD_TIMEOUT} s.")
        if said.returncode == 0:
            return None
        if "No matching distribution found" in said.stdout:
            return BuildFailed(why="It has no source that could be built either.")
        if NEEDS_COMPILER.search(said.stdout):
            return BuildFailed(why="Its source needs a compiler.")
        return BuildFailed(why="Its source does not build.", log=tail(said.stdout))


def _pip(target: Target, work: Path, *arguments: str) -> list[str]:
    markers = work / "markers.json"
    markers.write_text(json.dumps({} if target.host else target.markers), encoding="utf-8")
    # -P: what lies beside the child, this module too, is not what it means by pip.
    return [sys.executable, "-P", str(_CHILD), str(markers), *arguments]


def _platforms(target: Target) -> list[str]:
    if target.host:
        return []
    tags = [*target.platforms, *(f"{tag}_{target.machine}" for tag in _OLDER)]
    platforms = [argument for tag in tags for argument in ("--platform", tag)]
    return [*platforms, "--python-version", target.python, "--implementation", "cp", "--only-binary", ":all:"]


def _answer(output: str, logged: str, request: Request) -> Answer:
    if url := _unreached(output, logged):
        return Answer(error=unreached("pip", url, output, request))
    if not_found := _NOT_FOUND.search(output):
        return _not_found(not_found[1].strip(), output, logged, request)
    if _CONFLICT.search(output):
        because = _BECAUSE.search(output)
        detail = (
            "; ".join(line.strip() for line in because[1].splitlines() if line.strip()) if because else ""
        )
        fact = f"the dependencies exclude each other{': ' + detail if detail else ''}."
        return Answer(error=failure(DependencyConflict, "pip", output, fact))
    return Answer(error=failure(ResolutionFailed, "pip", output))


def _unreached(output: str, logged: str) -> str | None:
    """Give the address that gave nothing, if there is one."""
    if page := _UNREACHED.search(logged):
        return page[1]
    flat = " ".join(output.split())
    if file := _NO_FILE.search(flat):
        return file[1]
    if silent := _NO_ANSWER.search(flat):
        scheme, host, port, path = silent.groups()
        return f"{scheme.lower()}://{host}:{port}{path or ''}"
    return None


def _not_found(asked: str, output: str, logged: str, request: Request) -> Answer:
    try:
        requirement = Requirement(asked)
    except InvalidRequirement:
        return Answer(error=failure(ResolutionFailed, "pip", output))
    name = canonicalize_name(requirement.name)
    if _contradicted(name, request):
        asked_for = ", ".join(_asked_for(name, request))
        fact = f"the dependencies exclude each other: {asked_for}."
        return Answer(error=failure(DependencyConflict, "pip", output, fact))
    passed_over = _passed_over(requirement, logged)
    if not passed_over:
        return Answer(error=failure(PackageNotFound, "pip", output, f"the package index has no {asked}."))
    return Answer(unfit=(Unfit(name=name, requirement=asked, hint=_hint(output)),))


def _asked_for(name: str, request: Request) -> list[str]:
    asked = (*request.requirements.direct, *request.requirements.constrained)
    return [str(one) for one in asked if canonicalize_name(one.name) == name and one.specifier]


def _contradicted(name: str, request: Request) -> bool:
    """Tell whether the project itself asks for this package more than once."""
    return len(_asked_for(name, request)) > 1


def _passed_over(requirement: Requirement, logged: str) -> bool:
    """Tell from pip's log whether the index has files of what was asked for, though none that fit."""
    name = canonicalize_name(requirement.name)
    for line in logged.splitlines():
        if "Skipping link:" not in line and "Link requires a different Python" not in line:
            continue
        file = re.search(r"/([^/#\s]+?\.(?:whl|tar\.gz|zip|tar\.bz2|tgz))(?:[#\s]|$)", line)
        if file is not None and _is_asked_for(file[1], name, requirement):
            return True
    return False


def _is_asked_for(filename: str, name: str, requirement: Requirement) -> bool:
    from packaging.utils import (
        InvalidSdistFilename,
        InvalidWheelFilename,
        parse_sdist_filename,
        parse_wheel_filename,
    )

    try:
        if filename.endswith(".whl"):
            found, version, _build, _tags = parse_wheel_filename(filename)
        else:
            found, version = parse_sdist_filename(filename)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return False
    return found == name and requirement.specifier.contains(version, prereleases=True)


def _hint(output: str) -> str:
    match = _VERSIONS.search(output)
    if match is None or match[2] == "none":
        return ""
    versions = match[2].split(", ")
    return f"Versions that have one: {', '.join(versions[-8:])}."
